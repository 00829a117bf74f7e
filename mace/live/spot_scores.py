"""How well a data set's events were spotted, beside the baseline, as the Grand Challenge scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mace.annotation.class_sets import classes_of
from mace.data.long_videos import LongVideo, TrueEvent
from mace.spotting.events import Event
from mace.spotting.measures import KINDS, Interval, Scores, Video, match, score
from mace.spotting.temperature import fit_temperature


@dataclass(frozen=True)
class Pair:
    """One video, as spotted and as the baseline spotted it.

    Attributes:
        ours: as spotted.
        plain: as the baseline spotted it.
        found: what `ours.spotted` was made of.
    """

    ours: Video
    plain: Video
    found: tuple[Event, ...]


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
        Interval(one.onset, one.offset, one.kind, true_class(video.database, one, classes))
        for one in video.events
        if one.kind in KINDS
    )

    def as_spotted(found: Sequence[Event]) -> Video:
        intervals = tuple(
            Interval(one.onset_frame, one.offset_frame, one.kind, one.label)
            for one in found
            if one.kind in KINDS
        )
        return Video(video.clip, video.subject, video.seconds, intervals, true)

    kept = tuple(one for one in events if one.kind in KINDS)
    return Pair(as_spotted(kept), as_spotted(plain), kept)


def true_class(database: str, event: TrueEvent, classes: Sequence[str]) -> str | None:
    """Return the network's class for a true emotion: its name, or that in a set of the field's."""
    names = [event.emotion, *classes_of(database, event.emotion).values()]
    polarity = {"happiness": "positive", "disgust": "negative", "repression": "negative"}
    names.append(polarity.get(event.emotion, ""))
    return next((name for name in names if name in classes), None)


def summary(pairs: Sequence[Pair], classes: Sequence[str]) -> dict[str, Any]:
    """Return all figures, over all videos and by subject."""
    subjects = sorted({one.ours.subject for one in pairs})
    return {
        "videos": len(pairs),
        "minutes": round(score([one.ours for one in pairs]).minutes, 4),
        "spotted": _figures(score([one.ours for one in pairs])),
        "baseline": _figures(score([one.plain for one in pairs])),
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
    for one in pairs:
        for i, j in match(one.ours.spotted, one.ours.true):
            found, label = one.found[i], one.ours.true[j].label
            if found.label is not None and label is not None:
                predicted.append([found.probabilities[name] for name in classes])
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
