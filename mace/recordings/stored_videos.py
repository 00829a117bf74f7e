"""Spotting in stored long videos: the spotter that live frames go through, and two others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mace.config import from_dict
from mace.data.long_videos import LongVideo
from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.tracked import Status, TrackedFace
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.quality import Quality
from mace.live.results import FaceResult
from mace.live.spotting import SpottingStage, check_model, sample_of
from mace.motion.representation import represent
from mace.recordings.spot import by_onset
from mace.spotting.baseline import MACRO, spot_plainly
from mace.spotting.covered import Fit
from mace.spotting.events import Event
from mace.spotting.of_fd import spot_by_flow_peaks
from mace.spotting.series import grid_number
from mace.spotting.spotter import Sample

# Stored crops are compared so many at a time.
_BATCH = 50

METHODS: Mapping[str, str] = {"flow": "flow, threshold", "of-fd": "OF-FD"}
"""Other methods by the names of their files, as tables call them."""


@dataclass(frozen=True)
class StoredSpotting:
    """What was spotted in a stored video; frames count from its first, missing ones included.

    Attributes:
        events: by onset.
        others: what each of `METHODS` spotted, by name.
        remarks: what may have been missed, in sentences.
    """

    events: tuple[Event, ...]
    others: Mapping[str, tuple[Event, ...]]
    remarks: tuple[str, ...] = ()


def spot_stored(video: LongVideo, model: Model, config: LiveConfig) -> StoredSpotting:
    """Spot in stored crops, motion being that against the first of their keyframe.

    Raises:
        ConfigError: see `check_model`.
        DataError: if the crops are not of the model's size.
    """
    check_model(model)
    face = from_dict(FaceConfig, model.face, where="face.")
    side = video.frames.shape[1]
    if side != face.crop.size:
        raise DataError(
            f"{video.clip} holds crops of {side} px, the model's faces have {face.crop.size}; "
            "prepare the data set with the model's face settings"
        )
    if (video.registered < 0).all():
        nothing = dict.fromkeys(METHODS, ())
        return StoredSpotting((), nothing, ("no face was found in it: all of it is missed",))
    spotter = SpottingStage(model, config, face=face)
    events: list[Event] = []
    samples: list[Sample] = []
    keyframes: list[int] = []
    fits: dict[int, Fit] = {}
    references = _references(video)
    for index, inputs in _motions(video, model, references, config.spotting.fps):
        keyframe = int(video.registered[index])
        if keyframe not in fits:
            fits[keyframe] = Fit(video.frames[references[keyframe]], face.crop)
        result = _stored_face(video, index, inputs, fits[keyframe], classes=model.classes)
        transform = video.transforms[index]
        samples.append(sample_of(result, inputs, transform, model=model, crop=face.crop))
        keyframes.append(keyframe)
        events += spotter.push([result])
    events += spotter.finish()
    line = _continued(samples, keyframes)
    others = {
        "flow": by_onset([*spot_plainly(line), *spot_plainly(line, config=MACRO)]),
        "of-fd": by_onset(spot_by_flow_peaks(line)),
    }
    return StoredSpotting(by_onset(events), others, tuple(spotter.remarks))


def _references(video: LongVideo) -> dict[int, int]:
    """The first frame of each keyframe, which is the keyframe itself."""
    first: dict[int, int] = {}
    for index, keyframe in enumerate(video.registered.tolist()):
        if keyframe >= 0:
            first.setdefault(keyframe, index)
    return first


def _motions(
    video: LongVideo, model: Model, references: Mapping[int, int], fps: float
) -> Iterator[tuple[int, Float[np.ndarray, "h w c"]]]:
    """Yield the frames on the spotter's grid by their indices, with the network's inputs."""
    times, due, last = video.positions / video.fps, [], None
    # The first registered frame on or after every point of the grid.
    for index in np.flatnonzero(video.registered >= 0).tolist():
        number = grid_number(times[index], fps)
        if number != last:
            due.append(index)
        last = number
    for start in range(0, len(due), _BATCH):
        chosen = due[start : start + _BATCH]
        padded = [*chosen, *[chosen[-1]] * (_BATCH - len(chosen))]  # one shape, compiled once
        before = [references[int(video.registered[index])] for index in padded]
        inputs = represent(video.frames[before], video.frames[padded], config=model.motion)
        yield from zip(chosen, np.asarray(inputs), strict=False)


def _stored_face(
    video: LongVideo,
    index: int,
    inputs: Float[np.ndarray, "h w c"],
    fit: Fit,
    *,
    classes: tuple[str, ...],
) -> FaceResult:
    position = int(video.positions[index])
    face = TrackedFace(
        position,
        Status.TRACKED,
        crop=video.frames[index],
        transform=video.transforms[index],
        reference_id=int(video.registered[index]),
    )
    nan = float("nan")  # nobody has measured it
    quality = Quality(nan, nan, nan, nan, nan, misfit=fit.misfit(video.frames[index]))
    time = position / video.fps
    return FaceResult(position, time, face, classes, inputs=inputs, quality=quality)


def _continued(samples: Sequence[Sample], keyframes: Sequence[int]) -> list[Sample]:
    """Samples whose displacements go on where they were when the keyframe changes.

    Methods that look at a whole recording would take the change of reference for a movement.
    """
    line: list[Sample] = []
    shift: Float[np.ndarray, "r 2"] | float = 0.0
    for k, sample in enumerate(samples):
        if k and keyframes[k] != keyframes[k - 1]:
            shift = line[-1].regions - sample.regions
        line.append(sample._replace(regions=sample.regions + shift))
    return line
