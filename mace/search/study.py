"""One group's study: Optuna's trials are its results, in one storage.

A trial whose process is gone is failed by Optuna's heartbeat and queued again by its callback, as
another trial of the same proposal: a search that loses processes evaluates the settings of an
undisturbed one.
"""

import functools
import os
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from mace.config import from_dict, to_dict
from mace.errors import ConfigError, MaceError
from mace.search.config import SearchConfig
from mace.search.outcome import Candidate, Outcome
from mace.search.sampler import make_pruner, make_sampler, proposals
from mace.search.space import SearchSpace, Setting
from mace.search.storage import RETRY, is_url, open_storage, quiet, shown, trial_id

# User attributes of a trial: what it came to; or why it has come to nothing; whose it is.
OUTCOME, LOST, SURPLUS = "outcome", "lost", "surplus"
OWNER = "owner"
WARM = "warm start"
# Between its creation and its owner's name, or its failure and its next run, a trial is nobody's
# for a moment. One that is taken over too early is evaluated twice, to the same outcome.
MOMENT_S = 10.0


class Study:
    """The trials of one group; several processes may work on them."""

    def __init__(
        self,
        name: str,
        group: str,
        *,
        storage: str,
        space: SearchSpace,
        config: SearchConfig,
        epochs: int,
    ) -> None:
        self.name, self.group, self.space = name, group, space
        self.proposals = proposals(config, space)
        self._latency = config.latency
        self._storage = open_storage(storage)
        # Trials of this process that are under way, with the storage's ids, by number.
        self._held: dict[int, tuple[optuna.Trial, int]] = {}
        self._numbers: dict[int, int] = {}
        # When this process first saw a trial that is nobody's, by number and state.
        self._noticed: dict[tuple[int, TrialState], float] = {}
        try:
            self.optuna = optuna.create_study(
                study_name=name,
                storage=self._storage,
                sampler=make_sampler(config, space, group, self._number),
                pruner=make_pruner(config, epochs),
                directions=["maximize", "minimize"] if config.latency else ["maximize"],
                load_if_exists=True,
            )
        except MaceError:
            raise
        except Exception as error:
            raise ConfigError(
                f"the study {name} in {shown(storage)} cannot be opened: {str(error) or error!r}"
            ) from error

    def trials(self) -> list[FrozenTrial]:
        """Return all trials, in the order of their numbers."""
        return self.optuna.get_trials(deepcopy=False)

    def warm_start(self, settings: Sequence[Setting]) -> None:
        """Propose some settings first, once in the life of the study."""
        begun = any(trial.state != TrialState.WAITING for trial in self.trials())
        if not settings or self.optuna.user_attrs.get(WARM) or begun:
            return
        for setting in settings:
            self.optuna.enqueue_trial(self.space.to_params(setting), skip_if_exists=True)
        # Last: a process that is killed on the way leaves the rest to the next one.
        self.optuna.set_user_attr(WARM, True)

    def ask(self, folder: str) -> tuple[Candidate, Outcome | None] | None:
        """Return the next proposal; None if all have been made.

        With it comes what it came to, if its process was killed between that and its end.

        Args:
            folder: whose lock says that this process lives; empty without a lock.
        """
        trials = self.trials()
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        if not waiting and sum(not _is_extra(trial) for trial in trials) >= self.proposals:
            return None
        try:
            with quiet():
                trial = self.optuna.ask(self.space.distributions)
            identifier = trial_id(self._storage, self.name, trial.number)
            self._storage.record_heartbeat(identifier)
            trial.set_user_attr(OWNER, [f"{platform.node()}:{os.getpid()}", folder])
        except UpdateFinishedTrialError:  # it took too long, and another process has it now
            return self.ask(folder)
        number = self._number(self._frozen(trial.number))
        if number >= self.proposals:
            # Another process took the last one at the same moment.
            trial.set_user_attr(SURPLUS, True)
            self.optuna.tell(trial, state=TrialState.FAIL)
            return None
        self._held[trial.number] = trial, identifier
        candidate = Candidate(
            group=self.group,
            number=number,
            trial=trial.number,
            setting=self.space.to_setting(trial.params),
        )
        return candidate, _outcome(trial, number, self.group, self.space)

    def beat(self) -> None:
        """Say that the trials of this process are under way."""
        for _, identifier in list(self._held.values()):
            # A database that is gone for a minute must not end a search that is busy elsewhere;
            # the next result will say so if it stays away.
            with suppress(Exception):
                self._storage.record_heartbeat(identifier)

    def tell(self, candidate: Candidate, outcome: Outcome) -> None:
        """Store what a proposal came to."""
        trial, _ = self._held.pop(candidate.trial)
        stored = to_dict(outcome)
        for name in ("group", "number", "setting"):  # which the trial says itself
            del stored[name]
        with suppress(UpdateFinishedTrialError):  # taken for dead, another process has it now
            trial.set_user_attr(OUTCOME, stored)
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

    def recover(self, folder: str = "") -> None:
        """Queue again what is under way in processes that are gone.

        Args:
            folder: whose lock this process has just taken, so that all that was under way there
                is known to be left behind.
        """
        with quiet():
            optuna.storages.fail_stale_trials(self.optuna)
        trials = self.trials()
        queued = {number for t in trials for number in t.system_attrs.get("retry_history", ())}
        for trial in trials:
            if not self._is_left(trial, folder):
                continue
            if trial.state == TrialState.RUNNING:
                self.optuna.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
            if trial.number not in queued:
                RETRY(self.optuna, self._frozen(trial.number))

    def others(self, folder: str) -> list[str]:
        """Return the places of other searches that hold a folder and are at work here now."""
        with quiet():
            optuna.storages.fail_stale_trials(self.optuna)
        owners = [owner_of(t) for t in self.trials() if t.state == TrialState.RUNNING]
        return sorted({place for place, other in owners if other not in ("", folder)})

    @property
    def running(self) -> int:
        """How many proposals some process is at work on, or has left behind."""
        states = TrialState.RUNNING, TrialState.WAITING
        return sum(trial.state in states for trial in self.trials())

    def outcomes(self) -> list[Outcome]:
        """Return what the finished proposals came to, whoever evaluated them."""
        return outcomes_of(self.trials(), self.group, self.space, self.proposals)

    def lost(self) -> dict[int, str]:
        """Return why some proposals could not be evaluated, by number."""
        trials = self.trials()
        return {
            proposal(trial, trials): str(trial.user_attrs[LOST])
            for trial in trials
            if LOST in trial.user_attrs
        }

    def _is_left(self, trial: FrozenTrial, folder: str) -> bool:
        """Whether nobody works on an unfinished trial, as far as heartbeats do not say so."""
        mine = bool(folder) and owner_of(trial)[1] == folder
        if trial.state == TrialState.RUNNING and OWNER in trial.user_attrs:
            return mine  # else its heart beats, or stops
        failed = trial.state == TrialState.FAIL and not {LOST, SURPLUS} & set(trial.user_attrs)
        if trial.state != TrialState.RUNNING and not failed:
            return False
        # By this process's clock: those of other machines may be in another zone.
        now = time.monotonic()
        since = self._noticed.setdefault((trial.number, trial.state), now)
        return mine or now - since > MOMENT_S

    def _frozen(self, number: int) -> FrozenTrial:
        return next(trial for trial in self.trials() if trial.number == number)

    def _number(self, trial: FrozenTrial) -> int:
        if trial.number not in self._numbers:
            self._numbers[trial.number] = proposal(trial, self.trials())
        return self._numbers[trial.number]


