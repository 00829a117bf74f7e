"""Results of a study: a line for each (setting, seed), and what the lines of a setting come to.

A line holds the predictions themselves, a digit a clip, so that intervals over people and
differences of two settings person by person are computed from it, and need no training.
"""

import functools
import json
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mace.errors import DataError
from mace.evaluation.bootstrap import Interval, ScoreDraws, bootstrap, percentile_interval
from mace.evaluation.method_scores import describe
from mace.evaluation.predictions import predictions_of
from mace.evaluation.results import Evaluation
from mace.files import append_line
from mace.metrics import uar, uf1
from mace.provenance import provenance, source_revision

_DIGITS = string.digits + string.ascii_lowercase
_PACKAGES = ("mace-mer", "jax", "jaxlib", "flax", "optax", "numpy", "opencv-python")


def make_row(
    evaluation: Evaluation, *, name: str, key: str, seed: int, extra: Mapping[str, float | None]
) -> dict[str, Any]:
    """Return the line of a finished cross-validation with one seed.

    Raises:
        DataError: for more than 36 classes.
    """
    if len(evaluation.classes) > len(_DIGITS):
        raise DataError(
            f"the clips have {len(evaluation.classes)} classes, results hold up to {len(_DIGITS)}; "
            "choose a set of classes"
        )
    predictions = predictions_of(evaluation)
    scores = describe(predictions)
    facts = provenance()
    return {
        "setting": name,
        "key": key,
        "seed": seed,
        "fingerprint": evaluation.fingerprint,
        "uf1": round(scores.uf1, 6),
        "uar": round(scores.uar, 6),
        "interval": [round(end, 6) for end in scores.intervals["uf1"]],
        "uar_interval": [round(end, 6) for end in scores.intervals["uar"]],
        "extra": dict(extra),
        "clips": len(predictions),
        "classes": list(predictions.classes),
        "predictions": [
            [
                predictions.subjects[group],
                _encode(predictions.labels[predictions.groups == group]),
                _encode(predictions.predicted[0, predictions.groups == group]),
            ]
            for group in np.unique(predictions.groups)
        ],
        "provenance": {
            # Results and page are written by the run itself and decide nothing.
            "revision": source_revision(apart=("experiments/results", "docs")),
            "packages": {name: facts["packages"][name] for name in _PACKAGES},
            "python": facts["python"],
            "machine": facts["machine"],
            "created": facts["created"],
        },
    }


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a line, whole or not at all, even where several processes write.

    Raises:
        OutputError: if the file cannot be written to.
    """
    append_line(path, json.dumps(row, separators=(",", ":")))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the lines so far, the later of two with one key and seed; torn lines are skipped."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    if path.exists():
        for line in path.read_bytes().splitlines():
            try:
                row = json.loads(line)
                rows[row["key"], row["seed"]] = row
            except (ValueError, KeyError, TypeError):
                continue
    return list(rows.values())


@dataclass(frozen=True, eq=False)
class Pooled:
    """The lines of one setting: scores as means over seeds, intervals over people.

    Attributes:
        name: of the setting.
        rows: the lines, one a seed.
        people: `database/subject` of everybody.
        counts: the confusion matrix of each person and seed.
    """

    name: str
    rows: tuple[Mapping[str, Any], ...]
    people: tuple[str, ...]
    counts: Int[np.ndarray, "g s k k"]

    @property
    def uf1(self) -> float:
        """UF1 of the pooled counts, the mean over the seeds."""
        return float(np.mean(self.uf1_of_each))

    @property
    def uf1_of_each(self) -> tuple[float, ...]:
        """UF1 of each seed."""
        return tuple(float(uf1(confusion)) for confusion in self.counts.sum(axis=0))

    @property
    def uar(self) -> float:
        """UAR of the pooled counts, the mean over the seeds."""
        return float(np.mean([uar(confusion) for confusion in self.counts.sum(axis=0)]))

    @functools.cached_property
    def draws(self) -> ScoreDraws:
        """Scores of random draws of people, the same people for every setting."""
        return bootstrap(self.counts)

    @property
    def interval(self) -> Interval:
        """Of the UF1, 95 %, over people."""
        return percentile_interval(self.draws.uf1)

    def extra(self, name: str) -> float | None:
        """Return the mean over the seeds of a further figure; None if one of them has none."""
        values = [row["extra"].get(name) for row in self.rows]
        return None if None in values else float(np.mean(values))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each line."""
        return tuple(row["seed"] for row in self.rows)

    def only(self, seeds: Collection[int]) -> "Pooled":
        """Return the predictions of some seeds alone.

        Raises:
            DataError: if there are none.
        """
        index = [i for i, seed in enumerate(self.seeds) if seed in seeds]
        if not index:
            raise DataError(f"{self.name} has no result of a seed that is asked for; run it")
        if len(index) == len(self.rows):
            return self
        rows = tuple(self.rows[i] for i in index)
        return Pooled(self.name, rows, self.people, self.counts[:, index])

    def of(self, database: str) -> "Pooled":
        """Return the predictions for the people of one database alone."""
        index = [i for i, person in enumerate(self.people) if person.split("/")[0] == database]
        people = tuple(self.people[i] for i in index)
        return Pooled(self.name, self.rows, people, self.counts[index])


def pool(name: str, rows: Sequence[Mapping[str, Any]]) -> Pooled:
    """Put the lines of one setting together.

    Raises:
        DataError: if there is none, or they are about other people or clips.
    """
    if not rows:
        raise DataError(f"there is no result of {name}; run its study first")
    people = tuple(person for person, _, _ in rows[0]["predictions"])
    truth = [labels for _, labels, _ in rows[0]["predictions"]]
    for row in rows:
        same = [person for person, _, _ in row["predictions"]] == list(people)
        if not same or [labels for _, labels, _ in row["predictions"]] != truth:
            raise DataError(
                f"the results of {name} are of different clips; remove the lines of older data"
            )
    classes = len(rows[0]["classes"])
    counts = np.zeros((len(people), len(rows), classes, classes), np.int64)
    for seed, row in enumerate(rows):
        for person, (_, labels, predicted) in enumerate(row["predictions"]):
            np.add.at(counts[person, seed], (_decode(labels), _decode(predicted)), 1)
    return Pooled(name, tuple(rows), people, counts)


def difference(later: Pooled, earlier: Pooled) -> tuple[float, Interval]:
    """Return by how much the UF1 of `later` is above, and its 95 % interval, person by person.

    Where a study is unfinished, only the seeds that both have count.

    Raises:
        DataError: if the two were tested on other people, or have no seed in common.
    """
    if later.people != earlier.people:
        raise DataError(
            f"{later.name} and {earlier.name} were tested on other people and cannot be compared"
        )
    shared = set(later.seeds) & set(earlier.seeds)
    later, earlier = later.only(shared), earlier.only(shared)
    draws: Float[np.ndarray, " r"] = later.draws.uf1 - earlier.draws.uf1
    return later.uf1 - earlier.uf1, percentile_interval(draws)


def _encode(numbers: Int[np.ndarray, " n"]) -> str:
    return "".join(_DIGITS[number] for number in numbers)


def _decode(text: str) -> list[int]:
    return [_DIGITS.index(digit) for digit in text]
