"""Progress for people: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

# Elsewhere than on a terminal (a log file, a CI page) one line this often is enough.
PLAIN_INTERVAL_S = 10.0


class Advance(Protocol):
    """Tells the running progress display that `steps` more units are done."""

    def __call__(self, steps: int = 1, /, *, note: str = "") -> None:
        """Add `steps` to what is done; `note` is shown at the end of the line."""
        ...


@contextmanager
def progress(description: str, total: int, *, done: int = 0) -> Iterator[Advance]:
    """Show progress over `total` units on standard error; yields the function that advances it.

    `done` units were finished before, and say nothing about the time left; nor do the first ones,
    which have the start in them: libraries loaded, programs compiled.

    Args:
        description: what is being done.
        total: units in all; 0 where nobody knows. One that is passed was an estimate: a
            bar grows with what is done, lines show it no longer.
        done: units finished before.
    """
    if sys.stderr.isatty():
        yield from _rich_progress(description, total, done)
    else:
        yield from _plain_progress(description, total, done)


@contextmanager
def silence() -> Iterator[Advance]:
    """Yield what `progress` does, and show nothing."""

    def advance(steps: int = 1, /, *, note: str = "") -> None:
        pass

    yield advance


def track[T](items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield `items` while showing how many of `total` are done."""
    with progress(description, total) as advance:
        for item in items:
            yield item
            advance()


def _rich_progress(description: str, total: int, done: int) -> Iterator[Advance]:
    # Imported here because rich costs a tenth of a second that `mace --help` must not pay.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as display:
        task = display.add_task(description, total=total or None, completed=done, note="")

        def advance(steps: int = 1, /, *, note: str = "") -> None:
            nonlocal done
            done += steps
            grown = max(total, done) if total else None
            display.update(task, total=grown, advance=steps, note=note)

        yield advance


def _plain_progress(description: str, total: int, done: int) -> Iterator[Advance]:
    last = time.monotonic()
    first: tuple[float, int] | None = None  # when the first units were done, and how many

    def advance(steps: int = 1, /, *, note: str = "") -> None:
        nonlocal done, total, last, first
        done += steps
        if done > total:
            total = 0
        now = time.monotonic()
        if first is None:
            first = now, done
        if (done < total or not total) and now - last < PLAIN_INTERVAL_S:
            return
        last = now
        line = f"{description}: {done}"
        if total:
            line += f"/{total}"
        if total and (done > first[1] or done == total):
            left = (now - first[0]) / max(done - first[1], 1) * (total - done)
            line += f", {left:.0f} s left"
        print(f"{line}  {note}" if note else line, file=sys.stderr, flush=True)

    yield advance