def owner_of(trial: FrozenTrial) -> tuple[str, str]:
    """Return the process that has a trial, and the folder whose lock says that it lives, if any."""
    place, folder = trial.user_attrs.get(OWNER, ("-", ""))
    return place, folder


def proposal(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> int:
    """Return the number of a trial's proposal, from 0: a trial run again keeps its proposal's."""
    first = trial.system_attrs.get("failed_trial", trial.number)
    return first - sum(other.number < first and _is_extra(other) for other in trials)


def outcomes_of(
    trials: Sequence[FrozenTrial], group: str, space: SearchSpace, proposals: int
) -> list[Outcome]:
    """Return what finished trials came to, in the order of their proposals, each once."""
    outcomes: dict[int, Outcome] = {}
    for trial in trials:
        number = proposal(trial, trials)
        if trial.state.is_finished() and trial.state != TrialState.FAIL and number < proposals:
            outcome = _outcome(trial, number, group, space)
            if outcome is not None:
                outcomes.setdefault(number, outcome)
    return [outcomes[number] for number in sorted(outcomes)]


def stop_early(
    storage: str, study_name: str, trial: int, score: float, epoch: int, *, rule: SearchConfig,
    epochs: int,
) -> bool:  # fmt: skip
    """Report a trial's score after some epochs, and return whether it is to end here.

    Workers call it; they must reach the storage.
    """
    study = _opened(storage, study_name)
    rdb = open_storage(storage)
    try:
        rdb.set_trial_intermediate_value(trial_id(rdb, study_name, trial), epoch, score)
        frozen = next(t for t in study.get_trials(deepcopy=False) if t.number == trial)
        pruned = make_pruner(rule, epochs).prune(study, frozen)
    except UpdateFinishedTrialError:
        return False
    return pruned


@functools.lru_cache(maxsize=64)
def _opened(storage: str, study_name: str) -> optuna.Study:
    if not is_url(storage) and not Path(storage).exists():
        raise ConfigError(
            f"pruning asks the storage from every worker, and {storage} is not on "
            f"{platform.node()}; search in a database that all machines reach (--storage), or "
            "leave out --prune"
        )
    return optuna.load_study(study_name=study_name, storage=open_storage(storage))


def _outcome(
    trial: FrozenTrial | optuna.Trial, number: int, group: str, space: SearchSpace
) -> Outcome | None:
    stored = trial.user_attrs.get(OUTCOME)
    if stored is None:
        return None
    own = {"group": group, "number": number, "setting": space.to_setting(trial.params)}
    return from_dict(Outcome, stored | own)


def _is_extra(trial: FrozenTrial) -> bool:
    """Whether a trial is no new proposal: it is run again, or was one too many."""
    return "failed_trial" in trial.system_attrs or SURPLUS in trial.user_attrs
