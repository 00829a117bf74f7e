"""What became of the members so far: their histories, their best epochs, and how they ended."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mace.bundle import Normalisation
from mace.data.motion_set import MotionSet
from mace.metrics import confusion_matrix, uf1
from mace.training.fitted import Fitted, Row
from mace.training.population.member import Member, MemberResult, Status
from mace.training.state import channel_statistics


class Record:
    """The host's books of a population; a member's are written by one thread at a time."""

    def __init__(
        self, motion_set: MotionSet, members: Sequence[Member], log: Callable[[str], None]
    ) -> None:
        self.motion_set, self.members, self.log = motion_set, members, log
        self.histories: list[list[Row]] = [[] for _ in members]
        self._ended: dict[int, tuple[Status, str, Any]] = {}
        self._best: dict[int, tuple[float, int, Any]] = {}

    def has_ended(self, i: int) -> bool:
        """Return whether member `i` learns no more."""
        return i in self._ended

    def reason(self, i: int) -> str:
        """Return why member `i` learns no more; nothing while it does."""
        return self._ended[i][1] if i in self._ended else ""

    def epoch(
        self,
        i: int,
        row: Row | int,
        *,
        epoch: int,
        probabilities: Float[np.ndarray, "v k"] | None,
        variables: Callable[[], Any],
    ) -> None:
        """Enter an epoch of member `i`, after which it may have ended.

        Args:
            i: its position.
            row: of its history; or the step whose loss was no number.
            epoch: how many it has behind it, with this one.
            probabilities: of its validation clips, if it has any.
            variables: fetches its network as it is now.
        """
        member = self.members[i]
        if isinstance(row, int):
            reason = f"the loss is not a number in step {row + 1} (epoch {epoch})"
            self.end(i, "diverged", reason, None)
            return
        if probabilities is not None:
            row["validation_uf1"] = self._uf1(member, probabilities)
        self.histories[i].append(row)
        if member.config.selection == "best":
            score = row["validation_uf1"]
            if i not in self._best or score > self._best[i][0]:
                self._best[i] = score, epoch, variables()
            patience = member.config.patience
            if patience is not None and epoch - self._best[i][1] >= patience:
                reason = f"no better score in {patience} epochs, after epoch {epoch}"
                self.end(i, "finished", reason, variables())
                return
        if epoch == member.config.epochs:
            self.end(i, "finished", f"all {epoch} epochs", variables())

    def end(self, i: int, status: Status, reason: str, variables: Any) -> None:
        """Enter the end of member `i` and the network that it ended with."""
        self._ended[i] = status, reason, variables
        if status == "diverged":
            self.log(f"member {self.members[i].name or i} diverged: {reason}")

    def score(self, i: int) -> float:
        """Return the UF1 on member `i`'s validation clips after its last epoch; NaN without."""
        if not self.histories[i] or (i in self._ended and self._ended[i][0] == "diverged"):
            return math.nan
        return float(self.histories[i][-1].get("validation_uf1", math.nan))

    def fitted(self, i: int, variables: Any = None) -> Fitted | None:
        """Return member `i`'s network; `variables` are those of one that still learns."""
        member, epoch = self.members[i], len(self.histories[i])
        if i in self._ended:
            status, _, variables = self._ended[i]
            if status == "diverged":
                return None
        if i in self._best:
            _, epoch, variables = self._best[i]
        mean, std = channel_statistics(
            self.motion_set, np.unique(np.asarray(member.train_index, np.int64))
        )
        return Fitted(
            config=member.config,
            motion=self.motion_set.motion,
            classes=self.motion_set.classes,
            normalisation=Normalisation(
                kind=member.config.normalise,
                mean=tuple(map(float, mean)),
                std=tuple(map(float, std)),
            ),
            variables=variables,
            history=tuple(self.histories[i]),
            chosen_epoch=epoch,
        )

    def result(self, i: int) -> MemberResult:
        """Return what became of member `i`, which has ended."""
        status, reason, _ = self._ended[i]
        return MemberResult(
            member=self.members[i],
            fitted=self.fitted(i),
            status=status,
            reason=reason,
            history=tuple(self.histories[i]),
        )

    def _uf1(self, member: Member, probabilities: Float[np.ndarray, "v k"]) -> float:
        truth = self.motion_set.labels[np.unique(np.asarray(member.validation_index))]
        classes = len(self.motion_set.classes)
        return float(uf1(confusion_matrix(truth, probabilities.argmax(axis=-1), classes)))
