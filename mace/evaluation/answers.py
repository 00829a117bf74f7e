"""Answers for every clip of a set, wherever they come from: a run folder or a log of any tool."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from mace.errors import DataError
from mace.evaluation.config import NETWORK
from mace.evaluation.results import Evaluation
from mace.metrics import confusion_matrix
from mace.protocols.names import canonical_database, clip_key


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """What one method said about each clip, once for each seed.

    `clips` are `database/subject/clip`; `groups` int (n,) indexes `subjects`, which are
    `database/subject`; `labels` int (n,) and `predictions` int (s, n) index `classes`; `remarks`
    say what a reader of the scores must know of where they come from.
    """

    name: str
    classes: tuple[str, ...]
    clips: tuple[str, ...]
    subjects: tuple[str, ...]
    groups: Int[np.ndarray, " n"]
    labels: Int[np.ndarray, " n"]
    predictions: Int[np.ndarray, "s n"]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def people(self) -> tuple[str, ...]:
        """The subject of each clip, by name."""
        return tuple(self.subjects[g] for g in self.groups)

    @property
    def databases(self) -> tuple[str, ...]:
        """The database of each clip."""
        return tuple(canonical_database(name.split("/")[0]) for name in self.people)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key of each clip, the same for every spelling of it."""
        parts = [clip.split("/", 2) for clip in self.clips]
        return tuple(clip_key(*p) if len(p) == 3 else "/".join(p) for p in parts)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The class of each clip, by name."""
        return tuple(self.classes[label] for label in self.labels)

    def confusions(self) -> Int[np.ndarray, "s k k"]:
        """Return the pooled confusion matrix of each seed (rows truth)."""
        return np.stack(
            [confusion_matrix(self.labels, one, len(self.classes)) for one in self.predictions]
        )

    def take(self, index: Sequence[int] | Int[np.ndarray, " m"]) -> "Answers":
        """Return the answers for some clips only, in the order of `index`."""
        chosen = np.asarray(index, np.int64)
        return Answers(
            name=self.name,
            classes=self.classes,
            clips=tuple(self.clips[i] for i in chosen),
            subjects=self.subjects,
            groups=self.groups[chosen],
            labels=self.labels[chosen],
            predictions=self.predictions[:, chosen],
            remarks=self.remarks,
        )


def answers_of(evaluation: Evaluation, method: str = NETWORK) -> Answers:
    """Return the answers of one method of an evaluation.

    Raises:
        DataError: if the evaluation has no such method, or it did not answer for every clip.
    """
    if method not in evaluation.methods:
        raise DataError(
            f"the evaluation {evaluation.title!r} has no method {method!r}; it has: "
            f"{', '.join(evaluation.methods)}"
        )
    predictions = evaluation.methods[method].predictions
    missing = np.flatnonzero((predictions < 0).any(axis=0))
    if missing.size:
        raise DataError(
            f"{method} of {evaluation.title!r} has no answer for {missing.size} of "
            f"{len(evaluation.clips)} clips, the first being {evaluation.clips[missing[0]]}; run "
            "`mace audit` on the folder, or evaluate again in a new one"
        )
    return Answers(
        name=evaluation.title,
        classes=evaluation.classes,
        clips=evaluation.clips,
        subjects=evaluation.subjects,
        groups=evaluation.groups,
        labels=evaluation.labels,
        predictions=predictions,
    )
