"""Proposals to workers, and what they come to into the studies."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any

from mace.errors import WorkerError
from mace.progress import Advance, progress
from mace.search.executors import Engine
from mace.search.objective import Shared, evaluate
from mace.search.setting import text_of
from mace.search.storage import BEAT_S
from mace.search.study import Candidate, Outcome, Study, different, name_of, ranked

# How often a search that has nothing left looks whether the others are done.
POLL_S = 1.0

type Job = list[Candidate]


class Scheduler:
    """Evaluates proposals until all have an outcome; nothing that the studies hold runs again."""

    def __init__(self, shared: Shared, studies: Mapping[str, Study]) -> None:
        self.plan, self.shared, self.studies = shared.plan, shared, studies
        self.evaluated = 0
        self._known = different(self.outcomes())
        # How many proposals of each group are shown as done, whoever did them.
        self._shown = {name: study.done for name, study in studies.items()}
        # Equal settings wait for one evaluation.
        self._under_way: dict[tuple[str, str], list[Candidate]] = {}
        self._order = deque(studies.values())
        self._advance: Advance

    def outcomes(self) -> list[Outcome]:
        """Return what the finished proposals of all groups came to."""
        return [outcome for study in self.studies.values() for outcome in study.outcomes()]

    def run(self, engine: Engine) -> None:
        """Evaluate until every proposal has an outcome.

        Without `plan.join`, those of others are waited for, and taken over if they die. Once the
        work itself has failed, what is under way ends, and nothing is begun.
        """
        studies = self.studies.values()
        total, done = sum(study.proposals for study in studies), sum(self._shown.values())
        jobs: dict[Future[Any], Job] = {}
        failure: BaseException | None = None
        with (
            progress(f"searching {self.plan.name}", total, done=done) as self._advance,
            self._heart(),
            engine(evaluate, self.shared) as executor,
        ):
            while True:
                ready = failure is None and len(jobs) < executor.slots
                job = self._next_job() if ready else []
                if job:
                    jobs[executor.submit(job)] = job
                elif not jobs:
                    if failure is not None:
                        raise failure
                    if self.plan.join or all(study.done >= study.proposals for study in studies):
                        return
                    time.sleep(POLL_S)
                    for study in studies:
                        study.recover()
                        self._show(study)
                for future in wait(jobs, 0 if job else None, FIRST_COMPLETED).done:
                    failure = self._record(jobs.pop(future), future) or failure

    def _next_job(self) -> Job:
        """Return settings to evaluate, the groups taking turns; none if all proposals are made."""
        job: Job = []
        idle = 0
        while len(job) < self.plan.config.per_job and idle < len(self._order):
            self._order.rotate(-1)
            candidate = self._order[-1].ask()
            if candidate is None:
                idle += 1
                continue
            idle, name = 0, name_of(candidate)
            if name in self._known:
                self._tell(candidate, self._known[name])
            elif name in self._under_way:
                self._under_way[name].append(candidate)
            else:
                self._under_way[name] = [candidate]
                job.append(candidate)
        return job

    def _record(self, job: Job, future: Future[Any]) -> BaseException | None:
        """Tell the studies what a job came to; return the error of the work itself."""
        error = future.exception()
        if error is not None and not isinstance(error, WorkerError):
            return error
        for index, candidate in enumerate(job):
            name = name_of(candidate)
            for waiting in self._under_way.pop(name):
                if error is None:
                    self._known[name] = future.result()[index]
                    self._tell(waiting, self._known[name])
                else:
                    study = self.studies[waiting.group]
                    study.lose(waiting, str(error))
                    self._show(study, note=f"lost: {error}")
            self.evaluated += error is None
        return None

    def _tell(self, candidate: Candidate, outcome: Outcome) -> None:
        study = self.studies[candidate.group]
        study.tell(candidate, outcome)
        self._show(study)

    def _show(self, study: Study, *, note: str = "") -> None:
        """Show what has ended in a study, here or elsewhere."""
        done = study.done
        more, self._shown[study.group] = done - self._shown[study.group], done
        best = ranked(list(self._known.values()))
        if best and not note:
            note = f"best inner UF1 {best[0].uf1:.3f}: {text_of(best[0].setting)}"
        if more:
            self._advance(more, note=note)

    @contextmanager
    def _heart(self) -> Iterator[None]:
        end = threading.Event()

        def beat() -> None:
            while not end.wait(BEAT_S):
                for study in self.studies.values():
                    study.beat()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()
