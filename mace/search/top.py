"""A search at work: counts, the best so far, rate, time left, workers."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mace.search.checking import text_of
from mace.search.folder import StudyFolder
from mace.search.results import Outcome, Results, ranked
from mace.search.searcher import read_statuses

# The rate is that of the last results, since pruning and caches change it on the way.
RECENT = 30
PLAIN_WIDTH = 132


@dataclass(frozen=True, eq=False, kw_only=True)
class Top:
    """What there is to show of a search.

    `settings` is how many different ones are expected, `outcomes` those that are in; `searchers`
    are the processes at work here, as they describe themselves; `rate` is results a minute and
    `seconds_left` the time at that rate, None where nothing is known of it.
    """

    name: str
    groups: tuple[str, ...]
    proposals: int
    outcomes: Sequence[Outcome]
    searchers: Sequence[dict[str, Any]]
    rate: float | None
    seconds_left: float | None
    score: float | None

    @property
    def settings(self) -> int:
        """How many proposals all groups together will have."""
        return self.proposals * len(self.groups)

    @property
    def running(self) -> list[dict[str, Any]]:
        """What is being trained now."""
        return [one for searcher in self.searchers for one in searcher["running"]]


def read_top(folder: Path) -> Top:
    """Read what a study's folder says about its search.

    Raises:
        DataError: if it holds none.
    """
    study_folder = StudyFolder(folder)
    study = study_folder.read()
    groups = tuple(study["groups"])
    # A folder may hold results of other code or data, merged into it.
    outcomes = [one for one in Results(folder).load().values() if one.group in groups]
    searchers = read_statuses(folder)
    rate = _rate(outcomes) if searchers else None
    left = study["proposals"] * len(groups) - len(outcomes)
    chosen = study_folder.read_chosen()
    return Top(
        name=study["name"],
        groups=groups,
        proposals=study["proposals"],
        outcomes=outcomes,
        searchers=searchers,
        rate=rate,
        seconds_left=60 * max(left, 0) / rate if rate else None,
        score=chosen["looks"][-1]["uf1"] if chosen else None,
    )


def print_top(folder: Path, *, file: TextIO | None = None) -> None:
    """Print the state of a search once; plain text where `file` (standard output) is no terminal.

    Raises:
        DataError: if the folder holds no search.
    """
    stream = file or sys.stdout
    _console(stream).print(draw_top(read_top(folder), plain=not stream.isatty()))


def watch(folder: Path, *, every: float) -> None:
    """Show the state of a search until Ctrl-C, or until the search is over.

    Raises:
        DataError: if the folder holds no search.
    """
    top = read_top(folder)
    if not sys.stdout.isatty():
        print_top(folder)
        return
    with (
        suppress(KeyboardInterrupt),
        Live(draw_top(top), console=_console(sys.stdout), auto_refresh=False) as live,
    ):
        while top.searchers or top.score is None:
            time.sleep(every)
            top = read_top(folder)
            live.update(draw_top(top), refresh=True)


def draw_top(top: Top, *, plain: bool = False) -> Group:
    """Return the state of a search as rich draws it."""
    style = box.ASCII2 if plain else box.SIMPLE_HEAD
    groups = Table(box=style)
    for heading in ("group", "done", "running", "pruned", "diverged", "best UF1"):
        groups.add_column(heading, justify="left" if heading == "group" else "right")
    groups.add_column("best setting", overflow="fold")
    for group in top.groups:
        own = [one for one in top.outcomes if one.group == group]
        counts = Counter(one.status for one in own)
        best = ranked(own)
        groups.add_row(
            group,
            f"{len(own)}/{top.proposals}",
            str(sum(one["group"] == group for one in top.running)),
            str(counts["pruned"]),
            str(counts["diverged"]),
            f"{best[0].uf1:.3f}" if best else "-",
            Text(text_of(best[0].setting) if best else "-"),
        )
    parts: list[Any] = [Text(_headline(top)), groups]
    if top.searchers:
        parts.append(_workers(top, style))
    return Group(*parts)


def _headline(top: Top) -> str:
    parts = [f"{top.name}: {len(top.outcomes)} of {top.settings} settings"]
    if top.searchers:
        phases = sorted({one["phase"] for one in top.searchers})
        parts.append(", ".join(phases))
    elif top.score is None:
        parts.append("nobody is at work here; the same mace search goes on")
    if top.rate is not None:
        parts.append(f"{top.rate:.3g} a minute")
    if top.seconds_left is not None:
        parts.append(f"{duration(top.seconds_left)} left")
    if top.score is not None:
        parts.append(f"outer UF1 {top.score:.3f}")
    return "; ".join(parts)


def _workers(top: Top, style: box.Box) -> Table:
    table = Table(box=style)
    for heading in ("process", "slots", "running", "longest"):
        table.add_column(heading, justify="left" if heading == "process" else "right")
    now = time.time()
    for one in top.searchers:
        since = [now - job["since"] for job in one["running"] if job["since"]]
        table.add_row(
            f"{one['host']}:{one['pid']}",
            str(one["slots"] or "-"),
            str(len(one["running"])),
            duration(max(since)) if since else "-",
        )
    return table


def duration(seconds: float) -> str:
    """Return seconds as people say them: `48 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _rate(outcomes: Sequence[Outcome]) -> float | None:
    times = sorted(one.finished for one in outcomes)[-RECENT:]
    if len(times) < 3 or times[-1] <= times[0]:
        return None
    # Silence since the last result counts: a search that hangs must not look quick.
    spent = max(times[-1], time.time() - (times[-1] - times[0]) / (len(times) - 1)) - times[0]
    return 60 * (len(times) - 1) / spent


def _console(stream: TextIO) -> Console:
    return Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)
