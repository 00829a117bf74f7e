"""Predictions for every clip of a set, wherever they come from: a run folder or anybody's log."""

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
class Predictions:
    """What one method predicts for each clip, once for each seed.

    Attributes:
        name: to show.
        classes: their names.
        clips: `database/subject/clip` of each.
        subjects: `database/subject` of everybody.
        groups: the person of each clip, as an index of `subjects`.
        labels: the true class of each clip, as an index of `classes`.
        predicted: the predicted class of each clip, for each seed.
        remarks: what a reader of the scores must know of where they come from.
    """

    name: str
    classes: tuple[str, ...]
    clips: tuple[str, ...]
    subjects: tuple[str, ...]
    groups: Int[np.ndarray, " n"]
    labels: Int[np.ndarray, " n"]
    predicted: Int[np.ndarray, "s n"]
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
            [
                confusion_matrix(self.labels, predicted, len(self.classes))
                for predicted in self.predicted
            ]
        )

    def take(self, index: Sequence[int] | Int[np.ndarray, " m"]) -> "Predictions":
        """Return the predictions for some clips only, in the order of `index`."""
        chosen = np.asarray(index, np.int64)
        return Predictions(
            name=self.name,
            classes=self.classes,
            clips=tuple(self.clips[i] for i in chosen),
            subjects=self.subjects,
            groups=self.groups[chosen],
            labels=self.labels[chosen],
            predicted=self.predicted[:, chosen],
            remarks=self.remarks,
        )


def predictions_of(evaluation: Evaluation, method: str = NETWORK) -> Predictions:
    """Return the predictions of one method of an evaluation.

    Raises:
        DataError: if the evaluation has no such method, or it did not predict every clip.
    """
    if method not in evaluation.methods:
        raise DataError(
            f"the evaluation {evaluation.title!r} has no method {method!r}; it has: "
            f"{', '.join(evaluation.methods)}"
        )
    predicted = evaluation.methods[method].predicted
    missing = np.flatnonzero((predicted < 0).any(axis=0))
    if missing.size:
        raise DataError(
            f"{method} of {evaluation.title!r} has no prediction for {missing.size} of "
            f"{len(evaluation.clips)} clips, the first being {evaluation.clips[missing[0]]}; run "
            "`mace audit` on the folder, or evaluate again in a new one"
        )
    return Predictions(
        name=evaluation.title,
        classes=evaluation.classes,
        clips=evaluation.clips,
        subjects=evaluation.subjects,
        groups=evaluation.groups,
        labels=evaluation.labels,
        predicted=predicted,
    )
