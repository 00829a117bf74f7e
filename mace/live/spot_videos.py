"""Spotting in whole recordings, by the parts of the live loop: videos, and stored crops."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mace.config import from_dict
from mace.data.long_videos import LongVideo
from mace.errors import ConfigError, DataError
from mace.face.config import FaceConfig
from mace.face.tracked import Status, TrackedFace
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.faces import Observed
from mace.live.pipeline import Pipeline
from mace.live.quality import Quality
from mace.live.results import FaceResult
from mace.live.sources.frame import Source
from mace.live.sources.incident import few_frames
from mace.live.spotting import SpottingStage, can_spot, sample_of
from mace.motion.representation import represent
from mace.spotting.baseline import spot_plainly
from mace.spotting.covered import Fit
from mace.spotting.events import Event
from mace.spotting.series import grid_number

# Stored crops are compared so many at a time.
_BATCH = 50


@dataclass(frozen=True)
class Spotted:
    """What was spotted in a recording.

    Attributes:
        events: by onset.
        frames: how many there were.
        tracked: frames in which a face was followed.
        looked_at: frames whose motion was measured.
        seconds: length of the recording.
        plain: what the baseline spotted; None where it was not asked.
        remarks: what to know about the video, in sentences.
    """

    events: tuple[Event, ...]
    frames: int
    tracked: int
    looked_at: int
    seconds: float
    plain: tuple[Event, ...] | None = None
    remarks: tuple[str, ...] = ()


def check_model(bundle: Model, config: LiveConfig) -> None:
    """See whether a network's input can be spotted in.

    Raises:
        ConfigError: if it reads no flow, or motion is to be measured against a recent frame.
    """
    if not can_spot(bundle, config):
        raise ConfigError(
            f"spotting needs flow against the neutral reference; this model reads "
            f"{bundle.motion.representation} and live.reference is {config.reference}: choose a "
            "model that reads flow, and --live.reference neutral"
        )


def spot_source(
    source: Source, bundle: Model, config: LiveConfig, *, advance: Callable[[], None]
) -> Spotted:
    """Spot in a video: every frame is tracked, `config.spotting.fps` a second are looked at.

    Args:
        source: the video.
        bundle: the network.
        config: settings of the live loop.
        advance: called with every frame.

    Raises:
        ConfigError: see `check_model`.
        DataError: if the video cannot be read.
    """
    check_model(bundle, config)
    tally: Counter[str] = Counter()
    events: list[Event] = []
    last = 0.0
    remarks: list[str] = []
    source.report = lambda kind, sentence: remarks.append(sentence)
    with closing(Pipeline(bundle, config, fps=source.fps)) as pipeline:

        def observed() -> Iterator[Observed]:
            for frame in source.frames():
                yield from pipeline.faces.push(frame)
            yield from pipeline.faces.finish()

        for frame, people in observed():
            due = pipeline.due(frame)
            result = pipeline.infer(frame, people, skip=not due)
            tracked = any(one.tracked for one in result.faces)
            tally["frames"] += 1
            tally["tracked"] += tracked
            tally["looked"] += tracked and due
            events += result.events
            last = frame.time
            advance()
        events += pipeline.last_events()
        remarks += pipeline.remarks
    if last:
        remarks += few_frames(source.name, (tally["frames"] - 1) / last)
    seconds = last + 1 / source.fps if source.fps else last
    return Spotted(
        tuple(_ordered(events)),
        tally["frames"],
        tally["tracked"],
        tally["looked"],
        seconds,
        remarks=tuple(remarks),
    )


def spot_stored(video: LongVideo, bundle: Model, config: LiveConfig) -> Spotted:
    """Spot in stored crops, motion being that against the first; the baseline as well.

    Raises:
        ConfigError: see `check_model`.
        DataError: if the crops are not of the model's size.
    """
    check_model(bundle, config)
    face = from_dict(FaceConfig, bundle.face, where="face.")
    side = video.frames.shape[1]
    if side != face.crop.size:
        raise DataError(
            f"{video.clip} holds crops of {side} px, the model's faces have {face.crop.size}; "
            "prepare the data set with the model's face settings"
        )
    spotter = SpottingStage(bundle, config, face=face)
    events: list[Event] = []
    samples = []
    fit = Fit(video.frames[0], face.crop)
    for index, inputs in _motions(video, bundle, config.spotting.fps):
        one = _stored_face(video, index, inputs, fit, classes=bundle.classes)
        samples.append(
            sample_of(one, inputs, video.transforms[index], model=bundle, crop=face.crop)
        )
        events += spotter.push([one])
    events += spotter.finish()
    count = len(video.frames)
    plain = tuple(spot_plainly(samples))
    return Spotted(tuple(_ordered(events)), count, count, len(samples), video.seconds, plain)


def _motions(
    video: LongVideo, bundle: Model, fps: float
) -> Iterator[tuple[int, Float[np.ndarray, "h w c"]]]:
    """Yield the frames on the spotter's grid by their indices, with the network's inputs."""
    numbers = [grid_number(index / video.fps, fps) for index in range(len(video.frames))]
    # The first frame on or after every point of the grid.
    due = [
        index for index, number in enumerate(numbers) if not index or number != numbers[index - 1]
    ]
    first = np.repeat(video.frames[:1], _BATCH, axis=0)
    for start in range(0, len(due), _BATCH):
        chosen = due[start : start + _BATCH]
        padded = [*chosen, *[chosen[-1]] * (_BATCH - len(chosen))]  # one shape, compiled once
        inputs = np.asarray(represent(first, video.frames[padded], config=bundle.motion))
        yield from zip(chosen, inputs, strict=False)


def _stored_face(
    video: LongVideo,
    index: int,
    inputs: Float[np.ndarray, "h w c"],
    fit: Fit,
    *,
    classes: tuple[str, ...],
) -> FaceResult:
    face = TrackedFace(
        index,
        Status.TRACKED,
        crop=video.frames[index],
        transform=video.transforms[index],
        reference_id=0,
    )
    nan = float("nan")  # nobody has measured it
    quality = Quality(nan, nan, nan, nan, nan, misfit=fit.misfit(video.frames[index]))
    return FaceResult(index, index / video.fps, face, classes, inputs=inputs, quality=quality)


def _ordered(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.onset, event.identity, event.kind))
