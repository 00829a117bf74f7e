"""Each group's study: Optuna's trials are its results, in one storage.

A trial whose process is gone is failed by Optuna's heartbeat, and whatever failed without a reason
is queued again by Optuna's callback, as another trial of the same proposal: a search that loses
processes evaluates the settings of an undisturbed one.
"""

import copy
import os
import platform
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState

from mace.config import from_dict, to_dict
from mace.errors import ConfigError
from mace.search.config import SearchPlan
from mace.search.sampler import NumberedSampler, make_pruner, numbers, proposals
from mace.search.space import Params, Setting, encoded
from mace.search.storage import open_storage, quiet, shown, trial_id

# User attributes of a trial: what it came to; or why it has come to nothing; whose it is.
OUTCOME, LOST, OWNER = "outcome", "lost", "owner"
# How Optuna's own begin that say which rungs a trial has been at.
RUNG = "completed_rung_"
# And of a study: what its first proposals are, whatever the sampler.
FIRST = "first proposals"
# Of the study of the first group also what is searched, and every outer score so far, each an
# attribute of its own: two searches that score at the same moment lose none.
FIRST_GROUP = "1"
FACTS, LOOK = "facts", "look "

with quiet():
    RETRY = RetryHeartbeatStaleTrialCallback()


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A setting to evaluate: the proposal `number` for a group, in the trial of that number."""

    group: str
    number: int
    trial: int
    setting: Setting


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What evaluating a setting came to.

    Attributes:
        group: whose subjects had no part in it.
        number: of the proposal, from 0.
        setting: values by path.
        status: `pruned` ended early, behind the others; `diverged` lost its loss.
        uf1: from the pooled counts of all inner folds, after `epochs` epochs; None if it diverged.
        epochs: how many were trained.
        rungs: pooled UF1 by number of epochs.
        confusion: of the pooled predictions, rows truth; empty if it diverged.
        folds: UF1 of each inner fold by itself; empty if it diverged.
        latency_ms: of the network for one picture; None where it was not asked for.
        reason: why it diverged.
        place: the machine and process.
    """

    group: str
    number: int
    setting: Setting
    status: Literal["complete", "pruned", "diverged"]
    uf1: float | None
    epochs: int
    rungs: tuple[tuple[int, float], ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    folds: tuple[float, ...] = ()
    latency_ms: float | None = None
    reason: str = ""
    place: str = ""


class Study:
    """The trials of one group; several processes may work on them."""

    def __init__(self, plan: SearchPlan, group: str, *, epochs: int) -> None:
        """Open the group's study in the storage of the plan, or begin it.

        Args:
            plan: the search.
            group: its name, such as "1".
            epochs: of a training that is not ended early.

        Raises:
            ConfigError: if the storage is out of reach, or has a study of that name with other
                goals.
            OutputError: if the storage is a file of something else.
        """
        config, self.group, self.space = plan.config, group, plan.space
        self.name, self.proposals = plan.name_of(group), proposals(config, plan.space)
        self._owner, self._latency = plan.owner, config.latency
        self._storage = open_storage(plan.storage)
        # Trials of this process that are under way, with the storage's ids, by number.
        self._held: dict[int, tuple[optuna.Trial, int]] = {}
        # Trials that were seen to be nobody's.
        self._seen: set[int] = set()
        goals = ("maximize", "minimize") if config.latency else ("maximize",)
        self.optuna = optuna.create_study(
            study_name=self.name,
            storage=self._storage,
            sampler=NumberedSampler(config, plan.space, group, self._place),
            pruner=make_pruner(config, epochs),
            directions=goals,
            load_if_exists=True,
        )
        # Optuna would take no result of ours, and be asked again for ever.
        if tuple(way.name.lower() for way in self.optuna.directions) != goals:
            raise ConfigError(
                f"{shown(plan.storage)} has a study {self.name} of another kind, with other goals "
                "than this search; choose another --name, or another storage"
            )

    def trials(self) -> list[FrozenTrial]:
        """Return all trials, in the order of their numbers."""
        return self.optuna.get_trials(deepcopy=False)

    def warm_start(self, settings: Sequence[Setting]) -> None:
        """Propose some settings first, if nothing has been proposed yet."""
        if settings and not self.trials():
            self.optuna.set_user_attr(FIRST, list(map(self.space.to_params, settings)))

    def ask(self) -> Candidate | None:
        """Return the next proposal; None if all have been made."""
        trials = self.trials()
        number_of = numbers(trials)
        settled = {
            number_of[trial.number]
            for trial in trials
            if trial.state != TrialState.FAIL or LOST in trial.user_attrs
        }
        again = {
            number_of[trial.number]: trial
            for trial in trials
            if number_of[trial.number] < self.proposals and number_of[trial.number] not in settled
        }
        for trial in again.values():
            nobodys = copy.copy(trial)
            nobodys.user_attrs = {n: v for n, v in trial.user_attrs.items() if n != OWNER}
            # Nor has it been at any rung: its score would compete there twice.
            nobodys.system_attrs = {
                n: v for n, v in trial.system_attrs.items() if not n.startswith(RUNG)
            }
            RETRY(self.optuna, nobodys)
        waiting = again or any(trial.state == TrialState.WAITING for trial in trials)
        if not waiting and len(set(number_of.values())) >= self.proposals:
            return None
        try:
            with quiet():
                trial = self.optuna.ask(self.space.distributions)
            identifier = trial_id(self._storage, self.name, trial.number)
            self._storage.record_heartbeat(identifier)
            trial.set_user_attr(OWNER, [f"{platform.node()}:{os.getpid()}", self._owner])
        except UpdateFinishedTrialError:  # it took too long, and is another process's now
            return self.ask()
        number = numbers(self.trials())[trial.number]
        if number >= self.proposals:  # another process took the last one at the same moment
            self.optuna.tell(trial, state=TrialState.FAIL)
            return self.ask()
        self._held[trial.number] = trial, identifier
        return Candidate(
            group=self.group,
            number=number,
            trial=trial.number,
            setting=self.space.to_setting(trial.params),
        )

    def beat(self) -> None:
        """Say that the trials of this process are under way."""
        for _, identifier in list(self._held.values()):
            # A database that is gone for a minute must not end a search that is busy elsewhere;
            # the next result will say so if it stays away.
            with suppress(Exception):
                self._storage.record_heartbeat(identifier)

    def tell(self, candidate: Candidate, outcome: Outcome) -> None:
        """Store what a proposal came to, or an earlier one of the same setting."""
        trial, _ = self._held.pop(candidate.trial)
        with suppress(UpdateFinishedTrialError):  # taken for dead, another process has it now
            trial.set_user_attr(OUTCOME, to_dict(replace(outcome, number=candidate.number)))
            if outcome.status == "complete":
                values = [outcome.uf1, outcome.latency_ms] if self._latency else [outcome.uf1]
                self.optuna.tell(trial, values, skip_if_finished=True)  # pyright: ignore[reportArgumentType]
                return
            if outcome.status == "pruned":
                for epoch, score in outcome.rungs:
                    trial.report(score, epoch)
            # Not as failed, which a sampler passes over: as pruned, which it keeps away from.
            self.optuna.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)

    def lose(self, candidate: Candidate, reason: str) -> None:
        """Store that a proposal could not be evaluated."""
        trial, _ = self._held.pop(candidate.trial)
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr(LOST, reason)
            self.optuna.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

    def recover(self, *, begin: bool = False) -> None:
        """Fail what is under way in processes that are gone; `ask` proposes it again.

        To `begin` with, that is also whatever was under way in the folder whose lock we have.
        """
        with quiet():
            optuna.storages.fail_stale_trials(self.optuna)
        for trial in self.trials():
            if trial.state != TrialState.RUNNING:
                continue
            if begin and self._owner and owner_of(trial)[1] == self._owner:
                self.optuna.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            elif OWNER not in trial.user_attrs and trial.number not in self._seen:
                # Its process may have been killed before it was heard at all.
                self._seen.add(trial.number)
                self._storage.record_heartbeat(trial_id(self._storage, self.name, trial.number))

    @property
    def done(self) -> int:
        """How many proposals have ended with an outcome, or for a reason."""
        ended, trials = (TrialState.COMPLETE, TrialState.PRUNED), self.trials()
        number_of = numbers(trials)
        done = {number_of[t.number] for t in trials if t.state in ended or LOST in t.user_attrs}
        return sum(number < self.proposals for number in done)

    def outcomes(self) -> list[Outcome]:
        """Return what the finished proposals came to, whoever evaluated them."""
        return outcomes_of(self.trials(), self.proposals)

    def lost(self) -> dict[int, str]:
        """Return why some proposals could not be evaluated, by number."""
        trials = self.trials()
        number_of = numbers(trials)
        return {number_of[t.number]: t.user_attrs[LOST] for t in trials if LOST in t.user_attrs}

    def _place(self, trial: FrozenTrial) -> tuple[int, Params]:
        # Not asked of the sampler's study, which Hyperband narrows to one bracket.
        number, first = numbers(self.trials())[trial.number], self.optuna.user_attrs.get(FIRST, [])
        return number, first[number] if number < len(first) else {}


