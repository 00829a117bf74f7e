"""One group's study: proposals out, results in, and what a killed process left taken over."""

import time
from collections.abc import Iterator
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from mace.errors import ConfigError, MaceError
from mace.search.config import SearchConfig
from mace.search.identity import read_identity, refuse_difference, write_identity
from mace.search.proposing import Params, distributions, make_sampler, to_params, to_setting
from mace.search.pruning import make_pruner
from mace.search.results import Outcome, outcome_text, read_outcome
from mace.search.space import SearchSpace, Setting
from mace.search.storage import StorageAddress, open_storage

WARM = "mace warm start"
OUTCOME = "outcome"
OWNER = "searcher"
SURPLUS = "surplus"
LOST = "lost"


class GroupStudy:
    """The Optuna study of one group; several processes may work on it."""

    def __init__(
        self,
        name: str,
        group: str,
        *,
        address: StorageAddress,
        space: SearchSpace,
        config: SearchConfig,
        epochs: int,
        proposals: int,
    ) -> None:
        self.name, self.group, self.space = name, group, space
        self.proposals = proposals
        self._distributions = distributions(space)
        directions: list[Literal["maximize", "minimize"]] = ["maximize"]
        if config.latency:
            directions.append("minimize")
        try:
            self.study = optuna.create_study(
                study_name=name,
                storage=open_storage(address),
                sampler=make_sampler(config, space, group),
                pruner=make_pruner(config, epochs),
                directions=directions,
                load_if_exists=True,
            )
        except MaceError:
            raise
        except Exception as error:
            raise ConfigError(
                f"the study {name} in {address.shown} cannot be opened: {str(error) or error!r}"
            ) from error
        self.latency = config.latency

    def identify(self, identity: dict[str, Any]) -> None:
        """Say what the study is about, or refuse to mix it with something else.

        Raises:
            ConfigError: if the study was begun with other settings; it names them.
        """
        known = read_identity(self.study)
        if known is None:
            write_identity(self.study, identity)
            return
        refuse_difference(known, identity, what=f"the study {self.name}")

    def warm_start(self, settings: list[Setting]) -> int:
        """Propose some settings first, once in the life of the study; return how many."""
        begun = any(trial.state != TrialState.WAITING for trial in self._trials())
        if not settings or self.study.user_attrs.get(WARM) or begun:
            return 0
        for setting in settings:
            self.study.enqueue_trial(to_params(self.space, setting), skip_if_exists=True)
        # Last: a process that is killed on the way leaves the rest to the next one.
        self.study.set_user_attr(WARM, True)
        return len(self._trials())

    def adopt(
        self, own: str, *, alive: set[str], held: set[int]
    ) -> Iterator[tuple[int, Setting, Outcome | None]]:
        """Yield number and setting of trials whose process is gone, and take them over.

        With them comes what they came to, if the process was gone between that and its end.

        `alive` are the other processes at work, `held` the numbers that this one has under way.
        """
        for trial in self._trials():
            if trial.state != TrialState.RUNNING or trial.number in held:
                continue
            owner = trial.user_attrs.get(OWNER)
            if owner == own or (owner is not None and owner in alive):
                continue
            if owner is None and alive and not _is_old(trial):
                continue  # somebody is just about to put a name on it
            adopted = optuna.trial.Trial(self.study, trial._trial_id)
            adopted.set_user_attr(OWNER, own)
            found = trial.user_attrs.get(OUTCOME)
            outcome = None if found is None else read_outcome(found)
            yield trial.number, self._setting(adopted), outcome

    def ask(self, own: str) -> tuple[int, Setting] | None:
        """Return number and setting of the next proposal; None if all have been made."""
        if self.left == 0:
            return None
        trial = self.study.ask()
        if trial.number >= self.proposals:
            # Another process took the last one at the same moment.
            trial.set_user_attr(SURPLUS, True)
            self.study.tell(trial, state=TrialState.FAIL)
            return None
        trial.set_user_attr(OWNER, own)
        return trial.number, self._setting(trial)

    def tell(self, number: int, outcome: Outcome) -> None:
        """Store what a proposal came to; a second time does nothing."""
        trial = self._trial(number)
        if trial.state.is_finished():
            return
        open_trial = optuna.trial.Trial(self.study, trial._trial_id)
        open_trial.set_user_attr(OUTCOME, outcome_text(outcome))
        if outcome.status == "complete":
            assert outcome.uf1 is not None
            values = [outcome.uf1]
            if self.latency:
                assert outcome.latency_ms is not None
                values.append(outcome.latency_ms)
            self.study.tell(number, values, skip_if_finished=True)
            return
        if outcome.status == "pruned":
            # A result found in the store was reported under another number.
            for epoch, score in outcome.rungs:
                if epoch not in trial.intermediate_values:
                    open_trial.report(score, epoch)
            self.study.tell(number, state=TrialState.PRUNED, skip_if_finished=True)
            return
        # Not as failed, which a sampler passes over: as pruned, which it keeps away from.
        self.study.tell(number, state=TrialState.PRUNED, skip_if_finished=True)

    def lose(self, number: int, reason: str) -> None:
        """Store that a proposal could not be evaluated."""
        trial = self._trial(number)
        if not trial.state.is_finished():
            optuna.trial.Trial(self.study, trial._trial_id).set_user_attr(LOST, reason)
            self.study.tell(number, state=TrialState.FAIL, skip_if_finished=True)

    @property
    def left(self) -> int:
        """How many proposals are still to be made."""
        trials = self._trials()
        waiting = sum(trial.state == TrialState.WAITING for trial in trials)
        return max(self.proposals - len(trials) + waiting, 0)

    @property
    def running(self) -> int:
        """How many proposals some process is at work on."""
        return sum(trial.state == TrialState.RUNNING for trial in self._trials())

    def outcomes(self) -> dict[int, Outcome]:
        """Return what the finished proposals came to, by number, whoever evaluated them."""
        found: dict[int, Outcome] = {}
        for trial in self._trials():
            if trial.state.is_finished() and OUTCOME in trial.user_attrs:
                outcome = read_outcome(trial.user_attrs[OUTCOME])
                if outcome is not None:
                    found[trial.number] = outcome
        return found

    def lost(self) -> dict[int, str]:
        """Return why some proposals could not be evaluated, by number."""
        return {
            trial.number: str(trial.user_attrs[LOST])
            for trial in self._trials()
            if LOST in trial.user_attrs
        }

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _trial(self, number: int) -> FrozenTrial:
        return next(trial for trial in self._trials() if trial.number == number)

    def _setting(self, trial: optuna.trial.Trial) -> Setting:
        params: Params = {
            path: trial._suggest(path, distribution)
            for path, distribution in self._distributions.items()
        }
        return to_setting(self.space, params)


def _is_old(trial: FrozenTrial) -> bool:
    started = trial.datetime_start
    return started is not None and time.time() - started.timestamp() > 60
