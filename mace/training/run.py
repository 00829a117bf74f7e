"""One training run between two epochs: what changes, how it is judged, saved and gone on with."""

import signal
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from mace.bundle import Normalisation
from mace.errors import TrainingError
from mace.training.checkpoint import CheckpointStore, Snapshot, Which
from mace.training.config import TrainConfig
from mace.training.fitted import Fitted, Row
from mace.training.hosts import any_signal, by_writer, several_hosts
from mace.training.log import WriteRow
from mace.training.program import METRICS, Totals, zero_totals
from mace.training.signals import Interrupted, StopRequest
from mace.training.source import Source
from mace.training.state import FoldArrays, TrainState, trained_variables


class Run:
    """What changes between the epochs of a run."""

    def __init__(
        self,
        *,
        source: Source,
        config: TrainConfig,
        fold: FoldArrays,
    ) -> None:
        self.source = source
        self.config = config
        self.fold = fold
        self.program = source.program(config)
        self.steps_per_epoch = int(fold.steps_per_epoch)
        self.state: TrainState = self.program.place(self.program.init(fold, source.example))
        self.totals: Totals = self.program.place(zero_totals())
        self.step = 0
        self.history: list[Row] = []
        self.best: tuple[int, PyTree[Any]] | None = None
        self.store: CheckpointStore | None = None
        self.log: WriteRow | None = None

    @property
    def epoch(self) -> int:
        """Epochs that are complete."""
        return len(self.history)

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done, or the score has stopped rising for too long."""
        patience = self.config.patience
        if self.epoch == self.config.epochs:
            return True
        return patience is not None and self.epoch - self._best_epoch() >= patience

    def restore(self) -> None:
        """Go on from the latest checkpoint, if there is one."""
        arrays = {"state": self.state, "totals": self.totals}
        latest = self._restored("latest", arrays)
        if latest is None:
            return
        arrays = self.program.place(latest.arrays)
        self.state, self.totals = arrays["state"], arrays["totals"]
        self.step, self.history = int(self.state.step), latest.history
        if self.config.selection == "best" and self.history:
            best = self._restored("best", arrays)
            if best is not None:
                self.best = (
                    len(best.history),
                    jax.device_get(trained_variables(best.arrays["state"])),
                )

    def train_epoch(self, stop: StopRequest) -> Row:
        """Take the remaining steps of an epoch, then judge, log and save it."""
        end = (self.epoch + 1) * self.steps_per_epoch
        if several_hosts():
            # A signal may reach them at different steps; all end after the same one.
            number = any_signal(stop.signal or 0)
            if number:
                stop.signal = signal.Signals(number)
                self._interrupt(stop)
        while self.step < end:
            if stop and not several_hosts():
                self._interrupt(stop)
            self.state, self.totals, self.step = self.program.advance(
                self.state, self.totals, self.source.data, self.fold, step=self.step, end=end
            )
        self._check_finite()
        row: Row = {"epoch": self.epoch + 1, "step": self.step}
        for name in METRICS:
            total, count = self.totals["sums"][name]
            row[name] = float(total) / float(count)
        row = by_writer(lambda: self._judged(row))
        self.history.append(row)
        self.totals = self.program.place(zero_totals())
        if self.config.selection == "best" and self._best_epoch() == self.epoch:
            self.best = self.epoch, self._host_variables()
            self._save("best")
        if self.finished or self.epoch % self.config.checkpoint_every == 0:
            self._save("latest")
        return row

    def _judged(self, row: Row) -> Row:
        judged = row | self.source.judge(self._fitted(self._host_variables(), self.epoch + 1))
        if self.log is not None:
            self.log(judged)
        return judged

    def result(self) -> Fitted:
        """Return the network of the last or the best epoch."""
        epoch, variables = self.epoch, None
        if self.best is not None:
            epoch, variables = self.best
        return self._fitted(self._host_variables() if variables is None else variables, epoch)

    def _best_epoch(self) -> int:
        scores = [row["validation_uf1"] for row in self.history if "validation_uf1" in row]
        return int(np.argmax(scores)) + 1 if scores else 0

    def _fitted(self, variables: PyTree[Any], epoch: int) -> Fitted:
        return Fitted(
            config=self.config,
            motion=self.source.motion,
            classes=self.source.classes,
            normalisation=self._normalisation(),
            variables=variables,
            history=tuple(self.history),
            chosen_epoch=epoch,
        )

    def _host_variables(self) -> PyTree[Any]:
        return jax.device_get(trained_variables(self.state))

    def _normalisation(self) -> Normalisation:
        return Normalisation(
            kind=self.config.normalise,
            mean=tuple(map(float, self.fold.mean)),
            std=tuple(map(float, self.fold.std)),
        )

    def _check_finite(self) -> None:
        bad = int(self.totals["bad_step"])
        if bad >= 0:
            raise TrainingError(
                f"the loss is not a number in step {bad + 1} (epoch {self.epoch + 1}); try a lower "
                "optimiser.learning_rate or a smaller optimiser.clip_norm, and look for NaN in the "
                "inputs"
            )

    def _kept(self) -> str:
        if self.store is None:
            return "nothing was saved, as the run has no folder"
        return f"start it again to go on from {self.store.folder.parent}"

    def _save(self, which: Which) -> None:
        def save() -> None:
            if self.store is not None:
                arrays = {"state": self.state, "totals": self.totals}
                self.store.save(which, self.step, Snapshot(arrays=arrays, history=self.history))

        by_writer(save)

    def _restored(self, which: Which, like: PyTree[Any]) -> Snapshot | None:
        # Only the process that writes has a store; the others get what it finds.
        return by_writer(lambda: None if self.store is None else self.store.restore(which, like))

    def _interrupt(self, stop: StopRequest) -> None:
        assert stop.signal is not None
        self._check_finite()
        self._save("latest")
        kept = by_writer(self._kept)
        raise Interrupted(
            f"{stop.signal.name} ended training after step {self.step} "
            f"(epoch {self.epoch + 1} of {self.config.epochs}); {kept}",
            stop.signal,
        )
