"""What is audited, whoever made it: samples, folds, predictions and claims."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np
from jaxtyping import Int

from mace.metrics import confusion_matrix, uf1
from mace.protocols.names import clip_key

EXAMPLES = 3
"""How many places a finding names; the rest is counted."""


class NotRecorded(Exception):
    """A check has nothing to look at; the message says what is not recorded."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One sample: a clip, one frame or frame pair of it, or a changed copy.

    Attributes:
        database: of the subject.
        subject: who it shows.
        clip: which it is, or is of.
        frame: which frame or pair of the clip; empty for a whole clip.
        source: the clip that a copy was made from; empty for an original.
        truth: its class; empty where it is not known.
        digest: names the content of the picture exactly; empty where it is not known.
        hash: the picture's perceptual hash; empty where it is not known.
    """

    database: str
    subject: str
    clip: str
    frame: str = ""
    source: str = ""
    truth: str = ""
    digest: str = ""
    hash: str = ""

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "Item":
        """Return the item that a row of a table describes; KeyError if it does not name it."""
        optional = ("frame", "source", "truth", "digest", "hash")
        return cls(
            database=row["database"],
            subject=row["subject"],
            clip=row["clip"],
            **{name: row.get(name, "") for name in optional},
        )

    @property
    def person(self) -> str:
        """`database/subject`."""
        return f"{self.database}/{self.subject}"

    @property
    def clip_name(self) -> str:
        """`database/subject/clip`."""
        return f"{self.person}/{self.clip}"

    @property
    def name(self) -> str:
        """`database/subject/clip`, with the frame after a `#` if there is one."""
        return f"{self.clip_name}#{self.frame}" if self.frame else self.clip_name

    @cached_property
    def clip_key(self) -> str:
        """The key of the clip, the same for every spelling of it."""
        return clip_key(self.database, self.subject, self.clip)

    @cached_property
    def sample_key(self) -> str:
        """The key of the sample: the same in rows that differ in spelling or in the truth only."""
        return "#".join([self.clip_key, self.frame, self.source, self.digest, self.hash])

    @cached_property
    def source_key(self) -> str:
        """The key of the clip that the picture shows, whether it is a copy or not."""
        if not self.source:
            return self.clip_key
        parts = self.source.split("/", 2)
        if len(parts) != 3:
            parts = [self.database, self.subject, self.source]
        return clip_key(*parts)


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """One fold of one seed: positions of items, and what is known of how it was trained.

    Attributes:
        fold: its name.
        train: items on the training side.
        test: items on the test side.
        seed: of the training.
        chosen_on: items that an epoch or a setting was chosen on; None if that is not recorded.
        normalised: items whose statistics the inputs were normalised with; likewise.
        epoch: the chosen one, from 1; None if that is not recorded.
        curves: scores and losses by epoch, by name.
        predictions: position of an item and class, in the order they were given; None without any.
    """

    fold: str
    train: Int[np.ndarray, " a"]
    test: Int[np.ndarray, " b"]
    seed: str = "0"
    chosen_on: Int[np.ndarray, " v"] | None = None
    normalised: Int[np.ndarray, " m"] | None = None
    epoch: int | None = None
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    predictions: tuple[tuple[int, str], ...] | None = None

    @property
    def where(self) -> str:
        """How a finding names the fold."""
        return f"fold {self.fold}" + (f", seed {self.seed}" if self.seed != "0" else "")


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """Everything that is known of an experiment.

    Attributes:
        what: to show.
        items: all samples.
        parts: every fold of every seed.
        claims: the scores it reports, by `uf1`, `uar`, `accuracy`.
        benchmark: the protocol that the result is called after.
        other_databases: whether its protocol trains on other databases than it tests on.
        contradictions: places where its files disagree, in words.
    """

    what: str
    items: tuple[Item, ...]
    parts: tuple[Part, ...]
    claims: Mapping[str, float] = field(default_factory=dict)
    benchmark: str | None = None
    other_databases: bool = False
    contradictions: tuple[str, ...] = ()

    @cached_property
    def splits(self) -> tuple[Part, ...]:
        """The parts whose training or test side differs; seeds usually share theirs."""
        splits: dict[tuple[str, bytes, bytes], Part] = {}
        for part in self.parts:
            splits.setdefault((part.fold, part.train.tobytes(), part.test.tobytes()), part)
        return tuple(splits.values())

    @cached_property
    def tested(self) -> frozenset[int]:
        """Positions of all items that some fold tests."""
        return frozenset(i for part in self.splits for i in part.test.tolist())

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Every class of a truth or a prediction."""
        predicted = {label for part in self.parts for _, label in part.predictions or ()}
        return tuple(sorted({item.truth for item in self.items if item.truth} | predicted))

    @cached_property
    def predictions(self) -> Mapping[str, Mapping[int, str]]:
        """The prediction for each item, for each seed; the last where there are several."""
        result: dict[str, dict[int, str]] = {}
        for part in self.parts:
            if part.predictions is not None:
                result.setdefault(part.seed, {}).update(part.predictions)
        return result

    def count(self, index: Iterable[int]) -> int:
        """Return how many samples some items are; one that is given two truths is one."""
        return len({self.items[i].sample_key for i in index})

    def confusion(
        self, predictions: Mapping[int, str], *, only: Iterable[int] | None = None
    ) -> Int[np.ndarray, "k k"]:
        """Return the confusion of a seed's predictions, for some items if `only` is given."""
        scored = set(predictions) if only is None else set(only) & set(predictions)
        pairs = [
            (self.items[i].truth, predictions[i]) for i in sorted(scored) if self.items[i].truth
        ]
        code = {name: i for i, name in enumerate(self.classes)}
        truth = np.array([code[true] for true, _ in pairs], np.int64)
        predicted = np.array([code[label] for _, label in pairs], np.int64)
        return confusion_matrix(truth, predicted, len(self.classes))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: its short name.
        what: one sentence.
        where: some of the places, by name.
        count: number of places.
        worth: what it can be worth in the score, measured where the predictions allow it.
    """

    code: str
    what: str
    where: tuple[str, ...]
    count: int
    worth: str


def finding(code: str, what: str, where: Iterable[str], worth: str) -> list[Finding]:
    """Return a finding about some places, or none if there is no place."""
    places = list(dict.fromkeys(where))
    if not places:
        return []
    shown = tuple(places[:EXAMPLES])
    return [Finding(code=code, what=what, where=shown, count=len(places), worth=worth)]


def share(case: Case, affected: Iterable[int]) -> str:
    """Say how many test samples are touched, and the score with and without them."""
    touched = set(affected) & case.tested
    text = f"touches {case.count(touched)} of {case.count(case.tested)} test samples"
    rest = case.tested - touched
    if not case.predictions or not touched:
        return text
    if not rest:
        return f"{text}: no clean one is left to score"
    whole = [
        case.confusion(predictions, only=case.tested) for predictions in case.predictions.values()
    ]
    clean = [case.confusion(predictions, only=rest) for predictions in case.predictions.values()]
    if any(not matrix.sum() for matrix in (*whole, *clean)):
        return text
    before, after = (
        float(np.mean([uf1(matrix) for matrix in counts])) for counts in (whole, clean)
    )
    return f"{text}; UF1 is {before:.3f} with and {after:.3f} without them"


@overload
def positions(index: Sequence[int]) -> Int[np.ndarray, " m"]: ...
@overload
def positions(index: None) -> None: ...
def positions(index: Sequence[int] | None) -> Int[np.ndarray, " m"] | None:
    """Return positions of items as an array; None where they are not known."""
    return None if index is None else np.array(index, np.int64)
