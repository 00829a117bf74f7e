"""Face correction of a stored clip, by the tracker that live frames go through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, UInt8

from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.images import to_gray
from mace.face.tracked import Status, TrackedFace
from mace.face.tracker import FaceTracker

# A clip's keyframe outlasts this many frames in a row that do not register, a quarter of a second
# at 200 fps and so a blink: motion across a change of keyframe cannot be compared.
_PATIENCE = 50
# Residual of the registration, px, above which a micro-expression may drown.
_NOTABLE_ERROR = 0.5


class NoFace(DataError):
    """Frames that can be read and show no face."""


@dataclass(frozen=True)
class AlignedClip:
    """A corrected clip.

    Attributes:
        frames: crops; a frame without a face shows what lies where the face was last, in a long
            video nothing (0).
        transforms: frame px to crop px; NaN in a long video where there is no face.
        landmarks: of the keyframe, (x, y) px of that frame.
        error_px: residual of the registration, NaN where a frame was not registered.
        status: one per frame.
        reference_ids: keyframe of each frame; more than one value means that the pose was renewed
            within the clip and that motion across the change cannot be compared.
        faces: most faces seen in one frame.
        visible: smallest fraction of a crop that lies within its frame.
    """

    frames: UInt8[np.ndarray, "t s s"]
    transforms: Float[np.ndarray, "t 2 3"]
    landmarks: Float[np.ndarray, "n 2"]
    error_px: Float[np.ndarray, " t"]
    status: tuple[Status, ...]
    reference_ids: Int[np.ndarray, " t"]
    faces: int
    visible: float

    @property
    def quality(self) -> str:
        """What to know before trusting the clip, in words; `good` if nothing."""
        remarks = []
        count = len(self.status)
        untracked = sum(status is not Status.TRACKED for status in self.status)
        if untracked:
            remarks.append(f"{untracked} of {count} frames not registered")
        worst = float(np.nanmax(self.error_px, initial=0.0))
        if worst > _NOTABLE_ERROR:
            remarks.append(f"registered within {worst:.1f} px only")
        keyframes = len(np.unique(self.reference_ids))
        if keyframes > 1:
            remarks.append(f"{keyframes} keyframes")
        if self.faces > 1:
            remarks.append(f"{self.faces} faces")
        if self.visible < 0.95:
            remarks.append(f"face at the border ({self.visible:.0%} visible)")
        return "; ".join(remarks) or "good"


def correct_clip(
    frames: Sequence[np.ndarray | None] | UInt8[np.ndarray, "t h w *c"],
    *,
    onset: int = 0,
    config: FaceConfig = FaceConfig(),  # noqa: B008
) -> AlignedClip:
    """Align every frame of a clip to its onset frame.

    The tracker runs forward from the onset, then backward over the frames before it with the same
    keyframe; a clip played to a `FaceTracker` of this patience from its onset gives the same crops
    bit for bit.

    Args:
        frames: uint8 (t, h, w) or (t, h, w, c), or a sequence of images of one size, grey, BGR or
            BGRA.
        onset: index of the keyframe.
        config: sizes, margins, thresholds; its `patience` is taken for 50 frames at least.

    Raises:
        DataError: for an empty clip, an onset outside it, an unusable frame, frames of several
            sizes, or an onset frame without a face.
    """
    if not 0 <= onset < len(frames):
        raise DataError(f"onset {onset} lies outside the clip, which has {len(frames)} frames")
    grays = _grays(frames)
    config = replace(config, patience=max(config.patience, _PATIENCE))
    forward = FaceTracker(config)
    answers = [answer for gray in grays[onset:] for answer in forward.push(gray)]
    answers += forward.finish()
    keyframe = answers[0].keyframe
    if answers[0].transform is None or keyframe is None:
        raise DataError(
            f"no face found in the onset frame (position {onset}); check the annotation, or lower "
            "detector.min_score"
        )
    backward = FaceTracker(config, keyframe=keyframe)
    before = [answer for gray in grays[:onset][::-1] for answer in backward.push(gray)]
    before += backward.finish()
    return _assemble(grays, before[::-1] + answers, onset)


def correct_video(
    frames: Iterable[np.ndarray | None],
    *,
    fps: float,
    config: FaceConfig = FaceConfig(),  # noqa: B008
) -> AlignedClip:
    """Align a long video to the first frame with a face, one frame in memory at a time.

    What the head's pose makes of the face changes in minutes, so that the keyframe may be renewed
    on the way; frames before the first face, or without one, have status other than `TRACKED`.

    Args:
        frames: images, grey, BGR or BGRA; None for one that cannot be read.
        fps: frames per second.
        config: sizes, margins, thresholds; its `patience` is taken for a quarter of a second at
            least, which outlasts a blink.

    Raises:
        NoFace: if there is a face in none of them.
        DataError: if there is no frame.
    """
    tracker = FaceTracker(replace(config, patience=max(config.patience, round(fps / 4))))
    answers = [answer for frame in frames for answer in tracker.push(frame)]
    answers += tracker.finish()
    seen = next((answer for answer in answers if answer.keyframe is not None), None)
    if seen is None or seen.keyframe is None:
        raise NoFace(
            f"no face found in any of its {len(answers)} frames; look at them, or lower "
            "detector.min_score"
        )
    side, nowhere = config.crop.size, np.full((2, 3), np.nan)
    nothing = np.zeros((side, side), np.uint8)
    return AlignedClip(
        frames=np.stack([nothing if a.crop is None else a.crop for a in answers]),
        transforms=np.stack([nowhere if a.transform is None else a.transform for a in answers]),
        landmarks=seen.keyframe.landmarks,
        error_px=np.array([answer.error_px for answer in answers]),
        status=tuple(answer.status for answer in answers),
        reference_ids=np.array([answer.reference_id for answer in answers], np.int64),
        faces=max(answer.faces for answer in answers),
        visible=min((a.visible for a in answers if a.crop is not None), default=1.0),
    )


def unseen_video(count: int, *, config: FaceConfig) -> AlignedClip:
    """Return what `correct_video` would of so many frames without a face: nothing is seen (0)."""
    side = config.crop.size
    return AlignedClip(
        frames=np.zeros((count, side, side), np.uint8),
        transforms=np.full((count, 2, 3), np.nan),
        landmarks=np.zeros((config.landmarks, 2)),
        error_px=np.full(count, np.nan),
        status=(Status.NO_FACE,) * count,
        reference_ids=np.full(count, -1, np.int64),
        faces=0,
        visible=1.0,
    )


def _grays(frames: Sequence[np.ndarray | None] | np.ndarray) -> list[np.ndarray]:
    grays = []
    for index, frame in enumerate(frames):
        try:
            grays.append(to_gray(frame))
        except DataError as error:
            raise DataError(f"frame {index}: {error}") from error
        if grays[index].shape != grays[0].shape:
            raise DataError(
                f"frame {index} is {grays[index].shape[::-1]} px, the first is "
                f"{grays[0].shape[::-1]}; a clip has frames of one size"
            )
    return grays


def _assemble(grays: list[np.ndarray], answers: list[TrackedFace], onset: int) -> AlignedClip:
    keyframe = answers[onset].keyframe
    assert keyframe is not None
    transforms = [answer.transform for answer in answers]
    crops = [answer.crop for answer in answers]
    # Where there is no face, look on at the place where it was, outward from the onset.
    outward = [(i, i - 1) for i in range(onset + 1, len(answers))]
    outward += [(i, i + 1) for i in range(onset - 1, -1, -1)]
    for index, inner in outward:
        if transforms[index] is None:
            transforms[index] = transforms[inner]
            crops[index] = keyframe.crop(grays[index], _present(transforms[inner]))
    # Keyframes made while running backward are others than those of the forward run.
    ids = [answer.reference_id for answer in answers]
    ids[:onset] = [-identity for identity in ids[:onset]]
    return AlignedClip(
        frames=np.stack([_present(crop) for crop in crops]),
        transforms=np.stack([_present(transform) for transform in transforms]),
        landmarks=keyframe.landmarks,
        error_px=np.array([answer.error_px for answer in answers]),
        status=tuple(answer.status for answer in answers),
        reference_ids=np.array(ids, dtype=np.int64),
        faces=max(answer.faces for answer in answers),
        visible=min(answer.visible for answer in answers if answer.crop is not None),
    )


def _present(array: np.ndarray | None) -> np.ndarray:
    assert array is not None
    return array
