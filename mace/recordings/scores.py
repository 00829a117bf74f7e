"""How well the events of a data set of long videos are spotted, as the Grand Challenge has it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mace.annotation.class_sets import classes_of
from mace.config import from_dict
from mace.data.long_videos import LongVideo, TrueEvent, load_videos
from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.tracked import Status, TrackedFace
from mace.files import write_json
from mace.inference import Model, unit_names
from mace.live.config import LiveConfig
from mace.live.quality import Quality
from mace.live.results import FaceResult
from mace.live.spotting import SpottingStage, check_model, sample_of
from mace.motion.representation import represent
from mace.progress import progress
from mace.recordings.batch import Settings
from mace.recordings.spot import by_onset
from mace.result_folders import composed_names
from mace.spotting.baseline import spot_plainly
from mace.spotting.covered import Fit
from mace.spotting.events import Event
from mace.spotting.folder import (
    check_place,
    read_spotted,
    spotted_events,
    spotted_folder,
    write_spotted,
)
from mace.spotting.measures import KINDS, Interval, Scores, Video, match, score
from mace.spotting.series import grid_number
from mace.spotting.temperature import fit_temperature

# Stored crops are compared so many at a time.
_BATCH = 50


def score_data_set(prepared: Path, settings: Settings, *, out: Path) -> dict[str, Any]:
    """Spot in every video of a prepared data set, and score what was spotted.

    Videos that are done already are not done again.

    Args:
        prepared: folder of the data set.
        settings: network and what counts as a movement.
        out: folder for a folder of each video, and `scores.json`.

    Returns:
        All figures, over all videos and by subject; `table` has them as text.

    Raises:
        ConfigError: see `mace.live.spotting.check_model`.
        DataError: if the data set holds no long videos, or crops of another size.
        OutputError: if `out` cannot be written.
    """
    model = settings.model
    stat = (prepared / "dataset_info.json").stat()
    pairs = []
    count, videos = load_videos(prepared)
    with progress(f"spotting in {prepared.parent.name}", count) as advance:
        for video in videos:
            recording = f"{prepared.resolve()}:{video.subject}/{video.clip}"
            folder, _ = spotted_folder(out, composed_names(video.subject, video.clip), recording)
            made_from = {
                **settings.made_from,
                "video": recording,
                "file": [stat.st_size, stat.st_mtime_ns],
            }
            if read_spotted(folder, made_from) is None:
                check_place(folder)
                events, baseline = spot_stored(video, model, settings.live)
                write_spotted(
                    folder,
                    events,
                    classes=model.classes,
                    units=unit_names(model),
                    made_from=made_from,
                    notes={"subject": video.subject, "seconds": video.seconds, **settings.notes},
                    plain=baseline,
                )
            ours, plain = spotted_events(folder), spotted_events(folder, plain=True)
            pairs.append(scored(video, ours, plain, model.classes))
            advance()
    figures = summary(pairs, model.classes)
    made_from = dict(settings.made_from)
    write_json(out / "scores.json", {**figures, "made_from": made_from, **settings.notes})
    return figures


def spot_stored(
    video: LongVideo, model: Model, config: LiveConfig
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Return what is spotted in stored crops, motion being that against the first; the baseline's.

    Raises:
        ConfigError: see `check_model`.
        DataError: if the crops are not of the model's size.
    """
    check_model(model, config)
    face = from_dict(FaceConfig, model.face, where="face.")
    side = video.frames.shape[1]
    if side != face.crop.size:
        raise DataError(
            f"{video.clip} holds crops of {side} px, the model's faces have {face.crop.size}; "
            "prepare the data set with the model's face settings"
        )
    spotter = SpottingStage(model, config, face=face)
    events: list[Event] = []
    samples = []
    fit = Fit(video.frames[0], face.crop)
    for index, inputs in _motions(video, model, config.spotting.fps):
        result = _stored_face(video, index, inputs, fit, classes=model.classes)
        transform = video.transforms[index]
        samples.append(sample_of(result, inputs, transform, model=model, crop=face.crop))
        events += spotter.push([result])
    events += spotter.finish()
    return by_onset(events), tuple(spot_plainly(samples))


