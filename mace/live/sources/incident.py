"""What goes wrong, or right again, while frames come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mace.live.config import LEAST_FPS

if TYPE_CHECKING:  # the live step needs no reader of videos
    from mace.video.reader import RemarkKind

type IncidentKind = (
    RemarkKind | Literal["ended", "stalled", "frozen", "resized", "unplugged", "back", "slow"]
)


@dataclass(frozen=True)
class Incident:
    """Something a person who watches should know, and a recording should keep.

    Attributes:
        time: s since the first frame; 0 before it.
        kind: what it is.
        sentence: the same for people, in one sentence.
    """

    time: float
    kind: IncidentKind
    sentence: str

    def __str__(self) -> str:
        return f"{self.time:.1f} s: {self.sentence}"


def few_frames(name: str, fps: float) -> tuple[str, ...]:
    """Return what to say of a source of so many frames per second; nothing where they will do.

    Args:
        name: of the source, for people.
        fps: by its clock; 0 where that is not known.
    """
    if not 0 < fps < LEAST_FPS:
        return ()
    return (
        f"{name} has {fps:.3g} frames per second: a movement that rises within 0.1 s has fewer "
        "than three of them, and may be missed; record at 100 or more, at 30 at least",
    )
