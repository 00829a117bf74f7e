"""The Grand Challenge's measures of spotting: intervals matched one to one, F1, STRS.

Source: J. Li, S.-J. Wang, M. H. Yap, J. See, X. Hong, X. Li, "MEGC2020 - the third facial
micro-expression grand challenge", FG 2020 (IoU of at least 0.5, counts summed over all videos);
G.-B. Liong, J. See, C. S. Chan, "Spot-then-recognize: a micro-expression analysis network for
seamless evaluation of long videos", Signal Processing: Image Communication 110, 2023, and X. Fan et
al., "MEGC2025", 2025 (STRS, the product of the F1 of spotting and that of the analysis of what was
spotted rightly).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IOU = 0.5
"""Least overlap of a spotted with a true interval."""
KINDS = ("micro", "macro")
"""What is scored."""


@dataclass(frozen=True)
class Interval:
    """A movement in a video, in frames, both ends included.

    Attributes:
        onset: first frame.
        offset: last frame.
        kind: micro or macro.
        label: its class; None where it has none or none was given.
    """

    onset: int
    offset: int
    kind: str = "micro"
    label: str | None = None


@dataclass(frozen=True)
class Counts:
    """What was spotted, over any number of videos; they add up.

    Attributes:
        hits: spotted intervals that match a true one.
        false_alarms: spotted intervals that match none.
        misses: true intervals that were not spotted.
    """

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
        )

    @property
    def precision(self) -> float:
        """Share of the spotted intervals that are true; 0 if none was spotted."""
        spotted = self.hits + self.false_alarms
        return self.hits / spotted if spotted else 0.0

    @property
    def recall(self) -> float:
        """Share of the true intervals that were spotted; 0 if there is none."""
        true = self.hits + self.misses
        return self.hits / true if true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both: 2·TP / (2·TP + FP + FN); 0 if there is nothing at all."""
        total = 2 * self.hits + self.false_alarms + self.misses
        return 2 * self.hits / total if total else 0.0


def iou(one: Interval, other: Interval) -> float:
    """Return the frames that two intervals share, over those that either has."""
    shared = min(one.offset, other.offset) - max(one.onset, other.onset) + 1
    if shared <= 0:
        return 0.0
    lengths = one.offset - one.onset + 1 + other.offset - other.onset + 1
    return shared / (lengths - shared)


def match(
    spotted: Sequence[Interval], true: Sequence[Interval], *, least: float = IOU
) -> list[tuple[int, int]]:
    """Return the pairs (index into `spotted`, index into `true`) of one video.

    Each interval is in at most one pair, and a pair is of one kind. Of all pairs that overlap
    enough, the one that overlaps most comes first; of equals, the earlier.

    Args:
        spotted: what the spotter says.
        true: what the annotators say.
        least: overlap (IoU) that makes a pair.
    """
    candidates = [
        (-iou(ours, theirs), i, j)
        for i, ours in enumerate(spotted)
        for j, theirs in enumerate(true)
        if ours.kind == theirs.kind and iou(ours, theirs) >= least
    ]
    pairs: list[tuple[int, int]] = []
    for _, i, j in sorted(candidates):
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return sorted(pairs)


def count(
    spotted: Sequence[Interval], true: Sequence[Interval], *, kind: str | None = None
) -> Counts:
    """Return the counts of one video, of one kind or of all."""
    ours = [interval for interval in spotted if kind in (None, interval.kind)]
    theirs = [interval for interval in true if kind in (None, interval.kind)]
    hits = len(match(ours, theirs))
    return Counts(hits, len(ours) - hits, len(theirs) - hits)


