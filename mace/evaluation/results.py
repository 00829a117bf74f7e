"""A finished evaluation, as tables and reports are made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mace.metrics import MeanScores, confusion_matrix

SYNTHETIC = "synthetic"
"""Databases whose name starts like this show rendered faces."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MethodResult:
    """The predictions of one method for every clip, once for each seed.

    Attributes:
        name: of the method.
        seeds: of its trainings.
        predicted: the class of each clip, for each seed.
        probabilities: of each class; None for a method that has none.
        histories: by seed and fold, curves over the epochs and single figures, by name.
        heat: maps of where the method looked, by clip.
        seconds: time of all folds together, s.
    """

    name: str
    seeds: tuple[int, ...]
    predicted: Int[np.ndarray, "s n"]
    probabilities: Float[np.ndarray, "s n k"] | None
    histories: Mapping[int, Mapping[str, Mapping[str, Sequence[float]]]]
    heat: Mapping[str, Float[np.ndarray, "h w"]]
    seconds: float

    def confusions(self, labels: Int[np.ndarray, " n"], classes: int) -> Int[np.ndarray, "s k k"]:
        """Return the pooled confusion matrix of each seed."""
        return np.stack(
            [confusion_matrix(labels, predicted, classes) for predicted in self.predicted]
        )


@dataclass(frozen=True, kw_only=True)
class Leak(MeanScores):
    """Scores of a way of evaluating, beside its honest counterpart where it is wrong on purpose.

    Attributes:
        name: of the way.
        honest: whether nothing of the tested people is seen in training.
        against: its honest counterpart; empty for an honest one.
        n: number of samples.
        inflation: by how much each score exceeds that of the counterpart; None for an honest one.
    """

    name: str
    honest: bool
    against: str
    n: int
    inflation: MeanScores | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """All methods on one data set under one protocol.

    Attributes:
        title: what a table calls the network.
        classes: their names.
        subjects: `database/subject` of everybody.
        clips: `database/subject/clip` of each.
        labels: the true class of each clip, as an index of `classes`.
        groups: the person of each clip, as an index of `subjects`.
        folds: name of the fold that tested each clip; empty for none.
        methods: the results, by the method's name.
        config: the evaluation's settings as JSON has them.
        config_hash: names them.
        motion: the settings of the input, likewise.
        fingerprint: names the data.
        description: further facts for the report, by name.
        provenance: revision, versions and time.
        command: that made the results.
        leaks: scores that are wrong on purpose, to show what leaks make of this recipe.
    """

    title: str
    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    clips: tuple[str, ...]
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    folds: tuple[str, ...]
    methods: Mapping[str, MethodResult]
    config: Mapping[str, Any]
    config_hash: str
    motion: Mapping[str, Any]
    fingerprint: str
    description: Mapping[str, str]
    provenance: Mapping[str, Any]
    command: str
    leaks: tuple[Leak, ...] = ()

    @property
    def databases(self) -> tuple[str, ...]:
        """Names of the databases the subjects come from."""
        return tuple(sorted({subject.split("/")[0] for subject in self.subjects}))

    @property
    def synthetic(self) -> bool:
        """Whether any database holds rendered faces."""
        return any(name.startswith(SYNTHETIC) for name in self.databases)
