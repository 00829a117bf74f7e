"""How well the events of data sets of long videos are spotted, as the Grand Challenge has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mace.annotation.class_sets import classes_of
from mace.data.long_videos import LongVideo, TrueEvent, load_videos
from mace.files import write_json
from mace.inference import unit_names
from mace.progress import progress
from mace.recordings.batch import Settings
from mace.recordings.stored_videos import METHODS, spot_stored
from mace.result_folders import composed_names
from mace.spotting.events import Event
from mace.spotting.folder import (
    check_place,
    read_spotted,
    spotted_events,
    spotted_folder,
    write_spotted,
)
from mace.spotting.measures import KINDS, Interval, Scores, Video, match, score
from mace.spotting.megc import FOLDER, write_emotions, write_log, write_types
from mace.spotting.temperature import fit_temperature


@dataclass(frozen=True)
class Spotted:
    """One video, as spotted and as the other methods spotted it.

    Attributes:
        ours: as spotted.
        others: as each of `METHODS` spotted it, by name.
        events: what `ours.spotted` was made of.
        classes: the network's.
        data_set: where it is from, such as samm/long.
    """

    ours: Video
    others: Mapping[str, Video]
    events: tuple[Event, ...]
    classes: tuple[str, ...]
    data_set: str = ""


def spot_data_set(prepared: Path, settings: Settings, *, out: Path) -> list[Spotted]:
    """Spot in every video of a prepared data set; what is done already is not done again.

    Args:
        prepared: folder of the data set.
        settings: network and what counts as a movement.
        out: folder for a folder of each video, and for the logs.

    Raises:
        ConfigError: see `mace.live.spotting.check_model`.
        DataError: if the data set holds no long videos, or crops of another size.
        OutputError: if `out` cannot be written.
    """
    model = settings.model
    stat = (prepared / "dataset_info.json").stat()
    name = f"{prepared.parent.parent.name}/{prepared.parent.name}"
    done: list[Spotted] = []
    count, videos = load_videos(prepared)
    with progress(f"spotting in {name}", count) as advance:
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
                spotted = spot_stored(video, model, settings.live)
                facts = {"subject": video.subject, "seconds": video.seconds}
                write_spotted(
                    folder,
                    spotted.events,
                    classes=model.classes,
                    units=unit_names(model),
                    made_from=made_from,
                    notes={**facts, "remarks": list(spotted.remarks), **settings.notes},
                    others=spotted.others,
                )
            others = {method: spotted_events(folder, method=method) for method in METHODS}
            done.append(scored(video, spotted_events(folder), others, model.classes))
            advance()
    done = _as_annotated(done, name)
    _write_logs(out / FOLDER, done)
    return done


def _as_annotated(done: Sequence[Spotted], data_set: str) -> list[Spotted]:
    """Videos that know which kinds somebody has annotated in their data set: others are not scored.

    Where nothing at all is annotated, everything that is spotted is a false alarm.
    """
    true = {interval.kind for video in done for interval in video.ours.true}
    kinds = tuple(kind for kind in KINDS if kind in true) or KINDS
    return [
        replace(
            video,
            data_set=data_set,
            ours=replace(video.ours, kinds=kinds),
            others={name: replace(other, kinds=kinds) for name, other in video.others.items()},
        )
        for video in done
    ]


def _write_logs(folder: Path, done: Sequence[Spotted]) -> None:
    ours = [video.ours for video in done]
    write_emotions(folder / "gt.csv", ours, true=True)
    write_emotions(folder / "mace-emotions.csv", ours)
    for method, videos in {"mace": ours, **_by_method(done)}.items():
        write_log(folder / f"{method}.txt", videos)
        write_types(folder / f"{method}-types.csv", videos)


def _by_method(done: Sequence[Spotted]) -> dict[str, list[Video]]:
    return {method: [video.others[method] for video in done] for method in METHODS}


def scored(
    video: LongVideo,
    events: Sequence[Event],
    others: Mapping[str, Sequence[Event]],
    classes: Sequence[str],
) -> Spotted:
    """Return what the measures need to know of a video.

    Args:
        video: with its truth.
        events: as spotted.
        others: as other methods spotted.
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
        first = int(video.numbers[0])
        name, subject, seconds = video.clip, video.subject, video.seconds
        return Video(name, subject, seconds, intervals, true, video.database, first)

    movements = tuple(event for event in events if event.kind in KINDS)
    by_method = {method: as_spotted(spotted) for method, spotted in others.items()}
    return Spotted(as_spotted(movements), by_method, movements, tuple(classes))


