"""Members in training: advance them, leave some out, ask for what became of them."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Self

import jax
import numpy as np

from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.hosts.agreement import require_same
from mace.training.chunk import Chunk
from mace.training.fine_tune import start_digest
from mace.training.fitted import Fitted, Row
from mace.training.hyper import same_shape, stacked
from mace.training.lanes import side_by_side
from mace.training.member import Member, MemberResult
from mace.training.mixing import Mix
from mace.training.plan import Plan, fitted_to_memory, make_plan
from mace.training.program import training_program
from mace.training.run import Run
from mace.training.signals import StopRequest, interrupted
from mace.training.source import Clips, Source, Stream, checked_start


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
        data: MotionSet | Stream,
        members: Sequence[Member],
        *,
        plan: Plan | None = None,
        planned_for: int | None = None,
        start: Bundle | None = None,
        mix: Mix | None = None,
        log: Callable[[str], None] | None = None,
        watch: Callable[[int, Row], None] | None = None,
    ) -> None:
        """Place the members on the devices and draw their first parameters.

        Args:
            data: all clips, of which every device gets one copy; or a stream.
            members: whose configurations differ in numbers, epochs and selection alone.
            plan: how to compute them; `make_plan` decides by default,
            planned_for: for as many members as there were in all, where these are what is left.
            start: a pre-trained network that all of them go on from, as in `fit`.
            mix: clips of other people that share every batch, as in `fit`.
            log: is told the plan, and which members end before the others.
            watch: is told position and numbers of a member after each of its epochs.

        Raises:
            ConfigError: for members of several shapes, or settings that contradict each other.
            DataError: for an index out of range.
            CheckpointError: if a folder holds a damaged checkpoint, or another run's.
            OutputError: if a folder cannot be written to.
        """
        if not members:
            raise ConfigError("a population without members was asked for; give at least one")
        for position, member in enumerate(members):
            if not same_shape(member.config, members[0].config):
                raise ConfigError(
                    f"member {member.name or position} differs from the first in more than numbers "
                    "(mace.training.hyper); make a population of each shape, as train_population "
                    "does"
                )
        self.members, config = list(members), members[0].config
        self.source: Source = (
            Clips(data, self.members, mix=mix) if isinstance(data, MotionSet) else data
        )
        self._config = stacked([member.config for member in self.members])
        for member in self.members if start is None else self.members[:1]:
            self._start = checked_start(
                self.source.motion, self.source.classes, member.config, start
            )
        self.log = log or (lambda line: None)
        self._watch = watch or (lambda position, row: None)
        self._runs = [Run(self.source, member) for member in self.members]
        given = plan is not None
        self.plan = plan or make_plan(
            config.model,
            self.source.example.shape[1],
            members=planned_for or len(members),
            sharing=max(member.config.devices for member in members),
        )
        if not given and self.plan.kind == "vmap":
            self.plan = self._measured(self.plan)
        self.log(f"plan: {self.plan}")
        self._chunks = self._dealt(range(len(members)))
        self._open()

    @property
    def histories(self) -> list[list[Row]]:
        """A row for each epoch of each member so far."""
        return [run.history for run in self._runs]

    @property
    def learning(self) -> list[int]:
        """Positions of the members that have epochs left."""
        return [i for i, run in enumerate(self._runs) if not run.ended]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the members' folders."""
        self._stack.close()

    def prepare(self) -> int:
        """Compile the program of an epoch before it is needed; return the bytes it takes.

        Of each device, for the members that it trains at once, beside the clips themselves. Several
        populations may be prepared in threads, which compile side by side.
        """
        return self._chunks[0].bytes_needed()

    def advance(
        self, to_epoch: int | None = None, *, stop: StopRequest | None = None
    ) -> np.ndarray:
        """Train until every member has `to_epoch` epochs or has ended; to the end by default.

        Args:
            to_epoch: the number of epochs.
            stop: asked between steps; once it is true, members are saved and training ends.

        Returns:
            For each member the UF1 on its validation clips after its last epoch so far, float64;
            NaN for one without validation clips or epochs, or that diverged.

        Raises:
            Interrupted: if `stop` ended it.
        """
        for _ in self._trained(to_epoch, stop):
            pass
        return np.array([run.score for run in self._runs])

    def finish(self, *, stop: StopRequest | None = None) -> Iterator[tuple[int, MemberResult]]:
        """Train to the end, and yield position and result of every member as it gets there.

        Members that had ended before are not among them, but for those that their folders held. The
        others stop after their epoch if the caller leaves.
        """
        for i, run in enumerate(self._runs):
            if run.ended and run.restored:
                run.restored = False
                yield i, run.result()
        left = set(self.learning)
        for chunk in self._trained(None, stop):
            # Whoever gives up at one that diverged has the others of its chunk already.
            ended = sorted(left.intersection(chunk.ids))
            for i in sorted(ended, key=lambda i: self._runs[i].status == "diverged"):
                yield i, self._runs[i].result()

    def keep(self, which: Iterable[int]) -> None:
        """Leave out all members but those at these positions; the rest closes up.

        Raises:
            ConfigError: for a position that does not exist.
        """
        staying = {int(i) for i in which}
        wrong = sorted(staying - set(range(len(self.members))))
        if wrong:
            raise ConfigError(f"there is no member {wrong[0]} among {len(self.members)} to keep")
        self._leave(staying, "left out")
        self._close_up()

    def fitted(self, position: int) -> Fitted | None:
        """Return a member's network as it is now; None of one that diverged."""
        run = self._runs[position]
        if run.ended:
            return run.fitted()
        chunk = next(chunk for chunk in self._chunks if position in chunk.ids)
        return run.fitted(chunk.variables_of(chunk.ids.index(position)))

    def reason(self, position: int) -> str:
        """Return why a member learns no more; nothing while it does."""
        return self._runs[position].reason

    def release(self, position: int) -> None:
        """Let go of the network of a member that has ended, whose result somebody has."""
        self._runs[position].release()

    def results(self) -> list[MemberResult]:
        """Return what became of the members; one that has epochs left counts as stopped."""
        self._leave(set(), "left")
        return [run.result() for run in self._runs]

    def _trained(self, to_epoch: int | None, stop: StopRequest | None) -> Iterator[Chunk]:
        """Train the chunks, side by side where there are lanes, and yield each that is done."""
        stop = StopRequest() if stop is None else stop  # one that is not set is false

        def train(chunk: Chunk, leave: Callable[[], bool]) -> bool:
            while not leave():
                learns = [
                    not run.ended and (to_epoch is None or run.epoch < to_epoch)
                    for run in chunk.runs
                ]
                if not any(learns):
                    return True
                if not self._train_epoch(chunk, learns, stop):
                    break
            return False

        done = 0
        for chunk in side_by_side(train, self._chunks, lanes=self.plan.lanes):
            yield chunk
            chunk.release()
            done += 1
        if done < len(self._chunks):
            raise self.interrupted(stop)

    def _train_epoch(self, chunk: Chunk, learns: Sequence[bool], stop: StopRequest) -> bool:
        """Take members of a chunk through an epoch; return false if a signal came between."""
        # Signals may reach hosts at different steps; all end after the same one.
        rows = None if stop.agreed() else chunk.train_epoch(learns, stop.here)
        if rows is None:
            for place, run in enumerate(chunk.runs):
                if not run.ended:
                    run.interrupt(*chunk.books(place), self.log)
            return False
        judged = chunk.predict()
        for place, (i, run, row) in enumerate(zip(chunk.ids, chunk.runs, rows, strict=True)):
            if isinstance(row, int):
                run.diverge(row, self.log)
            elif row is not None:
                variables = functools.partial(chunk.variables_of, place)
                run.enter(row, probabilities=judged[place], variables=variables)
                if run.ended or run.epoch % run.member.config.checkpoint_every == 0:
                    run.save(*chunk.books(place))
                self._watch(i, run.history[-1])
        return True

    def interrupted(self, stop: StopRequest) -> Exception:
        """Return the error of a training that a signal ended."""
        assert stop.signal is not None
        place = f"with {len(self.learning)} of {len(self.members)} members under way"
        if len(self.members) == 1:
            run, step = self._runs[0], int(self._chunks[0].steps[0])
            if run.status == "diverged":
                run.result().network()
            place = f"after step {step} (epoch {run.epoch + 1} of {run.member.config.epochs})"
        folders = {member.run_dir for member in self.members if member.run_dir is not None}
        return interrupted(stop.signal, place, folders)

    def _open(self) -> None:
        """Go on with what the members' folders hold, and keep there what comes."""
        start = None if self._start is None else start_digest(self._start)
        identities = [run.identity(start) for run in self._runs]
        require_same("recipe, seed or data set", f"{identities} {self.plan}")
        with ExitStack() as stack:
            for run, identity in zip(self._runs, identities, strict=True):
                run.open(identity, stack)
            for chunk in self._chunks:
                if any(run.member.run_dir is not None for run in chunk.runs):
                    stored = [run.restore(*chunk.like()) for run in chunk.runs]
                    chunk.put({place: books for place, books in enumerate(stored) if books})
            for run in self._runs:
                run.write_log(stack)
            self._stack = stack.pop_all()

    def _leave(self, staying: set[int], reason: str) -> None:
        """End the members that are not staying."""
        for chunk in self._chunks:
            for place, (i, run) in enumerate(zip(chunk.ids, chunk.runs, strict=True)):
                if i not in staying and not run.ended:
                    why = f"{reason} after epoch {run.epoch}"
                    run.end("stopped", why, chunk.variables_of(place))

    def _close_up(self) -> None:
        """Deal the members that still learn out to as few chunks as they need."""
        left = self.learning
        waiting = [chunk for chunk in self._chunks if any(i in left for i in chunk.ids)]
        if -(-len(left) // self.plan.together) >= len(waiting):
            self._chunks = waiting
            return
        books = {
            i: chunk.books(place)
            for chunk in waiting
            for place, i in enumerate(chunk.ids)
            if i in left
        }
        self._chunks = self._dealt(left)
        for chunk in self._chunks:
            chunk.put({place: books[i] for place, i in enumerate(chunk.ids)})

    def _dealt(self, ids: Iterable[int]) -> list[Chunk]:
        ids, size, source = list(ids), self.plan.together, self.source
        program = training_program(
            source.motion, len(source.classes), self.plan, own=source.own, take=source.take
        )
        data = source.data(program.everywhere)
        start = None if self._start is None else program.spread(self._start)
        return [
            Chunk(
                [self._runs[i] for i in chosen],
                chosen,
                jax.tree.map(lambda leaf, chosen=chosen: leaf[_filled(chosen, size)], self._config),
                program=program,
                data=data,
                start=start,
            )
            for chosen in (ids[first : first + size] for first in range(0, len(ids), size))
        ]

    def _measured(self, plan: Plan) -> Plan:
        """Return the plan with the chunk that the memory takes, as the compiled program says."""
        self.plan = plan
        (chunk, *_) = self._dealt(range(min(plan.together, len(self.members))))
        return fitted_to_memory(plan, chunk.bytes_needed())


def _filled(chosen: Sequence[int], size: int) -> list[int]:
    """Return whose numbers each place has: those that are left over have the first one's."""
    return [*chosen, *[chosen[0]] * (size - len(chosen))]