def _motions(
    video: LongVideo, model: Model, fps: float
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
        inputs = np.asarray(represent(first, video.frames[padded], config=model.motion))
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


@dataclass(frozen=True)
class Pair:
    """One video, as spotted and as the baseline spotted it.

    Attributes:
        ours: as spotted.
        plain: as the baseline spotted it.
        events: what `ours.spotted` was made of.
    """

    ours: Video
    plain: Video
    events: tuple[Event, ...]


def scored(
    video: LongVideo, events: Sequence[Event], plain: Sequence[Event], classes: Sequence[str]
) -> Pair:
    """Return what the measures need to know of a video.

    Args:
        video: with its truth.
        events: as spotted.
        plain: as the baseline spotted.
        classes: the network's; a true emotion that is none of them is in no analysis.
    """
    true = tuple(
        Interval(event.onset, event.offset, event.kind, true_class(video.database, event, classes))
        for event in video.events
        if event.kind in KINDS
    )

    def as_spotted(spotted: Sequence[Event]) -> Video:
        intervals = tuple(
            Interval(event.onset_frame, event.offset_frame, event.kind, event.label)
            for event in spotted
            if event.kind in KINDS
        )
        return Video(video.clip, video.subject, video.seconds, intervals, true)

    movements = tuple(event for event in events if event.kind in KINDS)
    return Pair(as_spotted(movements), as_spotted(plain), movements)


def true_class(database: str, event: TrueEvent, classes: Sequence[str]) -> str | None:
    """Return the network's class for a true emotion: its name, or that in a set of the field's."""
    names = [event.emotion, *classes_of(database, event.emotion).values()]
    polarity = {"happiness": "positive", "disgust": "negative", "repression": "negative"}
    names.append(polarity.get(event.emotion, ""))
    return next((name for name in names if name in classes), None)


def summary(pairs: Sequence[Pair], classes: Sequence[str]) -> dict[str, Any]:
    """Return all figures, over all videos and by subject."""
    subjects = sorted({pair.ours.subject for pair in pairs})
    return {
        "videos": len(pairs),
        "minutes": round(score([pair.ours for pair in pairs]).minutes, 4),
        "spotted": _figures(score([pair.ours for pair in pairs])),
        "baseline": _figures(score([pair.plain for pair in pairs])),
        "calibration": _calibration(pairs, classes),
        "subjects": {
            subject: {
                "spotted": _figures(score([p.ours for p in pairs if p.ours.subject == subject])),
                "baseline": _figures(score([p.plain for p in pairs if p.ours.subject == subject])),
            }
            for subject in subjects
        },
    }


def _figures(scores: Scores) -> dict[str, Any]:
    kinds = {
        kind: {
            "true": counts.hits + counts.misses,
            "hits": counts.hits,
            "false_alarms": counts.false_alarms,
            "precision": round(counts.precision, 4),
            "recall": round(counts.recall, 4),
            "f1": round(counts.f1, 4),
            "false_alarms_per_minute": round(scores.false_alarms_per_minute(kind), 3),
        }
        for kind, counts in scores.by_kind.items()
    }
    return {
        **kinds,
        "all_f1": round(scores.spotting.f1, 4),
        "analysis_f1": round(scores.analysis, 4),
        "analysed": scores.analysed,
        "strs": round(scores.strs, 4),
    }


def _calibration(pairs: Sequence[Pair], classes: Sequence[str]) -> dict[str, Any]:
    """Say whether the probabilities mean what they say, over the rightly spotted events."""
    predicted, labels = [], []
    for pair in pairs:
        for i, j in match(pair.ours.spotted, pair.ours.true):
            event, label = pair.events[i], pair.ours.true[j].label
            if event.label is not None and label is not None:
                predicted.append([event.probabilities[name] for name in classes])
                labels.append(list(classes).index(label))
    if not predicted:
        return {"events": 0}
    probabilities, true = np.array(predicted), np.array(labels)
    return {
        "events": len(true),
        "accuracy": round(float((probabilities.argmax(axis=1) == true).mean()), 4),
        "mean_confidence": round(float(probabilities.max(axis=1).mean()), 4),
        # By which the model's own would have to be multiplied for the best likelihood on these.
        "temperature_factor": round(fit_temperature(probabilities, true), 3),
    }


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures as lines of text."""
    head = f"{'':<10} {'micro F1':>8} {'prec.':>6} {'recall':>6} {'FA/min':>7} {'macro F1':>8}"
    lines = [f"{head} {'analysis':>8} {'STRS':>6} {'base F1':>8} {'base FA/min':>11}"]
    rows = {"all": figures, **figures["subjects"]}
    for name, row in rows.items():
        ours, plain = row["spotted"], row["baseline"]
        micro, macro = ours["micro"], ours["macro"]
        # Where there is nothing to find and nothing was found, no F1 says anything.
        long = f"{macro['f1']:.3f}" if macro["true"] + macro["false_alarms"] else "-"
        lines.append(
            f"{name:<10} {micro['f1']:>8.3f} {micro['precision']:>6.2f} {micro['recall']:>6.2f} "
            f"{micro['false_alarms_per_minute']:>7.2f} {long:>8} "
            f"{ours['analysis_f1']:>8.3f} {ours['strs']:>6.3f} {plain['micro']['f1']:>8.3f} "
            f"{plain['micro']['false_alarms_per_minute']:>11.1f}"
        )
    return "\n".join(lines)
