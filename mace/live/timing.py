"""How long the stages of the loop take: percentiles of millions of frames in a few kilobytes."""

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

# The shortest duration told apart, s; a bin is 2 % wide.
_SHORTEST, _STEP = 1e-6, math.log(1.02)


class Durations:
    """A histogram of durations in s, exact to 1 %."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self._total = self._longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._bins[int(math.log(max(seconds, _SHORTEST) / _SHORTEST) / _STEP)] += 1
        self._total += seconds
        self._longest = max(self._longest, seconds)

    @property
    def count(self) -> int:
        """How many were counted."""
        return self._bins.total()

    def percentile(self, percent: float) -> float:
        """Return the duration that `percent` of all do not exceed; NaN of none."""
        left = max(math.ceil(self.count * percent / 100), 1)
        for place, count in sorted(self._bins.items()):
            left -= count
            if left <= 0:
                return min(_SHORTEST * math.exp((place + 0.5) * _STEP), self._longest)
        return math.nan

    def summary(self) -> dict[str, float]:
        """Return mean, percentiles and the longest, in ms, and how many there are."""
        if not self.count:
            return {"count": 0}
        times = {f"p{percent}": self.percentile(percent) for percent in (50, 95, 99)}
        times |= {"mean": self._total / self.count, "max": self._longest}
        return {"count": self.count} | {name: round(1e3 * s, 3) for name, s in times.items()}


class Timings:
    """Durations by the name of the stage; threads may share it."""

    def __init__(self) -> None:
        self._stages: defaultdict[str, Durations] = defaultdict(Durations)
        self._lock = threading.Lock()

    def add(self, stage: str, seconds: float) -> None:
        """Count one duration of a stage, in s."""
        with self._lock:
            self._stages[stage].add(seconds)

    def clear(self) -> None:
        """Forget what was counted so far."""
        with self._lock:
            self._stages.clear()

    def summary(self) -> dict[str, dict[str, float]]:
        """Return `Durations.summary` of every stage."""
        with self._lock:
            return {stage: durations.summary() for stage, durations in self._stages.items()}


def timing_table(summary: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table for people: a line a stage, in ms."""
    columns = ("p50", "p95", "p99", "max", "mean")
    lines = [_row("ms", columns)]
    for stage, times in summary.items():
        if times["count"]:
            lines.append(_row(stage, (f"{times[column]:.2f}" for column in columns)))
    return "\n".join(lines)


def _row(name: str, cells: Iterable[str]) -> str:
    return f"{name:<12}" + "".join(f"{cell:>9}" for cell in cells)
