"""A search at work: counts, the best so far, rate, time left, who is at work."""

import platform
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from mace.evaluation.table import print_text_table
from mace.search.folder import is_locked
from mace.search.setting import text_of
from mace.search.stored import read_study
from mace.search.study import LOST, Outcome, owner_of, ranked

# The rate is that of the last results, since pruning and caches change it on the way.
RECENT = 30


def show_top(folder: Path, *, every: float | None = None, storage: str = "") -> None:
    """Print the state of a search; on a terminal anew `every` so many seconds until it is over.

    Ctrl-C ends the view. Where standard output is no terminal it prints once, as plain text.

    Raises:
        DataError: if the folder holds no search.
        ConfigError: if the storage is out of reach.
        OutputError: if it is a file of something else, or does not answer.
    """
    again = every is not None and sys.stdout.isatty()
    with suppress(KeyboardInterrupt):
        while print_top(folder, storage=storage, clear=again) and again:
            time.sleep(every or 0.0)


def print_top(folder: Path, *, storage: str = "", clear: bool = False) -> bool:
    """Print a line for each group and one for each process; return whether the search goes on.

    Args:
        folder: of the search.
        storage: of the study; where the folder says by default.
        clear: the terminal before.
    """
    study, locked = read_study(folder, storage=storage), is_locked(folder)
    outcomes, proposals, trials = study.outcomes(), study.facts["proposals"], study.trials()
    here = f"{platform.node()}:{Path(folder).resolve()}"
    running = {
        group: [
            trial
            for trial in of_group
            # What a killed search left behind in this folder runs no more.
            if trial.state == TrialState.RUNNING and (locked or owner_of(trial)[1] != here)
        ]
        for group, of_group in trials.items()
    }
    at_work, settings = locked or any(running.values()), proposals * len(trials)
    lost = sum(LOST in trial.user_attrs for trial in chain(*trials.values()))
    over = len(outcomes) + lost >= settings
    headline = [f"{study.name}: {len(outcomes)} of {settings} settings"]
    if locked and over:
        headline.append("outer score")
    elif not at_work and not study.looks:
        goes_on = "the same mace search goes on"
        if over:
            goes_on = "mace search without --join computes the outer score"
        headline.append(f"nobody is at work here; {goes_on}")
    rate = _rate(chain(*trials.values()))
    if rate and any(running.values()):
        headline.append(f"{60 * rate:.3g} a minute")
        headline.append(f"{_clock((settings - len(outcomes)) / rate)} left")
    if study.looks:
        headline.append(f"outer UF1 {study.looks[-1]['uf1']:.3f}")
    if clear:
        Console().clear()
    print("; ".join(headline))
    _print_groups(outcomes, running, proposals)
    _print_processes(chain(*running.values()))
    return at_work or not study.looks


def _print_groups(
    outcomes: Sequence[Outcome], running: Mapping[str, Sequence[FrozenTrial]], proposals: int
) -> None:
    rows = []
    for group, trials in running.items():
        own = [outcome for outcome in outcomes if outcome.group == group]
        counts, score, setting = Counter(outcome.status for outcome in own), "-", "-"
        for best in ranked(own)[:1]:
            score, setting = f"{best.uf1:.3f}", text_of(best.setting)
        done, ended = f"{len(own)}/{proposals}", (str(counts["pruned"]), str(counts["diverged"]))
        rows.append((group, done, str(len(trials)), *ended, score, setting))
    heading = ("group", "done", "running", "pruned", "diverged", "best UF1", "best setting")
    print_text_table(heading, rows)


def _print_processes(trials: Iterable[FrozenTrial]) -> None:
    starts: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        assert trial.datetime_start is not None
        starts[owner_of(trial)[0]].append(trial.datetime_start.timestamp())
    if starts:
        rows = [
            (place, str(len(times)), _clock(time.time() - min(times)))
            for place, times in sorted(starts.items())
        ]
        print_text_table(("process", "running", "longest"), rows)


def _clock(seconds: float) -> str:
    """Return seconds as `3:20:00`, like the bar of a search."""
    return str(timedelta(seconds=round(seconds)))


def _rate(trials: Iterable[FrozenTrial]) -> float | None:
    """Return results a second; None where nothing is known of it."""
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    times = sorted(end.timestamp() for end in ends)[-RECENT:]
    if len(times) < 3 or times[-1] <= times[0]:
        return None
    # Silence since the last result counts: a search that hangs must not look quick.
    spent = max(times[-1], time.time() - (times[-1] - times[0]) / (len(times) - 1)) - times[0]
    return (len(times) - 1) / spent
