"""A search at work: counts, the best so far, rate, time left, who is at work."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mace.search.folder import StoredStudy, is_locked, read_study
from mace.search.setting import text_of
from mace.search.study import Outcome, owner_of, ranked

# The rate is that of the last results, since pruning and caches change it on the way.
RECENT = 30
PLAIN_WIDTH = 132


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
    study = read_study(folder, storage=storage)
    trials = {group: s.get_trials(deepcopy=False) for group, s in study.studies.items()}
    locked = is_locked(folder)
    own = str(Path(folder).resolve())
    running = {
        group: [
            trial
            for trial in of_group
            # What a killed search left behind in this folder runs no more.
            if trial.state == TrialState.RUNNING
            and (locked or not owner_of(trial)[1].endswith(f":{own}"))
        ]
        for group, of_group in trials.items()
    }
    times = [t.datetime_complete for of_group in trials.values() for t in of_group]
    return Top(
        study=study,
        outcomes=study.outcomes(),
        running=running,
        locked=locked,
        rate=_rate([when.timestamp() for when in times if when]) if any(running.values()) else None,
    )


def show_top(folder: Path, *, every: float | None = None, storage: str = "") -> None:
    """Print the state of a search; on a terminal anew `every` so many seconds until it is over.

    Ctrl-C ends the view. Where standard output is no terminal it prints once, as plain text.

    Raises:
        DataError: if the folder holds no search.
        ConfigError: if the storage is out of reach.
    """
    top = read_top(folder, storage=storage)
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PLAIN_WIDTH, highlight=False)
    if every is None or not terminal:
        console.print(draw_top(top, plain=not terminal))
        return
    with (
        suppress(KeyboardInterrupt),
        Live(draw_top(top), console=console, auto_refresh=False) as live,
    ):
        while top.at_work or not top.study.looks:
            time.sleep(every)
            top = read_top(folder, storage=storage)
            live.update(draw_top(top), refresh=True)


def draw_top(top: Top, *, plain: bool = False) -> Group:
    """Return the state of a search as rich draws it."""
    style = box.ASCII2 if plain else box.SIMPLE_HEAD
    groups = _table(style, "group", "done", "running", "pruned", "diverged", "best UF1")
    groups.add_column("best setting", overflow="fold")
    for group, running in top.running.items():
        outcomes = [outcome for outcome in top.outcomes if outcome.group == group]
        counts = Counter(outcome.status for outcome in outcomes)
        best = ranked(outcomes)
        groups.add_row(
            group,
            f"{len(outcomes)}/{top.study.facts['proposals']}",
            str(len(running)),
            str(counts["pruned"]),
            str(counts["diverged"]),
            f"{best[0].uf1:.3f}" if best else "-",
            Text(text_of(best[0].setting) if best else "-"),
        )
    parts: list[Any] = [Text(_headline(top)), groups]
    starts: dict[str, list[float]] = defaultdict(list)
    for of_group in top.running.values():
        for trial in of_group:
            assert trial.datetime_start is not None
            starts[owner_of(trial)[0]].append(trial.datetime_start.timestamp())
    if starts:
        processes = _table(style, "process", "running", "longest")
        for place, times in sorted(starts.items()):
            processes.add_row(place, str(len(times)), _clock(time.time() - min(times)))
        parts.append(processes)
    return Group(*parts)


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


def _table(style: box.Box, first: str, *headings: str) -> Table:
    table = Table(first, box=style)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


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
