"""A population between two epochs: advance it, leave members out, ask for what became of them."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np

from mace.data import MotionSet
from mace.errors import ConfigError
from mace.metrics import confusion_matrix, uf1
from mace.training.bundle import Bundle
from mace.training.fitted import Fitted, Row
from mace.training.loop import checked_indices, checked_start
from mace.training.normalise import Normalisation
from mace.training.population.chunk import Chunk
from mace.training.population.member import Member, MemberResult, Status
from mace.training.population.plan import Plan, fitted_to_memory, make_plan
from mace.training.population.program import population_program
from mace.training.population.scalars import same_shape, shape_of
from mace.training.program import on_device
from mace.training.state import channel_statistics, trained_variables


class Population:
    """Members of one shape in training.

    population = Population(motion_set, members)
    scores = population.advance(10)  # inner-validation UF1 of each member, NaN without one
    population.keep(np.argsort(-scores)[: len(scores) // 3])
    population.advance(60)
    results = population.results()
    """

    def __init__(
        self,
        motion_set: MotionSet,
        members: Sequence[Member],
        *,
        plan: Plan | None = None,
        start: Bundle | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        """Place the members on the devices and draw their first parameters.

        Args:
            motion_set: all clips; every device gets one copy.
            members: whose configurations differ in scalars, epochs and selection alone.
            plan: how to compute them; `make_plan` decides by default.
            start: a pre-trained network that all of them go on from, as in `fit`.
            log: is told the plan, and which members end before the others.

        Raises:
            ConfigError: for members of several shapes, or settings that contradict each other.
            DataError: for an index out of range.
        """
        if not members:
            raise ConfigError("a population without members was asked for; give at least one")
        for member in members:
            if not same_shape(member.config, members[0].config):
                raise ConfigError(
                    f"member {member.name or members.index(member)} differs from the first in more "
                    "than scalars (mace.training.population.SCALARS); make a population of each "
                    "shape, as train_population does"
                )
            checked_indices(motion_set, member.train_index, member.validation_index, member.config)
        self.motion_set, self.members = motion_set, list(members)
        self.log = log or (lambda line: None)
        config = members[0].config
        self._shape = shape_of([member.config for member in members])
        self._start = checked_start(motion_set, config, start)
        given = plan is not None
        self.plan = plan or make_plan(
            config.model,
            motion_set.inputs.shape[2],
            members=len(members),
        )
        if not given and self.plan.kind == "vmap":
            self.plan = self._measured(self.plan)
        self.log(f"plan: {self.plan}")
        self.histories: list[list[Row]] = [[] for _ in members]
        self._ended: dict[int, tuple[Status, str, Any]] = {}
        self._best: dict[int, tuple[float, int, Any]] = {}
        self._chunks = self._dealt(range(len(members)))

    @property
    def learning(self) -> list[int]:
        """Positions of the members that have epochs left."""
        return [i for i in range(len(self.members)) if i not in self._ended]

    def advance(self, to_epoch: int | None = None) -> np.ndarray:
        """Train until every member has `to_epoch` epochs or has ended; to the end by default.

        Returns:
            For each member the UF1 on its validation clips after its last epoch so far, float64;
            NaN for one without validation clips or epochs, or that diverged.
        """
        for chunk in self._chunks:
            while any(i not in self._ended for i in chunk.ids):
                if to_epoch is not None and chunk.epoch >= to_epoch:
                    break
                self._train_epoch(chunk)
        return np.array([self._score(i) for i in range(len(self.members))])

    def keep(self, which: Iterable[int]) -> None:
        """Leave out all members but those at these positions; the rest closes up.

        Raises:
            ConfigError: for a position that does not exist.
        """
        kept = {int(i) for i in which}
        wrong = sorted(kept - set(range(len(self.members))))
        if wrong:
            raise ConfigError(f"there is no member {wrong[0]} among {len(self.members)} to keep")
        for chunk in self._chunks:
            for place, i in enumerate(chunk.ids):
                if i not in kept and i not in self._ended:
                    self._end(chunk, place, "stopped", f"left out after epoch {chunk.epoch}")
        self._close_up()

    def fitted(self, position: int) -> Fitted | None:
        """Return a member's network as it is now; None of one that diverged."""
        if position in self._ended:
            status, _, variables = self._ended[position]
            return None if status == "diverged" else self._fitted(position, variables)
        chunk = next(chunk for chunk in self._chunks if position in chunk.ids)
        return self._fitted(position, _variables(chunk, chunk.ids.index(position)))

    def reason(self, position: int) -> str:
        """Return why a member learns no more; nothing while it does."""
        return self._ended[position][1] if position in self._ended else ""

    def results(self) -> list[MemberResult]:
        """Return what became of the members; one that has epochs left counts as stopped."""
        for chunk in self._chunks:
            for place, i in enumerate(chunk.ids):
                if i not in self._ended:
                    self._end(chunk, place, "stopped", f"left after epoch {chunk.epoch}")
        found = []
        for i, member in enumerate(self.members):
            status, reason, variables = self._ended[i]
            fitted = None
            if status != "diverged":
                fitted = self._fitted(i, variables)
            found.append(
                MemberResult(
                    member=member,
                    fitted=fitted,
                    status=status,
                    reason=reason,
                    history=tuple(self.histories[i]),
                )
            )
        return found

    def _train_epoch(self, chunk: Chunk) -> None:
        rows = chunk.train_epoch()
        judged = chunk.predict(self.members[0].config.pair_average)
        for place, i in enumerate(chunk.ids):
            if i in self._ended:
                continue
            row, member = rows[place], self.members[i]
            if isinstance(row, int):
                reason = f"the loss is not a number in step {row + 1} (epoch {chunk.epoch})"
                self._end(chunk, place, "diverged", reason)
                continue
            probabilities = judged[place]
            if probabilities is not None:
                row["validation_uf1"] = self._uf1(member, probabilities)
            self.histories[i].append(row)
            if member.config.selection == "best":
                score = row["validation_uf1"]
                if i not in self._best or score > self._best[i][0]:
                    self._best[i] = score, chunk.epoch, _variables(chunk, place)
                patience = member.config.patience
                if patience is not None and chunk.epoch - self._best[i][1] >= patience:
                    reason = f"no better score in {patience} epochs, after epoch {chunk.epoch}"
                    self._end(chunk, place, "finished", reason)
                    continue
            if chunk.epoch == member.config.epochs:
                self._end(chunk, place, "finished", f"all {chunk.epoch} epochs")

    def _end(self, chunk: Chunk, place: int, status: Status, reason: str) -> None:
        i = chunk.ids[place]
        variables = None if status == "diverged" else _variables(chunk, place)
        self._ended[i] = status, reason, variables
        chunk.stop([place])
        if status == "diverged":
            self.log(f"member {self.members[i].name or i} diverged: {reason}")

    def _close_up(self) -> None:
        """Deal the members that still learn out to as few chunks as they need."""
        left = self.learning
        needed = -(-len(left) // self.plan.together)
        waiting = [chunk for chunk in self._chunks if any(i in left for i in chunk.ids)]
        epochs = {chunk.epoch for chunk in waiting}
        if needed >= len(waiting) or len(epochs) != 1:
            self._chunks = waiting
            return
        states = {
            i: chunk.state_of(place)
            for chunk in waiting
            for place, i in enumerate(chunk.ids)
            if i in left
        }
        self._chunks = self._dealt(left)
        for chunk in self._chunks:
            chunk.restack([states[i] for i in chunk.ids], epochs.copy().pop())

    def _dealt(self, ids: Iterable[int]) -> list[Chunk]:
        ids, size = list(ids), self.plan.together
        program = self._program(self.plan)
        data = program.spread(on_device(self.motion_set))
        start = None if self._start is None else program.spread(self._start)
        return [
            Chunk(
                self.motion_set, self.members, ids[first : first + size],
                program=program, data=data, start=start,
            )
            for first in range(0, len(ids), size)
        ]  # fmt: skip

    def _program(self, plan: Plan) -> Any:
        motion_set = self.motion_set
        flip = self.members[0].config.flip_average
        return population_program(
            self._shape, motion_set.motion, len(motion_set.classes), plan, flip
        )

    def _measured(self, plan: Plan) -> Plan:
        """Return the plan with the chunk that the memory takes, as the compiled program says."""
        self.plan = plan
        (chunk, *_) = self._dealt(range(min(plan.together, len(self.members))))
        return fitted_to_memory(plan, chunk.bytes_needed())

    def _score(self, i: int) -> float:
        if not self.histories[i] or (i in self._ended and self._ended[i][0] == "diverged"):
            return math.nan
        return float(self.histories[i][-1].get("validation_uf1", math.nan))

    def _uf1(self, member: Member, probabilities: np.ndarray) -> float:
        truth = self.motion_set.labels[np.unique(np.asarray(member.validation_index))]
        classes = len(self.motion_set.classes)
        return float(uf1(confusion_matrix(truth, probabilities.argmax(axis=-1), classes)))

    def _fitted(self, i: int, variables: Any) -> Fitted:
        member, epoch = self.members[i], len(self.histories[i])
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


def _variables(chunk: Chunk, place: int) -> Any:
    return jax.device_get(jax.tree.map(lambda leaf: leaf[place], trained_variables(chunk.states)))
