"""Runs side by side: the same clips, paired by subject."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mace.errors import DataError
from mace.evaluation.answers import Answers, answers_of
from mace.evaluation.bootstrap import percentile_interval
from mace.evaluation.loading import load_evaluation
from mace.evaluation.log_answers import read_answers
from mace.evaluation.published import Published
from mace.evaluation.scores import CONFIDENCE, RESAMPLES, SCORES, by_database, describe, draw_scores
from mace.protocols import canonical_class


def open_answers(path: Path, *, classes: Sequence[str] | None = None) -> Answers:
    """Return the answers of a run folder or of a log of predictions, called after its path.

    Raises:
        DataError: if it is neither.
    """
    if path.is_dir():
        return answers_of(load_evaluation(path))
    return read_answers([path], classes=classes)


def compare(answers: Mapping[str, Answers]) -> dict[str, Any]:
    """Compare every entry with the first, on the clips that all have answered.

    The bootstrap draws the same subjects for each entry, so the interval of a difference is that
    of a paired comparison; one that holds 0 says that these subjects cannot tell the two apart.

    Args:
        answers: at least one method's answers, by the name to show.

    Raises:
        DataError: if there is no common clip, or the truth of one differs.
    """
    common, warnings = _common(answers)
    draws = {name: draw_scores(one) for name, one in common.items()}
    reference = next(iter(common))
    rows = {}
    for name, one in common.items():
        described = describe(one, draws=draws[name])
        row = {key: described[key] for key in (*SCORES, "macro_precision", "weighted_f1")}
        row |= {"intervals": described["intervals"], "seeds": len(one.predictions)}
        row |= {"title": one.name, "n_own": len(answers[name]), "per_database": by_database(one)}
        row["ahead"] = {
            score: {
                "difference": row[score] - rows[reference][score] if rows else 0.0,
                "interval": list(
                    percentile_interval(
                        getattr(draws[name], score) - getattr(draws[reference], score),
                        confidence=CONFIDENCE,
                    )
                ),
            }
            for score in SCORES
        }
        rows[name] = row
    first = common[reference]
    return {
        "reference": reference,
        "n": len(first),
        "subjects": len(set(first.groups.tolist())),
        "classes": list(first.classes),
        "runs": rows,
        "warnings": warnings,
        "bootstrap": {"resamples": RESAMPLES, "confidence": CONFIDENCE, "unit": "subject"},
    }


def published_rows(results: Sequence[Published]) -> list[dict[str, Any]]:
    """Return published results as JSON has them, with their warnings in words."""
    return [asdict(one) | {"warnings": list(one.warnings)} for one in results]


def _common(answers: Mapping[str, Answers]) -> tuple[dict[str, Answers], list[str]]:
    names = list(answers)
    if not names:
        raise DataError("there is nothing to compare; name a run folder or a log")
    reference = answers[names[0]]
    classes = _classes(answers)
    shared = set(reference.clips)
    for name in names[1:]:
        shared &= set(answers[name].clips)
    if not shared:
        raise DataError(
            f"{' and '.join(names)} have no clip in common, so they cannot be compared; evaluate "
            "both on the same data set"
        )
    order = sorted(shared)
    common: dict[str, Answers] = {}
    for name, one in answers.items():
        position = {clip: i for i, clip in enumerate(one.clips)}
        common[name] = _recoded(one.take([position[clip] for clip in order]), classes)
    truth = common[names[0]].labels
    for name in names[1:]:
        differ = np.flatnonzero(common[name].labels != truth)
        if differ.size:
            raise DataError(
                f"{name} and {names[0]} disagree about the true class of {differ.size} clips, the "
                f"first being {order[differ[0]]}; compare results on one class set"
            )
    warnings = [
        f"{name} has {len(one)} clips, of which the {len(order)} that all share are compared"
        for name, one in answers.items()
        if len(one) != len(order)
    ]
    return common, warnings


def _classes(answers: Mapping[str, Answers]) -> tuple[str, ...]:
    sets = [{canonical_class(name) for name in one.classes} for one in answers.values()]
    whole = set().union(*sets)
    largest = max(answers.values(), key=lambda one: len(one.classes))
    order = tuple(canonical_class(name) for name in largest.classes)
    if whole != set(order):
        listed = "; ".join(f"{name}: {', '.join(one.classes)}" for name, one in answers.items())
        raise DataError(f"the classes differ ({listed}); compare results on one class set")
    return order


def _recoded(answers: Answers, classes: tuple[str, ...]) -> Answers:
    # A log may lack a class, or hold the classes in another order.
    code = np.array([classes.index(canonical_class(name)) for name in answers.classes])
    subjects = tuple(sorted(set(answers.people)))
    return Answers(
        name=answers.name,
        classes=classes,
        clips=answers.clips,
        subjects=subjects,
        groups=np.array([subjects.index(one) for one in answers.people], np.int64),
        labels=code[answers.labels],
        predictions=code[answers.predictions],
    )