def true_class(database: str, event: TrueEvent, classes: Sequence[str]) -> str | None:
    """Return the network's class for a true emotion: its name, or that in a set of the field's."""
    names = [event.emotion, *classes_of(database, event.emotion).values()]
    polarity = {"happiness": "positive", "disgust": "negative", "repression": "negative"}
    names.append(polarity.get(event.emotion, ""))
    return next((name for name in names if name in classes), None)


def summary(done: Sequence[Spotted]) -> dict[str, Any]:
    """Return all figures of one data set, over all videos and by subject, or of several pooled."""
    subjects = sorted({(video.data_set, video.ours.subject) for video in done})
    several = len({data_set for data_set, _ in subjects}) > 1
    by_subject = {
        f"{data_set}/{subject}" if several else subject: [
            video for video in done if (video.data_set, video.ours.subject) == (data_set, subject)
        ]
        for data_set, subject in subjects
    }
    return {
        **_methods(done),
        "calibration": _calibration(done),
        "subjects": {name: _methods(own) for name, own in by_subject.items()},
    }


def _methods(done: Sequence[Spotted]) -> dict[str, Any]:
    ours = score([video.ours for video in done])
    return {
        "videos": len(done),
        "minutes": round(ours.minutes, 4),
        "spotted": _figures(ours),
        "others": {method: _figures(score(videos)) for method, videos in _by_method(done).items()},
    }


def _figures(scores: Scores) -> dict[str, Any]:
    kinds = {
        kind: {
            "true": counts.hits + counts.misses,
            "hits": counts.hits,
            "false_alarms": counts.false_alarms,
            "misses": counts.misses,
            "precision": round(counts.precision, 4),
            "recall": round(counts.recall, 4),
            "f1": round(counts.f1, 4),
            "false_alarms_per_minute": round(scores.false_alarms_per_minute(kind), 3),
        }
        for kind, counts in scores.by_kind.items()
    }
    return {
        **kinds,
        "annotated": list(scores.kinds),
        "all_f1": round(scores.spotting.f1, 4),
        "named": scores.named,
        "analysed": scores.analysis.pairs,
        "analysis_f1": round(scores.analysis.f1, 4),
        "analysis_uf1": round(scores.analysis.uf1, 4),
        "strs": round(scores.strs, 4),
    }


def _calibration(done: Sequence[Spotted]) -> dict[str, Any]:
    """Say whether the probabilities mean what they say, over the rightly spotted events."""
    predicted, labels = [], []
    for video in done:
        for i, j in match(video.ours.spotted, video.ours.true):
            event, label = video.events[i], video.ours.true[j].label
            if event.label is not None and label is not None:
                predicted.append([event.probabilities[name] for name in video.classes])
                labels.append(video.classes.index(label))
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


def score_data_sets(
    prepared: Mapping[str, Path], settings: Settings, *, folders: Mapping[str, Path], pooled: Path
) -> dict[str, Any]:
    """Spot in every video of prepared data sets, and score what was spotted.

    Args:
        prepared: folders of the data sets by name.
        settings: network and what counts as a movement.
        folders: of the results of each.
        pooled: folder of the figures of all together, if there are several.

    Returns:
        The figures of each by name under `datasets`, and those of all together, which are those of
        a data set alone; `mace.recordings.score_table.table` has them as text.

    Raises:
        ConfigError: see `mace.live.spotting.check_model`.
        DataError: if a data set holds no long videos, or crops of another size.
        OutputError: if a folder cannot be written.
    """
    notes = {"made_from": dict(settings.made_from), **settings.notes}
    everything: list[Spotted] = []
    figures: dict[str, dict[str, Any]] = {}
    for name, folder in prepared.items():
        done = spot_data_set(folder, settings, out=folders[name])
        figures[name] = summary(done)
        everything += done
        own = {**figures[name], "datasets": {name: figures[name]}}
        write_json(folders[name] / "scores.json", {**own, **notes})
    if len(figures) == 1:
        (alone,) = figures.values()
        return {**alone, "datasets": figures}
    total = {**summary(everything), "datasets": figures}
    write_json(pooled / "scores.json", {**total, **notes})
    return total
