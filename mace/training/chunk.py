"""The members that are under way together: their arrays on the devices, their places in a batch."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, PyTree

from mace.prediction import BATCH
from mace.training.compiling import Calls
from mace.training.config import TrainConfig
from mace.training.fitted import Row
from mace.training.program import Data, Program, member_arrays
from mace.training.run import Run
from mace.training.state import FoldArrays, TrainState, trained_variables
from mace.training.step import METRICS, zero_totals


class Chunk:
    """As many places as a plan takes at once; places without a member compute and learn nothing.

    Args:
        runs: of the members.
        ids: their positions in the population.
        config: of each place, with the numbers that are on in the population as arrays.
        program: what computes.
        data: from `program.spread`.
        start: from `program.spread`.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        ids: Sequence[int],
        config: TrainConfig,
        *,
        program: Program,
        data: Data,
        start: PyTree[Any],
    ) -> None:
        self.program, self.data, self.start = program, data, start
        self.runs, self.ids = list(runs), list(ids)
        places = program.plan.together
        filled = [*self.runs, *[self.runs[0]] * (places - len(self.runs))]
        fold: FoldArrays = jax.tree.map(lambda *leaves: np.stack(leaves), *[r.fold for r in filled])
        self.arrays = program.place(member_arrays(fold, config))
        self._states: TrainState | None = None
        self.totals = program.place(zero_totals(places))
        self._call = Calls()
        self.steps = np.zeros(places, np.int32)
        self._fetched: dict[str, Any] = {}

    @property
    def states(self) -> TrainState:
        """The members' states, drawn when they are first asked for: most chunks wait for others."""
        states = self._states
        if states is None:
            example = self.program.spread(self.runs[0].source.example)
            self._states = states = self.program.init(self.arrays, example, self.start)
        return states

    @states.setter
    def states(self, states: TrainState) -> None:
        self._states = states

    def release(self) -> None:
        """Let go of the states of members that have all ended."""
        if all(run.ended for run in self.runs):
            self._states, self._fetched = None, {}

    def train_epoch(
        self, learns: Sequence[bool], stop: Callable[[], bool]
    ) -> list[Row | int | None] | None:
        """Take members to the end of their epoch.

        Args:
            learns: whether each does; the others wait.
            stop: whether to leave between two steps.

        Returns:
            For each member its row, the step whose loss was no number, or None if it waited; None
            in place of all if `stop` ended it.
        """
        ends = np.zeros_like(self.steps)
        for place, run in enumerate(self.runs):
            if learns[place]:
                ends[place] = (run.epoch + 1) * run.steps_per_epoch
        self._fetched = {}
        left = np.where(ends > 0, ends - self.steps, 0)
        self.states, self.totals, taken = self.program.advance(
            self.states, self.totals, self.arrays, ends, self.data, self.start,
            steps=int(left.max()), stop=stop, call=self._call,
        )  # fmt: skip
        self.steps += np.minimum(left, taken).astype(np.int32)
        if taken < left.max():
            return None
        totals = jax.device_get(self.totals)
        self.totals = self.program.place(zero_totals(len(self.steps)))
        return [
            _row(run, totals, place) if learns[place] else None
            for place, run in enumerate(self.runs)
        ]

    def predict(self) -> list[Float[np.ndarray, "v k"] | None]:
        """Return the class probabilities of each member's validation clips, if it has any."""
        pairs = [run.validation.ravel() for run in self.runs]
        blocks = -(-max(map(len, pairs)) // BATCH)
        if not blocks:
            return [None] * len(self.runs)
        index = np.zeros((blocks, len(self.steps), BATCH), np.int32)
        for place, own in enumerate(pairs):
            filled = np.zeros(blocks * BATCH, np.int32)
            filled[: len(own)] = own
            index[:, place] = filled.reshape(blocks, BATCH)
        parts = [
            self._call(
                self.program.predict, self.states, self.arrays, self.program.place(block), self.data
            )
            for block in index
        ]
        each = np.concatenate(jax.device_get(parts), axis=1)
        return [
            each[place, : len(own)].reshape(*run.validation.shape, -1).mean(axis=1)
            if len(own)
            else None
            for place, (run, own) in enumerate(zip(self.runs, pairs, strict=True))
        ]

    def bytes_needed(self) -> int:
        """Return what the program of an epoch takes of a device, by its own account."""
        ends = self.program.place(np.zeros_like(self.steps))
        arguments = (self.states, self.totals, self.arrays, ends, self.data, self.start)
        memory = self.program.epoch.compiled(*arguments).memory_analysis()
        return memory.temp_size_in_bytes + memory.output_size_in_bytes

    def books(self, place: int) -> tuple[Any, Any]:
        """Return a member's state and totals on the host."""
        return self._on_host("books", (self.states, self.totals), place)

    def like(self) -> tuple[Any, Any]:
        """Return arrays of the shapes of `books`."""
        return jax.tree.map(
            lambda leaf: np.zeros(leaf.shape[1:], leaf.dtype), (self.states, self.totals)
        )

    def variables_of(self, place: int) -> Any:
        """Return a member's network on the host, as it is now."""
        return self._on_host("variables", trained_variables(self.states), place)

    def put(self, books: dict[int, tuple[Any, Any]]) -> None:
        """Go on from members' states and totals on the host, by place."""
        if not books:
            return
        states, totals = jax.tree.map(np.array, jax.device_get((self.states, self.totals)))
        for place, own in books.items():
            jax.tree.map(
                lambda whole, leaf, place=place: whole.__setitem__(place, leaf),
                (states, totals),
                own,
            )
        self.states, self.totals = self.program.place((states, totals))
        self.steps[:] = states.step
        self._fetched = {}

    def _on_host(self, name: str, tree: PyTree[Any], place: int) -> Any:
        # Members often end together. Fetched one by one, 544 of them make an accelerator cut and
        # send 10,000 small arrays.
        if name not in self._fetched:
            self._fetched[name] = jax.device_get(tree)
        return jax.tree.map(lambda leaf: np.array(leaf[place]), self._fetched[name])


def _row(run: Run, totals: Any, place: int) -> Row | int:
    bad = int(totals["bad_step"][place])
    if bad >= 0:
        return bad
    row: Row = {"epoch": run.epoch + 1, "step": (run.epoch + 1) * run.steps_per_epoch}
    for name in METRICS:
        total, count = (float(sums[place]) for sums in totals["sums"][name])
        row[name] = total / count
    return row
