"""What one frame gave: its faces, the events that became certain with it, the loop's counters.

Whatever shows, records, serves or sends results reads these and nothing else. `to_dict` is the one
schema: the lines of `frames.jsonl`, the rows of `frames.csv`, the data frames and the page's
messages are made of it; events have theirs in `mace.spotting.records`.
"""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Float32

from mace.face.similarity import Transform, apply, invert
from mace.face.tracked import Status, TrackedFace
from mace.live.quality import Quality
from mace.live.sources.frame import Frame
from mace.motion.resample import Framing
from mace.spotting.events import Event, Unit
from mace.spotting.moving import RegionMotion
from mace.spotting.records import event_record
from mace.spotting.signal import EYES

if TYPE_CHECKING:
    import pandas as pd


type State = Literal["", "neutral", "still"]
_BOX = ("x", "y", "width", "height")
_FIXED = (
    *("frame", "timestamp", "identity", "status", "success", "confidence", "faces"),
    *("reference_id", "error_px", *_BOX, "sharpness", "roll", "turn", "size", "quality", "label"),
)


@dataclass(frozen=True, eq=False)
class Moving:
    """What a face does in one frame, against its neutral reference.

    Attributes:
        regions: those away from their rest, the farthest first; empty of a face that is still.
        motion: (u, v) of what the network was shown of the face, px of the 128-px crop.
        framing: which part of the crop that is.
        read_units: asks the network about action units; None of one that names none.
    """

    regions: tuple[RegionMotion, ...]
    motion: Float32[np.ndarray, "h w 2"] | None
    framing: Framing
    read_units: Callable[[], Mapping[str, Unit]] | None = None

    @functools.cached_property
    def units(self) -> Mapping[str, Unit]:
        """The action units, by FACS number; none of a face that is still, or only blinks.

        The network is asked in the thread that first wants to know, which takes it about 1 ms.
        """
        if self.read_units is None or all(region.name in EYES for region in self.regions):
            return {}
        return self.read_units()