def owner_of(trial: FrozenTrial) -> tuple[str, str]:
    """Return the process that has a trial, and the folder whose lock says that it lives, if any."""
    place, folder = trial.user_attrs.get(OWNER, ("-", ""))
    return place, folder


def outcomes_of(trials: Sequence[FrozenTrial], proposals: int) -> list[Outcome]:
    """Return what trials came to, ended or about to be, in the order of their proposals, each once.

    A process may be killed between what it said of a trial and the trial's end.
    """
    outcomes: dict[int, Outcome] = {}
    for trial in trials:
        if OUTCOME in trial.user_attrs:
            outcome = from_dict(Outcome, trial.user_attrs[OUTCOME])
            if outcome.number < proposals:
                outcomes.setdefault(outcome.number, outcome)
    return [outcomes[number] for number in sorted(outcomes)]


def ranked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the complete outcomes, best UF1 first, earlier proposals first among equals."""
    complete = [o for o in outcomes if o.status == "complete" and o.uf1 is not None]
    return sorted(complete, key=lambda o: (-(o.uf1 or 0.0), o.number))


def different(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], Outcome]:
    """Return outcomes by what was evaluated: group and setting, which may be proposed twice."""
    return {name_of(outcome): outcome for outcome in outcomes}


def name_of(proposal: Candidate | Outcome) -> tuple[str, str]:
    """Return the name of what is evaluated: equal names mean equal outcomes."""
    return proposal.group, encoded(dict(proposal.setting))
