"""The published numbers of the field, with what is known to be wrong with them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

from mace.config import from_dict
from mace.protocols.benchmarks import BENCHMARKS, BenchmarkName

Verified = Literal["source", "second-hand", "code"]

ALL = "full"
"""Name of the part that holds every sample of a benchmark."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Scores as printed; None where the source has none.

    Attributes:
        uf1: unweighted F1.
        uar: unweighted average recall.
        accuracy: share of clips named rightly.
        true_uar: UAR computed from the authors' own predictions, where what they print is something
            else.
    """

    uf1: float | None = None
    uar: float | None = None
    accuracy: float | None = None
    true_uar: float | None = None


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What is known of one method's result in the literature, whatever its scores.

    Attributes:
        method: its name.
        source: where the scores are printed.
        verified: `source` where they were read in the paper, log or code itself, `second-hand`
            where they are quoted from another paper, `code` where only that was read which makes
            them, and there are none here.
        n: number of samples; None where the source does not say, or they are no clips.
        best_test_epoch: whether an epoch was chosen by the test score, anew for each subject left
            out or one for all of them; None where nobody has looked.
        settings_on_test: whether settings were chosen by this very score; likewise.
        note: what else a reader must know; may be empty.
    """

    method: str
    source: str
    verified: Verified
    n: int | None = None
    best_test_epoch: bool | None = None
    settings_on_test: bool | None = None
    note: str = ""

    @property
    def seen(self) -> str:
        """Where it was seen, and what else is known of it."""
        return f"{self.source}; {self.note}" if self.note else self.source

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know before setting this beside another score."""
        chosen = {True: "best test epoch", False: "no best epoch", None: ""}[self.best_test_epoch]
        tuned = "settings tuned on it" if self.settings_on_test else ""
        last = {"second-hand": "quoted", "code": "no figures", "source": ""}[self.verified]
        return tuple(filter(None, (chosen, tuned, *self._of_scores(), last)))

    def _of_scores(self) -> Sequence[str]:
        return ()


@dataclass(frozen=True, kw_only=True)
class Published(Printed):
    """One method's result under a benchmark.

    Attributes:
        benchmark: the protocol.
        parts: its figures on all samples (`full`) and on single databases, by name.
        uar_is_macro_precision: whether the printed UAR is the mean precision; None where nobody has
            looked.
    """

    benchmark: BenchmarkName
    parts: Mapping[str, Figures] = field(default_factory=dict)
    uar_is_macro_precision: bool | None = None

    def _of_scores(self) -> Sequence[str]:
        texts = ["UAR is macro-precision"] if self.uar_is_macro_precision else []
        expected = BENCHMARKS[self.benchmark].samples
        if self.verified != "code" and self.n != expected:
            texts.append("n unknown" if self.n is None else f"n is not {expected}")
        return texts


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Printed):
    """One method's result in spotting, on several labels of a clip, or on clips of no benchmark.

    Attributes:
        protocol: the data, in words.
        benchmark: the one here that scores the same, if any does.
        figures: scores as printed, by name; `f1` of spotting is that of micro-expressions at an
            IoU of 0.5, `strs` the spot-then-recognise score; `f1_units` and `f1_databases` are the
            two means of CD6ME.
    """

    protocol: str
    benchmark: BenchmarkName | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


def published_elsewhere(benchmark: BenchmarkName | None = None) -> Sequence[Elsewhere]:
    """Return the results of other kinds, of one benchmark or all, in the order of the data file."""
    results = _read(Elsewhere, "elsewhere")
    return [result for result in results if benchmark in (None, result.benchmark)]


def published_results(benchmark: BenchmarkName | None = None) -> Sequence[Published]:
    """Return the results of one benchmark, or all, in the order of the data file."""
    results = _read(Published, "result")
    return [result for result in results if benchmark in (None, result.benchmark)]


def _read[T](kind: type[T], table: str) -> list[T]:
    text = files(__package__).joinpath("published.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)[table]
    return [from_dict(kind, entry, where=f"{entry['method']}.") for entry in entries]
