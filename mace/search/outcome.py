"""A setting to evaluate, and what evaluating it came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mace.search.space import Setting

Status = Literal["complete", "pruned", "diverged"]


@dataclass(frozen=True, kw_only=True)
class InnerCurve:
    """One inner fold of a setting: training loss by epoch, and UF1 after some epochs."""

    loss: tuple[float, ...]
    uf1: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What evaluating a setting came to.

    Attributes:
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
        reason: why it diverged.
        place: the machine and process.
    """

    group: str
    number: int
    setting: Setting
    status: Status
    uf1: float | None
    epochs: int
    rungs: tuple[tuple[int, float], ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    folds: tuple[InnerCurve, ...] = ()
    latency_ms: float | None = None
    seconds: float = 0.0
    reason: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A setting to evaluate: the proposal `number` for a group, in the trial of that number."""

    group: str
    number: int
    trial: int
    setting: Setting


def ranked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the complete outcomes, best UF1 first, earlier proposals first among equals."""
    complete = [o for o in outcomes if o.status == "complete" and o.uf1 is not None]
    return sorted(complete, key=lambda o: (-(o.uf1 or 0.0), o.number))
