"""What is audited, whoever made it: samples, folds, answers and claims."""

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

    `source` is the clip a copy was made from, empty for an original; `digest` names the content of
    the picture exactly, `hash` is its perceptual hash, each empty where it is not known.
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
    def origin_key(self) -> str:
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

    `chosen_on` are the items that an epoch or setting was chosen on, None if that is not recorded;
    so is `normalised`, whose statistics the inputs were normalised with. `answers` are the given
    classes by item position, in the order they were given; None without answers.
    """

    fold: str
    train: Int[np.ndarray, " a"]
    test: Int[np.ndarray, " b"]
    seed: str = "0"
    chosen_on: Int[np.ndarray, " v"] | None = None
    normalised: Int[np.ndarray, " m"] | None = None
    epoch: int | None = None
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    answers: tuple[tuple[int, str], ...] | None = None

    @property
    def where(self) -> str:
        """How a finding names the fold."""
        return f"fold {self.fold}" + (f", seed {self.seed}" if self.seed != "0" else "")


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """Everything that is known of an experiment.

    `claims` are the scores it reports, by `uf1`, `uar`, `accuracy`; `other_databases` says that its
    protocol trains on other databases than it tests on; `contradictions` are places where its files
    disagree, in words.
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
        found: dict[tuple[str, bytes, bytes], Part] = {}
        for part in self.parts:
            found.setdefault((part.fold, part.train.tobytes(), part.test.tobytes()), part)
        return tuple(found.values())

    @cached_property
    def tested(self) -> frozenset[int]:
        """Positions of all items that some fold tests."""
        return frozenset(i for part in self.splits for i in part.test.tolist())

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Every class of a truth or an answer."""
        given = {one for part in self.parts for _, one in part.answers or ()}
        return tuple(sorted({item.truth for item in self.items if item.truth} | given))

    @cached_property
    def answers(self) -> Mapping[str, Mapping[int, str]]:
        """The answer for each item, for each seed; the last where there are several."""
        result: dict[str, dict[int, str]] = {}
        for part in self.parts:
            if part.answers is not None:
                result.setdefault(part.seed, {}).update(part.answers)
        return result

    def count(self, index: Iterable[int]) -> int:
        """Return how many samples some items are; one that is given two truths is one."""
        return len({self.items[i].sample_key for i in index})

    def confusion(
        self, answers: Mapping[int, str], *, only: Iterable[int] | None = None
    ) -> Int[np.ndarray, "k k"]:
        """Return the confusion of a seed's answers, for some items if `only` is given."""
        kept = set(answers) if only is None else set(only) & set(answers)
        pairs = [(self.items[i].truth, answers[i]) for i in sorted(kept) if self.items[i].truth]
        code = {name: i for i, name in enumerate(self.classes)}
        truth = np.array([code[true] for true, _ in pairs], np.int64)
        found = np.array([code[answer] for _, answer in pairs], np.int64)
        return confusion_matrix(truth, found, len(self.classes))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: its short name.
        what: one sentence.
        where: some of the places, by name.
        count: number of places.
        worth: what it can be worth in the score, measured where the answers allow it.
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
    if not case.answers or not touched:
        return text
    if not rest:
        return f"{text}: no clean one is left to score"
    whole = [case.confusion(one, only=case.tested) for one in case.answers.values()]
    clean = [case.confusion(one, only=rest) for one in case.answers.values()]
    if any(not one.sum() for one in (*whole, *clean)):
        return text
    before, after = (float(np.mean([uf1(one) for one in counts])) for counts in (whole, clean))
    return f"{text}; UF1 is {before:.3f} with and {after:.3f} without them"


@overload
def positions(index: Sequence[int]) -> Int[np.ndarray, " m"]: ...
@overload
def positions(index: None) -> None: ...
def positions(index: Sequence[int] | None) -> Int[np.ndarray, " m"] | None:
    """Return positions of items as an array; None where they are not known."""
    return None if index is None else np.array(index, np.int64)