@dataclass(frozen=True)
class FaceResult:
    """One face in one frame; fields are None where it is not seen.

    Attributes:
        index: position in the source, in frames.
        time: seconds since the first frame.
        face: where it is, and how sure the tracker is of it.
        classes: names of the probabilities.
        inputs: what the network saw.
        probabilities: of this frame alone.
        smoothed: probabilities over the frames so far.
        label: the class that is most probable after smoothing.
        state: why a tracked face has no label: it is `neutral` by agreement, or `still`.
        identity: number of the person in this session, from 0; it survives short losses. -1: nobody
            yet.
        quality: what speaks against trusting this frame; None without a face.
        moving: what it does now; None where nobody has looked: of a face that is not registered,
            or a network that reads no flow.
    """

    index: int
    time: float
    face: TrackedFace
    classes: tuple[str, ...]
    inputs: Float32[np.ndarray, "h w c"] | None = None
    probabilities: Float[np.ndarray, " k"] | None = None
    smoothed: Float[np.ndarray, " k"] | None = None
    label: str | None = None
    state: State = ""
    identity: int = 0
    quality: Quality | None = None
    moving: Moving | None = None

    @property
    def status(self) -> str:
        """The frame's state if it has one, the tracker's word for it otherwise."""
        return self.state or self.face.status.value

    @property
    def tracked(self) -> bool:
        """Whether the face was registered, and the probabilities mean something."""
        return self.face.status is Status.TRACKED

    @property
    def reference_id(self) -> int:
        """Counts the neutral keyframes, from 0; -1 before the first."""
        return self.face.reference_id

    @property
    def transform(self) -> Transform | None:
        """Frame px to crop px."""
        return self.face.transform

    @property
    def error_px(self) -> float | None:
        """Residual of the registration in px of a 128-px crop."""
        return None if math.isnan(self.face.error_px) else self.face.error_px

    @property
    def confidence(self) -> float:
        """1 less the registration error in px, at least 0; 0 without a tracked face."""
        if not self.tracked or self.error_px is None:
            return 0.0
        return max(0.0, 1.0 - self.error_px)

    @functools.cached_property
    def box(self) -> tuple[float, float, float, float] | None:
        """Left, top, width and height, in frame px, of the upright box around the crop."""
        if self.face.crop is None or self.face.transform is None:
            return None
        # Once a frame and eight numbers: Python's own arithmetic is quicker than NumPy's.
        (a, b, x), (c, d, y) = invert(self.face.transform).tolist()
        ends = -0.5, self.face.crop.shape[0] - 0.5
        across = [a * u + b * v + x for u in ends for v in ends]
        down = [c * u + d * v + y for u in ends for v in ends]
        left, top = min(across), min(down)
        return left, top, max(across) - left, max(down) - top

    def to_dict(self) -> dict[str, Any]:
        """Return everything but pictures, as JSON can hold it; no face, no numbers: None.

        `timestamp` is in s, `error_px` in px of the 128-px crop, `box` (left, top, width, height)
        and `size` (between the eyes) in px of the frame, `roll` and `turn` in degrees.
        """
        quality, transform = self.quality, self.transform
        error = self.error_px
        return {
            "frame": self.index,
            "timestamp": round(self.time, 6),
            "identity": self.identity,
            "status": self.status,
            "success": int(self.tracked),
            "confidence": round(self.confidence, 6),
            "faces": self.face.faces,
            "reference_id": self.reference_id,
            "error_px": None if error is None else round(error, 6),
            "box": None if self.box is None else _rounded(self.box, 3),
            "transform": None if transform is None else list(map(_rounded, transform.tolist())),
            "sharpness": None if quality is None else round(quality.sharpness, 4),
            "roll": None if quality is None else round(quality.roll_deg, 4),
            "turn": None if quality is None else round(quality.turn_deg, 4),
            "size": None if quality is None else round(quality.size_px, 4),
            "quality": None if quality is None else int(quality.ok),
            "reasons": [] if quality is None else list(quality.reasons),
            "label": self.label,
            "probabilities": self._named(self.probabilities),
            "smoothed": self._named(self.smoothed),
        }

    def _named(self, values: np.ndarray | None) -> dict[str, float] | None:
        if values is None:
            return None
        return dict(zip(self.classes, _rounded(values.tolist()), strict=True))


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
    faces: tuple[FaceResult, ...]
    events: tuple[Event, ...] = ()
    counters: Counters = field(default_factory=Counters)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but pictures, as JSON can hold it; times in s."""
        return {
            "frame": self.frame.index,
            "timestamp": round(self.frame.time, 6),
            "faces": [face.to_dict() for face in self.faces],
            "events": [event_record(event) for event in self.events],
            "counters": asdict(self.counters),
        }

    def __repr__(self) -> str:
        faces = ", ".join(face.label or face.status for face in self.faces) or "nobody"
        events = "".join(f"; {event.kind} at {event.apex:.2f} s" for event in self.events)
        return f"frame {self.frame.index} at {self.frame.time:.3f} s: {faces}{events}"


type Sink = Callable[[Result], None]
"""Takes every result in the order of the frames, and must not take long: who is slower than the
frames keeps the newest result (`mace.live.queues.LatestResult`) or a thread of its own. When a live
source ends, its last result comes once more, with the events that became certain by that alone."""


def crop_corners(face: TrackedFace) -> Float[np.ndarray, "4 2"] | None:
    """Return where the crop's corners lie in the frame, in px, clockwise from the upper left."""
    if face.crop is None or face.transform is None:
        return None
    side = face.crop.shape[0] - 0.5
    corners = np.array([[-0.5, -0.5], [side, -0.5], [side, side], [-0.5, side]])
    return apply(invert(face.transform), corners)


def unseen(frame: Frame, classes: tuple[str, ...]) -> FaceResult:
    """Return what is known of a frame in which nobody is seen."""
    nobody = TrackedFace(frame.index, Status.NO_FACE)
    return FaceResult(frame.index, frame.time, nobody, classes, identity=-1)


def frame_columns(classes: Sequence[str]) -> list[str]:
    """Return the columns of `frames.csv`, which docs/live.md explains.

    frame, timestamp (s), confidence and success are as in OpenFace; `p_*` are probabilities of this
    frame alone, `s_*` smoothed. Cells of a frame without a face are empty.
    """
    return [*_FIXED, *(f"p_{name}" for name in classes), *(f"s_{name}" for name in classes)]


def frame_row(record: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Return one row of `frames.csv`: what `FaceResult.to_dict` says of a face."""
    values = _flat(record)
    values["timestamp"] = f"{record['timestamp']:.6f}"
    return [_cell(values.get(name)) for name in columns]


def frames_table(results: Iterable[Result]) -> "pd.DataFrame":
    """Return a row for each face in each result, with the columns of `frames.csv`.

    Frames in which nobody is seen have none.
    """
    import pandas as pd

    faces = [face for result in results for face in result.faces]
    classes = faces[0].classes if faces else ()
    rows = [_flat(face.to_dict()) for face in faces]
    return pd.DataFrame(rows, columns=frame_columns(classes))


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of which every value is one column's."""
    values = {**record, **dict(zip(_BOX, record["box"] or (), strict=False))}
    for letter, key in (("p", "probabilities"), ("s", "smoothed")):
        values |= {f"{letter}_{name}": value for name, value in (record[key] or {}).items()}
    return values


def _cell(value: float | str | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rounded(values: Iterable[float], digits: int = 6) -> list[float]:
    return [round(value, digits) for value in values]
