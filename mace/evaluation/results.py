"""A finished evaluation, as tables and reports are made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mace.metrics import confusion_matrix

SYNTHETIC = "synthetic"
"""Databases whose name starts like this show rendered faces."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MethodResult:
    """The answers of one method for every clip, once for each seed.

    `histories[seed][fold]` holds curves over the epochs and single figures, by name; `heat` maps
    of where the method looked, by clip; `seconds` the time of all folds together.
    """

    name: str
    seeds: tuple[int, ...]
    predictions: Int[np.ndarray, "s n"]
    probabilities: Float[np.ndarray, "s n k"] | None
    histories: Mapping[int, Mapping[str, Mapping[str, Sequence[float]]]]
    heat: Mapping[str, Float[np.ndarray, "h w"]]
    seconds: float

    def confusions(self, labels: Int[np.ndarray, " n"], classes: int) -> Int[np.ndarray, "s k k"]:
        """Return the pooled confusion matrix of each seed."""
        return np.stack([confusion_matrix(labels, one, classes) for one in self.predictions])


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """All methods on one data set under one protocol.

    `labels` indexes `classes` and `groups` indexes `subjects`, for each of `clips`; `title` is
    what a table calls the network; `config` and `motion` hold the settings as JSON has them;
    `leaks` are rows of scores that are wrong on purpose, to show what leaks make of this recipe.
    """

    title: str
    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    clips: tuple[str, ...]
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    methods: Mapping[str, MethodResult]
    config: Mapping[str, Any]
    config_hash: str
    motion: Mapping[str, Any]
    fingerprint: str
    description: Mapping[str, str]
    provenance: Mapping[str, Any]
    command: str
    leaks: Sequence[Mapping[str, Any]] = ()

    @property
    def databases(self) -> tuple[str, ...]:
        """Names of the databases the subjects come from."""
        return tuple(sorted({subject.split("/")[0] for subject in self.subjects}))

    @property
    def synthetic(self) -> bool:
        """Whether any database holds rendered faces."""
        return any(name.startswith(SYNTHETIC) for name in self.databases)
