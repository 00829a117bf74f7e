"""Proposals to workers, results to the store: what a search does until all settings are in."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mace.progress import Advance
from mace.search.checking import text_of
from mace.search.executors.make import Engine
from mace.search.executors.protocol import Executor, Failure
from mace.search.group_study import GroupStudy
from mace.search.naming import code_version, result_key
from mace.search.objective import Candidate, Job, Shared, evaluate
from mace.search.results import Outcome, Results, ranked
from mace.search.searcher import Searcher
from mace.search.setting import apply_setting
from mace.search.space import Setting

# How often a search that has nothing left looks whether the others are done.
POLL_S = 1.0


class SearchLoop:
    """Evaluates the proposals of some studies; nothing that the store holds runs again."""

    def __init__(
        self,
        shared: Shared,
        studies: Mapping[str, GroupStudy],
        results: Results,
        searcher: Searcher,
        advance: Advance,
    ) -> None:
        self._shared, self._studies, self._results = shared, studies, results
        self._searcher, self._advance = searcher, advance
        self._known: dict[str, Outcome] = results.load()
        for study in studies.values():
            for outcome in study.outcomes().values():
                self._known.setdefault(outcome.key, outcome)
        # Candidates by the name of their result; equal settings wait for one evaluation.
        self._under_way: dict[str, list[Candidate]] = {}
        self._since: dict[str, float] = {}
        self._jobs = 0
        self._adopted: deque[Candidate] = deque()
        self._turn = 0
        self.evaluated = 0

    def run(self, engine: Engine, *, wait: bool) -> None:
        """Evaluate until every proposal has a result.

        Args:
            engine: makes the executor; nothing is started if nothing is left.
            wait: whether to wait for proposals that other processes are at work on, and to take
                over those of processes that are gone.
        """
        while True:
            self._adopt()
            job = self._next_job()
            if job is None:
                if not wait or not any(study.running for study in self._studies.values()):
                    return
                self._searcher.show("waiting for the others")
                time.sleep(POLL_S)
                continue
            with engine(evaluate, self._shared) as executor:
                self._submit(executor, job)
                self._fill(executor)
                for done, found in executor.results():
                    self._record(done, found)
                    self._fill(executor)

    def _fill(self, executor: Executor) -> None:
        while self._jobs < executor.slots:
            job = self._next_job()
            if job is None:
                break
            self._submit(executor, job)
        self._show(executor.slots)

    def _submit(self, executor: Executor, job: Job) -> None:
        self._jobs += 1
        for candidate in job.candidates:
            self._since[candidate.key] = time.time()
        executor.submit(job)

    def _next_job(self) -> Job | None:
        candidates = []
        for candidate in self._fresh():
            candidates.append(candidate)
            if len(candidates) == self._shared.config.per_job:
                break
        return Job(candidates=tuple(candidates)) if candidates else None

    def _fresh(self) -> Iterator[Candidate]:
        """Yield the proposals that need work; answer the others from the store."""
        while (candidate := self._next()) is not None:
            if candidate.key in self._known:
                self._tell(candidate, self._known[candidate.key])
            elif candidate.key in self._under_way:
                self._under_way[candidate.key].append(candidate)
            else:
                self._under_way[candidate.key] = [candidate]
                yield candidate

    def _next(self) -> Candidate | None:
        if self._adopted:
            return self._adopted.popleft()
        names = list(self._studies)
        for _ in names:
            name = names[self._turn % len(names)]
            self._turn += 1
            asked = self._studies[name].ask(self._searcher.id)
            if asked is not None:
                return self._candidate(name, *asked)
        return None

    def _adopt(self) -> None:
        alive = self._searcher.others()
        for name, study in self._studies.items():
            held = {
                one.number
                for waiting in (*self._under_way.values(), self._adopted)
                for one in waiting
                if one.group == name
            }
            for number, setting, outcome in study.adopt(self._searcher.id, alive=alive, held=held):
                if outcome is not None:
                    self._known.setdefault(outcome.key, outcome)
                self._adopted.append(self._candidate(name, number, setting))

    def _candidate(self, group: str, number: int, setting: Setting) -> Candidate:
        key = result_key(
            apply_setting(self._shared.train, setting),
            self._shared.groups[group],
            config=self._shared.config,
            fingerprint=self._shared.motion_set.fingerprint,
            code=code_version(),
        )
        return Candidate(group=group, number=number, key=key, setting=setting)

    def _record(self, job: Job, found: Any) -> None:
        self._jobs -= 1
        if isinstance(found, Failure):
            for candidate in job.candidates:
                for waiting in self._under_way.pop(candidate.key, [candidate]):
                    self._studies[waiting.group].lose(waiting.number, found.sentence)
                    self._advance(note=f"lost: {found.sentence}")
            return
        for candidate, outcome in zip(job.candidates, found, strict=True):
            # The store first: a proposal that is told is never looked at again.
            self._results.append(outcome)
            self._known[outcome.key] = outcome
            self.evaluated += 1
            for waiting in self._under_way.pop(candidate.key, [candidate]):
                self._tell(waiting, outcome)

    def _tell(self, candidate: Candidate, outcome: Outcome) -> None:
        own = replace(outcome, group=candidate.group, number=candidate.number)
        self._studies[candidate.group].tell(candidate.number, own)
        self._advance(note=self._best())

    def _best(self) -> str:
        best = ranked(list(self._known.values()))
        if not best:
            return ""
        return f"best inner UF1 {best[0].uf1:.3f}: {text_of(best[0].setting)}"

    def _show(self, slots: int) -> None:
        self._searcher.show(
            "settings",
            [
                {
                    "group": candidates[0].group,
                    "number": candidates[0].number,
                    "setting": dict(candidates[0].setting),
                    "since": self._since.get(key, 0.0),
                }
                for key, candidates in self._under_way.items()
            ],
            slots=slots,
        )
