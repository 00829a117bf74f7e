"""What one frame gave: its faces, the events that became certain with it, and the loop's counters.

Everything that shows, records or serves the live loop reads these and nothing else.
"""

from dataclasses import dataclass, field

from mace.live.labelled import LabelledFrame
from mace.live.sources.frame import Frame
from mace.spotting.events import Event


@dataclass(frozen=True)
class Counters:
    """How the loop is doing, since its start unless said otherwise.

    Attributes:
        frames: frames that have a result.
        dropped: frames that came while the loop was busy and were never looked at.
        skipped: frames that were tracked, but whose face the network did not look at.
        fps: results a second, over the last second.
        delay_ms: from the capture of this frame to its result.
    """

    frames: int = 0
    dropped: int = 0
    skipped: int = 0
    fps: float = 0.0
    delay_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class Result:
    """What one frame gave.

    Attributes:
        frame: the frame itself.
        faces: by identity; empty where nobody is seen.
        events: those that became certain with this frame.
        counters: the loop's.
    """

    frame: Frame
    faces: tuple[LabelledFrame, ...]
    events: tuple[Event, ...] = ()
    counters: Counters = field(default_factory=Counters)

    def __repr__(self) -> str:
        faces = ", ".join(face.label or face.status for face in self.faces) or "nobody"
        events = "".join(f"; {event.kind} at {event.apex:.2f} s" for event in self.events)
        return f"frame {self.frame.index} at {self.frame.time:.3f} s: {faces}{events}"
