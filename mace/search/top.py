"""A search at work: counts, the best so far, rate, time left, who is at work."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from optuna.trial import FrozenTrial, TrialState
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mace.search.folder import is_locked, read_study
from mace.search.outcome import Outcome, ranked
from mace.search.setting import text_of
from mace.search.study import owner_of

# The rate is that of the last results, since pruning and caches change it on the way.
RECENT = 30
PLAIN_WIDTH = 132


@dataclass(frozen=True, eq=False, kw_only=True)
class Top:
    """What there is to show of a search.

    Attributes:
        name: of the study.
        groups: their names.
        proposals: settings that each group is to have.
        outcomes: those that are in.
        running: trials under way, by group.
        locked: whether a search holds the folder.
        rate: results a minute; None where nothing is known of it.
        score: the last outer UF1.
    """

    name: str
    groups: tuple[str, ...]
    proposals: int
    outcomes: Sequence[Outcome]
    running: Mapping[str, Sequence[FrozenTrial]]
    locked: bool
    rate: float | None
    score: float | None

    @property
    def settings(self) -> int:
        """How many proposals all groups together will have."""
        return self.proposals * len(self.groups)

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
        name=study.name,
        groups=tuple(study.studies),
        proposals=study.facts["proposals"],
        outcomes=study.outcomes(),
        running=running,
        locked=locked,
        rate=_rate([when.timestamp() for when in times if when]) if any(running.values()) else None,
        score=study.looks[-1]["uf1"] if study.looks else None,
    )


def print_top(folder: Path, *, storage: str = "", file: TextIO | None = None) -> None:
    """Print the state of a search once; plain text where `file` (standard output) is no terminal.

    Raises:
        DataError: if the folder holds no search.
        ConfigError: if the storage is out of reach.
    """
    stream = file or sys.stdout
    top = read_top(folder, storage=storage)
    _console(stream).print(draw_top(top, plain=not stream.isatty()))


def watch(folder: Path, *, every: float, storage: str = "") -> None:
    """Show the state of a search until Ctrl-C, or until the search is over.

    Raises:
        DataError: if the folder holds no search.
        ConfigError: if the storage is out of reach.
    """
    top = read_top(folder, storage=storage)
    if not sys.stdout.isatty():
        print_top(folder, storage=storage)
        return
    with (
        suppress(KeyboardInterrupt),
        Live(draw_top(top), console=_console(sys.stdout), auto_refresh=False) as live,
    ):
        while top.at_work or top.score is None:
            time.sleep(every)
            top = read_top(folder, storage=storage)
            live.update(draw_top(top), refresh=True)


def draw_top(top: Top, *, plain: bool = False) -> Group:
    """Return the state of a search as rich draws it."""
    style = box.ASCII2 if plain else box.SIMPLE_HEAD
    groups = Table(box=style)
    for heading in ("group", "done", "running", "pruned", "diverged", "best UF1"):
        groups.add_column(heading, justify="left" if heading == "group" else "right")
    groups.add_column("best setting", overflow="fold")
    for group in top.groups:
        outcomes = [outcome for outcome in top.outcomes if outcome.group == group]
        counts = Counter(outcome.status for outcome in outcomes)
        best = ranked(outcomes)
        groups.add_row(
            group,
            f"{len(outcomes)}/{top.proposals}",
            str(len(top.running[group])),
            str(counts["pruned"]),
            str(counts["diverged"]),
            f"{best[0].uf1:.3f}" if best else "-",
            Text(text_of(best[0].setting) if best else "-"),
        )
    parts: list[Any] = [Text(_headline(top)), groups]
    if any(top.running.values()):
        parts.append(_processes(top, style))
    return Group(*parts)


def _headline(top: Top) -> str:
    parts = [f"{top.name}: {len(top.outcomes)} of {top.settings} settings"]
    if top.locked and len(top.outcomes) >= top.settings:
        parts.append("outer score")
    elif not top.at_work and top.score is None:
        parts.append("nobody is at work here; the same mace search goes on")
    if top.rate is not None:
        parts.append(f"{top.rate:.3g} a minute")
        parts.append(f"{duration(60 * (top.settings - len(top.outcomes)) / top.rate)} left")
    if top.score is not None:
        parts.append(f"outer UF1 {top.score:.3f}")
    return "; ".join(parts)


def _processes(top: Top, style: box.Box) -> Table:
    table = Table(box=style)
    for heading in ("process", "running", "longest"):
        table.add_column(heading, justify="left" if heading == "process" else "right")
    starts: dict[str, list[float]] = defaultdict(list)
    for of_group in top.running.values():
        for trial in of_group:
            assert trial.datetime_start is not None
            starts[owner_of(trial)[0]].append(trial.datetime_start.timestamp())
    for place, times in sorted(starts.items()):
        table.add_row(place, str(len(times)), duration(time.time() - min(times)))
    return table


def duration(seconds: float) -> str:
    """Return seconds as people say them: `48 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _rate(times: Sequence[float]) -> float | None:
    times = sorted(times)[-RECENT:]
    if len(times) < 3 or times[-1] <= times[0]:
        return None
    # Silence since the last result counts: a search that hangs must not look quick.
    spent = max(times[-1], time.time() - (times[-1] - times[0]) / (len(times) - 1)) - times[0]
    return 60 * (len(times) - 1) / spent


def _console(stream: TextIO) -> Console:
    return Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)
