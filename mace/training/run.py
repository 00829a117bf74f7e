"""The books of one member: its history, its best epoch, its checkpoints, and how it ended."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, PyTree

from mace.bundle import Normalisation
from mace.config import hashed_settings, to_dict
from mace.files import write_json
from mace.hosts.agreement import by_writer
from mace.metrics import confusion_matrix, uf1
from mace.training.checkpoint import CheckpointStore, Snapshot
from mace.training.fitted import Fitted, Row
from mace.training.log import WriteRow, run_log
from mace.training.member import Member, MemberResult, Status
from mace.training.source import Source
from mace.training.state import TrainState, trained_variables
from mace.training.step import Totals


class Run:
    """What the host knows of a member between its epochs; one thread at a time writes it."""

    def __init__(self, source: Source, member: Member) -> None:
        self.source, self.member = source, member
        self.fold = source.fold(member)
        self.steps_per_epoch = int(self.fold.steps_per_epoch)
        self.validation, self._truth = source.validation(member)
        self.history: list[Row] = []
        self.best: tuple[int, PyTree[Any]] | None = None
        self.status: Status | None = None
        self.reason = ""
        self.restored = False
        self._variables: PyTree[Any] = None
        self._store: CheckpointStore | None = None
        self._log: WriteRow | None = None

    @property
    def epoch(self) -> int:
        """Epochs that are complete."""
        return len(self.history)

    @property
    def ended(self) -> bool:
        """Whether the member learns no more."""
        return self.status is not None

    @property
    def score(self) -> float:
        """UF1 on the validation clips after the last epoch; NaN without one, or if it diverged."""
        if not self.history or self.status == "diverged":
            return np.nan
        return float(self.history[-1].get("validation_uf1", np.nan))

    def enter(
        self,
        row: Row,
        *,
        probabilities: Float[np.ndarray, "v k"] | None,
        variables: Callable[[], PyTree[Any]],
    ) -> None:
        """Enter an epoch, after which the member may have ended.

        Args:
            row: of its history.
            probabilities: of its validation clips, if it has any.
            variables: fetches its network as it is now.
        """

        def judged() -> Row:
            if probabilities is not None:
                row["validation_uf1"] = self._uf1(probabilities)
            if self.source.score is not None:
                row.update(self.source.score(self._network(variables(), self.epoch + 1)))
            if self._log is not None:
                self._log(row)
            return row

        self.history.append(by_writer(judged))
        config = self.member.config
        if config.selection == "best" and self._best_epoch() == self.epoch:
            self.best = self.epoch, variables()
        self._look_whether_it_ended(variables)

    def end(self, status: Status, reason: str, variables: PyTree[Any] = None) -> None:
        """Enter the end of the member, and the network that it ended with."""
        self.status, self.reason, self._variables = status, reason, variables

    def diverge(self, step: int, log: Callable[[str], None]) -> None:
        """Enter a step, from 0, whose loss was no number, and tell `log`."""
        self.end(
            "diverged", f"the loss is not a number in step {step + 1} (epoch {self.epoch + 1})"
        )
        log(f"member {self.member.name or f'of seed {self.member.seed}'} diverged: {self.reason}")

    def release(self) -> None:
        """Let go of the network of a member that has ended and been handed over."""
        self._variables = self.best = None

    def interrupt(self, state: TrainState, totals: Totals, log: Callable[[str], None]) -> None:
        """Save the member between two steps, if its loss is a number."""
        if totals["bad_step"] >= 0:
            self.diverge(int(totals["bad_step"]), log)
        else:
            self.save(state, totals)

    def fitted(self, variables: PyTree[Any] = None) -> Fitted | None:
        """Return the network, `variables` being those of a member that still learns."""
        if self.status == "diverged":
            return None
        epoch, chosen = self.epoch, self._variables if self.ended else variables
        if self.best is not None:
            epoch, chosen = self.best
        return self._network(chosen, epoch)

    def result(self) -> MemberResult:
        """Return what became of a member that has ended."""
        assert self.status is not None
        return MemberResult(
            member=self.member,
            fitted=self.fitted(),
            status=self.status,
            reason=self.reason,
            history=tuple(self.history),
        )

    def identity(self, start: str | None) -> dict[str, Any]:
        """Return what decides the member's numbers, as nested JSON values; `start` is a digest."""
        return {
            "config": hashed_settings(self.member.config),
            "motion": to_dict(self.source.motion),
            "seed": self.member.seed,
            "classes": list(self.source.classes),
            "start": start,
            **self.source.identity(self.member),
        }

    def open(self, identity: Mapping[str, Any], stack: ExitStack) -> None:
        """Use the member's folder, if it has one, until `stack` is left; of several hosts one does.

        Raises:
            OutputError: if it cannot be written to.
        """

        def make() -> None:
            if self.member.run_dir is not None:
                self._store = CheckpointStore(self.member.run_dir, identity)
                stack.callback(self._store.close)

        by_writer(make)

    def restore(self, state: TrainState, totals: Totals) -> PyTree[Any] | None:
        """Return state and totals of the checkpoint, and take over its books; None without one.

        Args:
            state: of arrays like the member's.
            totals: likewise.

        Raises:
            CheckpointError: if it is damaged, or of another configuration, seed or data set.
        """
        like = self._arrays(state, totals)
        # Only the process that writes has a store; the others get what it finds.
        latest = by_writer(lambda: None if self._store is None else self._store.restore(like))
        if latest is None:
            return None
        self.history, self.restored = latest.history, True
        state, totals = latest.arrays["state"], latest.arrays["totals"]
        if "best" in latest.arrays and self._best_epoch():
            self.best = self._best_epoch(), latest.arrays["best"]
        self._look_whether_it_ended(lambda: trained_variables(state))
        return state, totals

    def write_log(self, stack: ExitStack) -> None:
        """Write configuration and history to the folder, and every epoch from now on."""

        def make() -> None:
            if (folder := self.member.run_dir) is not None:
                folder = Path(folder)
                write_json(folder / "config.json", to_dict(self.member.config))
                self._log = stack.enter_context(run_log(folder, self.history))

        by_writer(make)

    def save(self, state: TrainState, totals: Totals) -> None:
        """Write a checkpoint, if there is a folder.

        Raises:
            OutputError: if it cannot be written.
        """

        def write() -> None:
            if self._store is not None:
                snapshot = Snapshot(arrays=self._arrays(state, totals), history=self.history)
                self._store.save(int(state.step), snapshot)

        by_writer(write)

    def _arrays(self, state: TrainState, totals: Totals) -> dict[str, Any]:
        arrays = {"state": state, "totals": totals}
        if self.member.config.selection == "best":
            arrays["best"] = trained_variables(state) if self.best is None else self.best[1]
        return arrays

    def _network(self, variables: PyTree[Any], epoch: int) -> Fitted:
        return Fitted(
            config=self.member.config,
            motion=self.source.motion,
            classes=self.source.classes,
            normalisation=Normalisation(
                kind=self.member.config.normalise,
                mean=tuple(map(float, self.fold.mean)),
                std=tuple(map(float, self.fold.std)),
            ),
            variables=variables,
            history=tuple(self.history),
            chosen_epoch=epoch,
        )

    def _best_epoch(self) -> int:
        scores = [row["validation_uf1"] for row in self.history if "validation_uf1" in row]
        return int(np.argmax(scores)) + 1 if scores else 0

    def _look_whether_it_ended(self, variables: Callable[[], PyTree[Any]]) -> None:
        epochs, patience = self.member.config.epochs, self.member.config.patience
        if self.epoch == epochs:
            self.end("finished", f"all {epochs} epochs", variables())
        elif patience is not None and self.epoch - self._best_epoch() >= patience:
            reason = f"no better score in {patience} epochs, after epoch {self.epoch}"
            self.end("finished", reason, variables())

    def _uf1(self, probabilities: Float[np.ndarray, "v k"]) -> float:
        predicted = probabilities.argmax(axis=-1)
        return float(uf1(confusion_matrix(self._truth, predicted, len(self.source.classes))))
