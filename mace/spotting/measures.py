"""The Grand Challenge's measures of spotting: intervals matched one to one, F1, STRS.

Source: J. Li, S.-J. Wang, M. H. Yap, J. See, X. Hong, X. Li, "MEGC2020 - the third facial
micro-expression grand challenge", FG 2020 (IoU of at least 0.5, counts summed over all videos);
A. K. Davison et al., "MEGC2022", ACM MM 2022, and M. H. Yap et al., "MEGC2023/2024" (STRS, the
product of the F1 of spotting and that of the analysis of what was spotted rightly).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mace.metrics import uf1

IOU = 0.5
"""Least overlap of a spotted with a true interval."""


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
    ours = [one for one in spotted if kind in (None, one.kind)]
    theirs = [one for one in true if kind in (None, one.kind)]
    hits = len(match(ours, theirs))
    return Counts(hits, len(ours) - hits, len(theirs) - hits)


def analysis_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """Return the unweighted F1 of (true class, class given) over the rightly spotted intervals.

    Every class that occurs on either side counts the same; 0 without a pair.
    """
    pairs = list(pairs)
    classes = sorted({name for pair in pairs for name in pair})
    if not classes:
        return 0.0
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    for true, given in pairs:
        confusion[classes.index(true), classes.index(given)] += 1
    return uf1(confusion)


@dataclass(frozen=True)
class Scores:
    """Of some videos together: their counts are summed before anything is divided.

    Attributes:
        spotting: of all kinds.
        by_kind: of micro and macro alone.
        analysis: F1 over the rightly spotted micro-expressions that have a true class.
        analysed: how many those are.
        minutes: of video.
    """

    spotting: Counts
    by_kind: Mapping[str, Counts]
    analysis: float
    analysed: int
    minutes: float

    @property
    def strs(self) -> float:
        """Spot-then-recognise score: F1 of spotting micro-expressions, times that of analysis."""
        return self.by_kind["micro"].f1 * self.analysis

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
    """

    name: str
    subject: str
    seconds: float
    spotted: tuple[Interval, ...]
    true: tuple[Interval, ...]


KINDS = ("micro", "macro")


def score(videos: Sequence[Video]) -> Scores:
    """Return the measures of all videos together."""
    by_kind = {
        kind: sum((count(v.spotted, v.true, kind=kind) for v in videos), Counts()) for kind in KINDS
    }
    named = [pair for video in videos for pair in _named(video)]
    return Scores(
        spotting=by_kind["micro"] + by_kind["macro"],
        by_kind=by_kind,
        analysis=analysis_f1(named),
        analysed=len(named),
        minutes=sum(video.seconds for video in videos) / 60,
    )


def _named(video: Video) -> list[tuple[str, str]]:
    found = []
    for i, j in match(video.spotted, video.true):
        true, given = video.true[j], video.spotted[i]
        if true.kind == "micro" and true.label is not None:
            # One without a prediction is an error like any other, and no class's name.
            found.append((true.label, given.label or "none"))
    return found