@dataclass(frozen=True)
class Analysis:
    """How rightly spotted micro-expressions are named, every class counting the same.

    Attributes:
        pairs: how many there are.
        precision: mean over classes, 0 for one that was never given.
        recall: mean over classes, 0 for one that never occurs.
        uf1: mean over classes of the harmonic mean of both.
    """

    pairs: int = 0
    precision: float = 0.0
    recall: float = 0.0
    uf1: float = 0.0

    @property
    def f1(self) -> float:
        """The Grand Challenge's F1: the harmonic mean of mean precision and mean recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def analyse(pairs: Sequence[tuple[str, str | None]], classes: Iterable[str] = ()) -> Analysis:
    """Return how well the classes given fit the true ones.

    Args:
        pairs: true class and class given of each rightly spotted interval; None was not named.
        classes: those that the means are over, besides those of the pairs: in the Grand Challenge
            all that occur, also where nothing of them was spotted.
    """
    names = sorted({*classes, *(name for pair in pairs for name in pair if name is not None)})
    if not pairs:
        return Analysis()
    # A second, which live must not wait for.
    from sklearn.metrics import precision_recall_fscore_support

    true, given = ([pair[k] or "" for pair in pairs] for k in (0, 1))
    never: Any = 0  # the stubs know no number here
    means = precision_recall_fscore_support(
        true, given, labels=names, average="macro", zero_division=never
    )
    return Analysis(len(pairs), *(float(mean) for mean in means[:3]))


@dataclass(frozen=True)
class Scores:
    """Of some videos together: their counts are summed before anything is divided.

    Attributes:
        spotting: of all kinds.
        by_kind: of micro and macro alone.
        analysis: of the rightly spotted micro-expressions that have a true class.
        minutes: of video.
        kinds: those that are annotated in any of the videos; of others nothing is known.
        named: true micro-expressions that have a class.
    """

    spotting: Counts
    by_kind: Mapping[str, Counts]
    analysis: Analysis
    minutes: float
    kinds: tuple[str, ...] = KINDS
    named: int = 0

    @property
    def strs(self) -> float:
        """Spot-then-recognise score: F1 of spotting micro-expressions, times that of analysis."""
        return self.by_kind["micro"].f1 * self.analysis.f1

    def false_alarms_per_minute(self, kind: str = "micro") -> float:
        """Return how many spotted intervals of a kind match nothing, per minute of video."""
        return self.by_kind[kind].false_alarms / self.minutes if self.minutes else 0.0


@dataclass(frozen=True)
class Video:
    """One video's intervals, micro and macro.

    Attributes:
        name: of the video.
        subject: who is seen.
        seconds: how long it is, s.
        spotted: what the spotter says.
        true: what the annotators say.
        database: where it is from.
        first: number of its first frame in the data set, which the intervals count from.
        kinds: what the annotators have looked for; nothing else that is spotted is scored.
    """

    name: str
    subject: str
    seconds: float
    spotted: tuple[Interval, ...]
    true: tuple[Interval, ...]
    database: str = ""
    first: int = 0
    kinds: tuple[str, ...] = KINDS


def score(videos: Sequence[Video]) -> Scores:
    """Return the measures of all videos together."""
    by_kind = {
        kind: sum(
            (count(v.spotted, v.true, kind=kind) for v in videos if kind in v.kinds), Counts()
        )
        for kind in KINDS
    }
    named = [pair for video in videos for pair in _named(video)]
    micro = [i for v in videos for i in (*v.spotted, *v.true) if i.kind == "micro"]
    return Scores(
        spotting=by_kind["micro"] + by_kind["macro"],
        by_kind=by_kind,
        analysis=analyse(named, {i.label for i in micro if i.label is not None}),
        minutes=sum(video.seconds for video in videos) / 60,
        kinds=tuple(kind for kind in KINDS if by_kind[kind].hits + by_kind[kind].misses),
        named=sum(i.kind == "micro" and i.label is not None for v in videos for i in v.true),
    )


def _named(video: Video) -> list[tuple[str, str | None]]:
    pairs = []
    for i, j in match(video.spotted, video.true):
        true, given = video.true[j], video.spotted[i]
        if true.kind == "micro" and true.label is not None:
            pairs.append((true.label, given.label))
    return pairs
