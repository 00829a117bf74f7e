"""A search at work: counts, the best so far, rate, time left, who is at work."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from mace.evaluation.table import print_text_table
from mace.search.folder import StoredStudy, is_locked, read_study
from mace.search.setting import text_of
from mace.search.study import Outcome, owner_of, ranked

# The rate is that of the last results, since pruning and caches change it on the way.
RECENT = 30


@dataclass(frozen=True, eq=False, kw_only=True)
class Top:
    """What there is to show of a search.

    Attributes:
        study: as it is stored.
        outcomes: those that are in.
        running: trials under way, by group.
        locked: whether a search holds the folder.
        rate: results a minute; None where nothing is known of it.
    """

    study: StoredStudy
    outcomes: Sequence[Outcome]
    running: Mapping[str, Sequence[FrozenTrial]]
    locked: bool
    rate: float | None

    @property
    def at_work(self) -> bool:
        """Whether somebody is."""
        return self.locked or any(self.running.values())


def read_top(folder: Path, *, storage: str = "") -> Top:
    """Read what a search has come to so far.

    Raises:
        DataError: if the folder holds none.
        ConfigError: if the storage is out of reach.
    """
    study, locked = read_study(folder, storage=storage), is_locked(folder)
    own = f":{Path(folder).resolve()}"
    running: dict[str, list[FrozenTrial]] = {}
    times: list[float] = []
    for group, of_group in study.studies.items():
        trials = of_group.get_trials(deepcopy=False)
        times += [t.datetime_complete.timestamp() for t in trials if t.datetime_complete]
        running[group] = [
            trial
            for trial in trials
            # What a killed search left behind in this folder runs no more.
            if trial.state == TrialState.RUNNING
            and (locked or not owner_of(trial)[1].endswith(own))
        ]
    return Top(
        study=study,
        outcomes=study.outcomes(),
        running=running,
        locked=locked,
        rate=_rate(times) if any(running.values()) else None,
    )


def show_top(folder: Path, *, every: float | None = None, storage: str = "") -> None:
    """Print the state of a search; on a terminal anew `every` so many seconds until it is over.

    Ctrl-C ends the view. Where standard output is no terminal it prints once, as plain text.

    Raises:
        DataError: if the folder holds no search.
        ConfigError: if the storage is out of reach.
    """
    again = every is not None and sys.stdout.isatty()
    with suppress(KeyboardInterrupt):
        while True:
            top = read_top(folder, storage=storage)
            if again:
                Console().clear()
            print_top(top)
            if not again or (top.study.looks and not top.at_work):
                return
            time.sleep(every or 0.0)


def print_top(top: Top) -> None:
    """Print a line for each group, and one for each process that is at work."""
    print(_headline(top))
    rows = []
    for group, running in top.running.items():
        outcomes = [outcome for outcome in top.outcomes if outcome.group == group]
        counts = Counter(outcome.status for outcome in outcomes)
        score, setting = "-", "-"
        for best in ranked(outcomes)[:1]:
            score, setting = f"{best.uf1:.3f}", text_of(best.setting)
        done = f"{len(outcomes)}/{top.study.facts['proposals']}"
        ended = str(counts["pruned"]), str(counts["diverged"])
        rows.append((group, done, str(len(running)), *ended, score, setting))
    heading = ("group", "done", "running", "pruned", "diverged", "best UF1", "best setting")
    print_text_table(heading, rows)
    starts: dict[str, list[float]] = defaultdict(list)
    for trial in (trial for of_group in top.running.values() for trial in of_group):
        assert trial.datetime_start is not None
        starts[owner_of(trial)[0]].append(trial.datetime_start.timestamp())
    if starts:
        rows = [
            (place, str(len(times)), _clock(time.time() - min(times)))
            for place, times in sorted(starts.items())
        ]
        print_text_table(("process", "running", "longest"), rows)


def _headline(top: Top) -> str:
    settings = top.study.facts["proposals"] * len(top.running)
    parts = [f"{top.study.name}: {len(top.outcomes)} of {settings} settings"]
    if top.locked and len(top.outcomes) >= settings:
        parts.append("outer score")
    elif not top.at_work and not top.study.looks:
        parts.append("nobody is at work here; the same mace search goes on")
    if top.rate is not None:
        parts.append(f"{top.rate:.3g} a minute")
        parts.append(f"{_clock(60 * (settings - len(top.outcomes)) / top.rate)} left")
    if top.study.looks:
        parts.append(f"outer UF1 {top.study.looks[-1]['uf1']:.3f}")
    return "; ".join(parts)


def _clock(seconds: float) -> str:
    """Return seconds as `3:20:00`, like the bar of a search."""
    return str(timedelta(seconds=round(seconds)))


def _rate(times: Sequence[float]) -> float | None:
    times = sorted(times)[-RECENT:]
    if len(times) < 3 or times[-1] <= times[0]:
        return None
    # Silence since the last result counts: a search that hangs must not look quick.
    spent = max(times[-1], time.time() - (times[-1] - times[0]) / (len(times) - 1)) - times[0]
    return 60 * (len(times) - 1) / spent
