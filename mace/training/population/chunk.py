"""The members that are under way together: their arrays on the devices, their places in a batch."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, PyTree

from mace.data.motion_set import MotionSet
from mace.prediction import BATCH
from mace.training.fitted import Row
from mace.training.population.member import Member
from mace.training.population.program import MemberArrays, PopulationProgram
from mace.training.population.scalars import scalar_arrays
from mace.training.program import METRICS
from mace.training.state import FoldArrays, make_fold, trained_variables


class Chunk:
    """As many places as a plan takes at once; places without a member compute and learn nothing."""

    def __init__(
        self,
        motion_set: MotionSet,
        members: Sequence[Member],
        ids: Sequence[int],
        *,
        program: PopulationProgram,
        data: Any,
        start: PyTree[Any],
    ) -> None:
        self.motion_set, self.program, self.data, self.start = motion_set, program, data, start
        self.members = [members[i] for i in ids]
        self.ids = list(ids)
        places = program.plan.together
        filled = [*self.members, *[self.members[0]] * (places - len(ids))]
        own = [_fold(motion_set, member) for member in filled]
        self.folds: FoldArrays = jax.tree.map(lambda *leaves: np.stack(leaves), *own)
        self.alive = np.arange(places) < len(ids)
        self.scalars = scalar_arrays([member.config for member in filled], program.shape)
        self.arrays = self._place()
        self.states = program.init(self.arrays, data[0][:1, 0], start)
        self.epoch = 0
        self._fetched: tuple[int, Any] | None = None

    def train_epoch(self) -> list[Row | int]:
        """Take all living members through an epoch; return a row each, or the step that failed."""
        steps = int(self.folds.steps_per_epoch[self.alive].max())
        self.states, totals = self.program.train_epoch(
            self.states, self.arrays, self.data, self.start, epoch=self.epoch, steps=steps
        )
        totals = jax.device_get(totals)
        self.epoch += 1
        found: list[Row | int] = []
        for place in range(len(self.members)):
            bad = int(totals["bad_step"][place])
            if bad >= 0:
                found.append(bad)
                continue
            step = self.epoch * int(self.folds.steps_per_epoch[place])
            row: Row = {"epoch": self.epoch, "step": step}
            for name in METRICS:
                total, count = (float(sums[place]) for sums in totals["sums"][name])
                row[name] = total / max(count, 1.0)
            found.append(row)
        return found

    def stop(self, places: Sequence[int]) -> None:
        """Let members learn no more."""
        if places:
            self.alive[list(places)] = False
            self.arrays = self._place()

    def predict(self, pair_average: bool) -> list[Float[np.ndarray, "v k"] | None]:
        """Return the class probabilities of each member's validation clips, if it has any."""
        pairs = self.motion_set.inputs.shape[1]
        used = pairs if pair_average else 1
        wanted = [
            np.zeros(0, np.int32)
            if member.validation_index is None
            else (
                np.unique(np.asarray(member.validation_index, np.int32))[:, None] * pairs
                + np.arange(used, dtype=np.int32)
            ).ravel()
            for member in self.members
        ]
        # A fixed number of blocks a set, or a fold of another size would compile anew.
        most = -(-len(self.motion_set) * used // BATCH)
        blocks = -(-max(map(len, wanted)) // BATCH)
        blocks = min(most, 1 << (blocks - 1).bit_length()) if blocks else 0
        if not blocks:
            return [None] * len(self.members)
        index = np.zeros((len(self.alive), blocks * BATCH), np.int32)
        for place, clips in enumerate(wanted):
            index[place, : len(clips)] = clips
        index = self.program.place(index.reshape(len(self.alive), blocks, BATCH))
        found = np.asarray(self.program.predict(self.states, self.arrays, index, self.data))
        found = found.reshape(len(self.alive), blocks * BATCH, -1)
        return [
            found[place, : len(clips)].reshape(-1, used, found.shape[-1]).mean(axis=1)
            if len(clips)
            else None
            for place, clips in enumerate(wanted)
        ]

    def bytes_needed(self) -> int:
        """Return what the program of an epoch takes of a device, by its own account."""
        program = self.program
        count = program.spread(np.int32(0))
        arguments = (self.states, self.arrays, self.data, self.start, count)
        memory = program.epoch.compiled(*arguments).memory_analysis()
        return memory.temp_size_in_bytes + memory.output_size_in_bytes

    def state_of(self, place: int) -> Any:
        """Return a member's state on the host."""
        return jax.device_get(jax.tree.map(lambda leaf: leaf[place], self.states))

    def variables_of(self, place: int) -> Any:
        """Return a member's network on the host, as it is now."""
        # Members often end together. Fetched one by one, 544 of them make an accelerator cut and
        # send 10,000 small arrays.
        if self._fetched is None or self._fetched[0] != self.epoch:
            self._fetched = self.epoch, jax.device_get(trained_variables(self.states))
        return jax.tree.map(lambda leaf: leaf[place].copy(), self._fetched[1])

    def restack(self, states: Sequence[Any], epoch: int) -> None:
        """Go on from members' states on the host, in the order of `members`."""
        filled = [*states, *[states[0]] * (len(self.alive) - len(states))]
        whole = jax.tree.map(lambda *leaves: np.stack(leaves), *filled)
        self.states, self.epoch = self.program.place(whole), epoch

    def _place(self) -> MemberArrays:
        arrays = MemberArrays(fold=self.folds, scalars=self.scalars, alive=self.alive.copy())
        return self.program.place(arrays)


def _fold(motion_set: MotionSet, member: Member) -> FoldArrays:
    index = np.asarray(member.train_index)
    return make_fold(motion_set, index, config=member.config, seed=member.seed)
