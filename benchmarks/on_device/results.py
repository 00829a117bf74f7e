"""Measurements as lines of JSON: written as each is made, and not made again by a later start."""

import json
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class OutOfTime(Exception):
    """The part has used up its time box; what is left waits for another start."""


class Results:
    """The measurements of one part in the file of all parts.

    Args:
        path: the file; made if it is not there.
        part: the part's name.
        deadline: `time.monotonic()` after which no measurement is begun.
    """

    def __init__(self, path: Path, part: str, *, deadline: float) -> None:
        self.path, self.part, self.deadline = path, part, deadline
        self.failed = False

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> Mapping[str, Any] | None:
        """Return what was measured under this name; None if nothing was, or it failed."""
        return {line["name"]: line for line in read(self.path, self.part)}.get(name)

    def measure(
        self, name: str, function: Callable[[], Mapping[str, Any]]
    ) -> Mapping[str, Any] | None:
        """Measure what has not been measured, and write it at once.

        A failure is written too and ends nothing else: device time is short, and one program that
        takes too much memory must not cost the others theirs. Another start tries it again.

        Raises:
            OutOfTime: if the part's time is over.
        """
        earlier = self.get(name)
        if earlier is not None:
            return earlier
        if time.monotonic() > self.deadline:
            raise OutOfTime
        start = time.perf_counter()
        try:
            values: Mapping[str, Any] | None = function()
            line = dict(values or {})
        except OutOfTime:
            raise
        except Exception as error:
            traceback.print_exc()
            self.failed = True
            values, line = None, {"error": f"{type(error).__name__}: {error}"[:500]}
        self.write(name, line | {"took_s": round(time.perf_counter() - start, 3)})
        return values

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Append a line, and show it."""
        line = {"part": self.part, "name": name} | dict(values)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A process that was killed may have left half a line.
        cut = self.path.exists() and self.path.read_bytes()[-1:] not in (b"", b"\n")
        with self.path.open("a") as file:
            file.write(("\n" if cut else "") + json.dumps(line) + "\n")
        shown = ", ".join(f"{key} {_short(value)}" for key, value in values.items())
        print(f"{self.part}/{name}: {shown}", flush=True)


def read(path: Path, part: str | None = None) -> list[dict[str, Any]]:
    """Return the lines of a file, of one part or of all, without those of failures.

    A last line that was cut off is left out: the process that wrote it was stopped.
    """
    if not path.exists():
        return []
    lines = []
    for text in path.read_text().splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if "error" not in line and part in (None, line["part"]):
            lines.append(line)
    return lines


def timed(run: Callable[[], Any], *, repeats: int, least_s: float = 0.05) -> dict[str, float]:
    """Return least and median seconds of a call that waits for its result.

    Args:
        run: the call.
        repeats: measurements; the call is made once before, to warm up.
        least_s: seconds a measurement should last: short calls are made several times in each.
    """
    run()
    start = time.perf_counter()
    run()
    calls = max(int(least_s / max(time.perf_counter() - start, 1e-6)), 1)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        seconds.append((time.perf_counter() - start) / calls)
    return {"least_s": min(seconds), "median_s": sorted(seconds)[len(seconds) // 2]}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
