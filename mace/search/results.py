"""The results of a study, one line each: append-only, resumable, mergeable by concatenation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mace.config import from_dict, to_dict
from mace.errors import ConfigError
from mace.files import append_line

Status = Literal["complete", "pruned", "diverged"]

FILE = "results.jsonl"


@dataclass(frozen=True, kw_only=True)
class InnerCurve:
    """One inner fold of a setting: training loss by epoch, and UF1 after some epochs."""

    loss: tuple[float, ...]
    uf1: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What evaluating a setting came to.

    Attributes:
        key: names it; see `naming.result_key`.
        group: whose subjects had no part in it.
        number: of the proposal, from 0.
        setting: values by path.
        status: `pruned` ended early, behind the others; `diverged` lost its loss.
        uf1: from the pooled counts of all inner folds, after `epochs` epochs; None if it diverged.
        epochs: how many were trained.
        rungs: pooled UF1 by number of epochs.
        confusion: of the pooled predictions, rows truth; empty if it diverged.
        folds: curves of each inner fold.
        latency_ms: of the network for one picture; None where it was not asked for.
        seconds: that the evaluation took.
        finished: when, in seconds since 1970.
        reason: why it diverged.
        place: the machine and process.
    """

    key: str
    group: str
    number: int
    setting: Mapping[str, Any]
    status: Status
    uf1: float | None
    epochs: int
    rungs: tuple[tuple[int, float], ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    folds: tuple[InnerCurve, ...] = ()
    latency_ms: float | None = None
    seconds: float = 0.0
    finished: float = 0.0
    reason: str = ""
    place: str = ""


class Results:
    """The file of results below a study's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / FILE

    def append(self, outcome: Outcome) -> None:
        """Add a line with one write, so that several processes may share the file.

        Raises:
            OutputError: if it cannot be written, or not whole.
        """
        append_line(self.path, outcome_text(outcome))

    def load(self) -> dict[str, Outcome]:
        """Return the outcomes by key; of several with one key the first counts."""
        found: dict[str, Outcome] = {}
        if not self.path.exists():
            return found
        for line in self.path.read_bytes().splitlines():
            outcome = read_outcome(line)
            if outcome is not None:
                found.setdefault(outcome.key, outcome)
        return found


def outcome_text(outcome: Outcome) -> str:
    """Return an outcome as one line of JSON."""
    return json.dumps(to_dict(outcome), separators=(",", ":"))


def read_outcome(text: str | bytes) -> Outcome | None:
    """Return what `outcome_text` was given; None for a line torn by a crash."""
    try:
        return from_dict(Outcome, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, ConfigError):
        return None


def ranked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the complete outcomes, best UF1 first, earlier proposals first among equals."""
    complete = [one for one in outcomes if one.status == "complete" and one.uf1 is not None]
    return sorted(complete, key=lambda one: (-(one.uf1 or 0.0), one.number))
