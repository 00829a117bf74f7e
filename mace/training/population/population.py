"""A population between two epochs: advance it, leave members out, ask for what became of them."""

import functools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import numpy as np

from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.training.checks import checked_indices, checked_start
from mace.training.fitted import Fitted, Row
from mace.training.population.chunk import Chunk
from mace.training.population.member import Member, MemberResult
from mace.training.population.plan import Plan, fitted_to_memory, make_plan
from mace.training.population.program import population_program
from mace.training.population.record import Record
from mace.training.population.scalars import same_shape, shape_of
from mace.training.program import on_device


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
                    "than scalars (mace.training.population.scalars.SCALARS); make a population of "
                    "each shape, as train_population does"
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
        self._record = Record(motion_set, self.members, self.log)
        self._chunks = self._dealt(range(len(members)))

    @property
    def histories(self) -> list[list[Row]]:
        """A row for each epoch of each member so far."""
        return self._record.histories

    @property
    def learning(self) -> list[int]:
        """Positions of the members that have epochs left."""
        return [i for i in range(len(self.members)) if not self._record.has_ended(i)]

    def prepare(self) -> int:
        """Compile the program of an epoch before it is needed; return the bytes it takes.

        Of each device, for the members that it trains at once, beside the clips themselves. Several
        populations may be prepared in threads, which compile side by side.
        """
        return self._chunks[0].bytes_needed()

    def advance(self, to_epoch: int | None = None) -> np.ndarray:
        """Train until every member has `to_epoch` epochs or has ended; to the end by default.

        Returns:
            For each member the UF1 on its validation clips after its last epoch so far, float64;
            NaN for one without validation clips or epochs, or that diverged.
        """
        for _ in self._trained(to_epoch):
            pass
        return np.array([self._record.score(i) for i in range(len(self.members))])

    def finish(self) -> Iterator[tuple[int, MemberResult]]:
        """Train to the end, and yield position and result of every member as it gets there.

        Members that had ended before are not among them. The others stop after their epoch if the
        caller leaves.
        """
        left = set(self.learning)
        for chunk in self._trained(None):
            for i in left.intersection(chunk.ids):
                yield i, self._record.result(i)

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
            self._leave(chunk, kept, f"left out after epoch {chunk.epoch}")
        self._close_up()

    def fitted(self, position: int) -> Fitted | None:
        """Return a member's network as it is now; None of one that diverged."""
        if self._record.has_ended(position):
            return self._record.fitted(position)
        chunk = next(chunk for chunk in self._chunks if position in chunk.ids)
        return self._record.fitted(position, chunk.variables_of(chunk.ids.index(position)))

    def reason(self, position: int) -> str:
        """Return why a member learns no more; nothing while it does."""
        return self._record.reason(position)

    def results(self) -> list[MemberResult]:
        """Return what became of the members; one that has epochs left counts as stopped."""
        for chunk in self._chunks:
            self._leave(chunk, set(), f"left after epoch {chunk.epoch}")
        return [self._record.result(i) for i in range(len(self.members))]

    def _trained(self, to_epoch: int | None) -> Iterator[Chunk]:
        """Train the chunks side by side, and yield each that is done."""
        abandoned = threading.Event()

        def train(chunk: Chunk) -> None:
            while not all(map(self._record.has_ended, chunk.ids)) and not abandoned.is_set():
                if to_epoch is not None and chunk.epoch >= to_epoch:
                    break
                self._train_epoch(chunk)

        # Threads do: they wait for the device most of the time, and it computes without the
        # interpreter. An error, or Ctrl-C, ends them all after their epoch.
        with ThreadPoolExecutor(self.plan.lanes) as lanes:
            under_way = {lanes.submit(train, chunk): chunk for chunk in self._chunks}
            try:
                for future in as_completed(under_way):
                    future.result()
                    yield under_way[future]
            finally:
                abandoned.set()

    def _train_epoch(self, chunk: Chunk) -> None:
        rows = chunk.train_epoch()
        judged = chunk.predict(self.members[0].config.pair_average)
        ended = []
        for place, i in enumerate(chunk.ids):
            if self._record.has_ended(i):
                continue
            self._record.epoch(
                i, rows[place], epoch=chunk.epoch, probabilities=judged[place],
                variables=functools.partial(chunk.variables_of, place),
            )  # fmt: skip
            if self._record.has_ended(i):
                ended.append(place)
        chunk.stop(ended)

    def _leave(self, chunk: Chunk, kept: Collection[int], reason: str) -> None:
        """End the members of a chunk that are not kept."""
        left = [
            place
            for place, i in enumerate(chunk.ids)
            if i not in kept and not self._record.has_ended(i)
        ]
        for place in left:
            self._record.end(chunk.ids[place], "stopped", reason, chunk.variables_of(place))
        chunk.stop(left)

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
            chunk.restack([states[i] for i in chunk.ids], *epochs)

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
