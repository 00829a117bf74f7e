"""MEGC's measures, against cases worked out by hand."""

import pytest

from mace.spotting.measures import (
    Counts,
    Interval,
    Video,
    analyse,
    count,
    iou,
    match,
    score,
)


def test_overlap_counts_both_ends():
    # 0-9 and 5-14: 5 frames shared, 15 in either.
    assert iou(Interval(0, 9), Interval(5, 14)) == pytest.approx(1 / 3)
    assert iou(Interval(3, 3), Interval(3, 3)) == 1
    assert iou(Interval(0, 4), Interval(5, 9)) == 0


def test_an_overlap_of_one_half_is_a_hit():
    assert match([Interval(0, 9)], [Interval(0, 19)]) == [(0, 0)]
    assert match([Interval(0, 9)], [Interval(0, 20)]) == []


def test_one_truth_is_hit_once_by_the_best():
    spotted = [Interval(0, 7), Interval(1, 10)]
    assert match(spotted, [Interval(0, 10)]) == [(1, 0)]
    assert count(spotted, [Interval(0, 10)]) == Counts(1, 1, 0)


def test_kinds_do_not_match_each_other():
    assert count([Interval(0, 9, "macro")], [Interval(0, 9, "micro")]) == Counts(0, 1, 1)
    assert count([Interval(0, 9, "macro")], [Interval(0, 9)], kind="micro") == Counts(0, 0, 1)


def test_counts_by_hand():
    counts = Counts(3, 1, 2)
    assert (counts.precision, counts.recall) == (0.75, 0.6)
    assert counts.f1 == pytest.approx(6 / 9)
    assert Counts().f1 == Counts().precision == Counts().recall == 0


def test_analysis_is_unweighted_over_classes():
    # a: TP 2, FN 1, FP 0; b: TP 1, FP 1. Mean precision 3/4, mean recall 5/6; F1 0.8 and 2/3.
    pairs = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b")]
    named = analyse(pairs)
    assert (named.precision, named.recall) == (pytest.approx(3 / 4), pytest.approx(5 / 6))
    assert named.f1 == pytest.approx(2 * 3 / 4 * 5 / 6 / (3 / 4 + 5 / 6))
    assert named.uf1 == pytest.approx((0.8 + 2 / 3) / 2)
    # A class of which nothing was spotted is in the means, one that nothing was called is not.
    assert analyse(pairs, ("a", "b", "c")).recall == pytest.approx(5 / 9)
    assert analyse([("a", None)]).f1 == 0
    assert analyse([]).f1 == analyse([]).uf1 == 0


def test_scores_sum_counts_over_videos():
    first = Video(
        "v1", "s1", 30.0,
        spotted=(Interval(0, 9, label="a"), Interval(50, 59, label="a")),
        true=(Interval(0, 9, label="a"), Interval(100, 109, label="b")),
    )  # fmt: skip
    second = Video(
        "v2", "s2", 30.0,
        spotted=(Interval(0, 9, label="b"), Interval(20, 99, "macro")),
        true=(Interval(1, 10, label="a"), Interval(20, 99, "macro")),
    )  # fmt: skip
    scores = score([first, second])
    assert scores.by_kind == {"micro": Counts(2, 1, 1), "macro": Counts(1, 0, 0)}
    assert scores.spotting == Counts(3, 1, 1)
    # Over the two hits: a has precision 1 and recall 1/2, b was given wrongly: 1/2 and 1/4.
    assert (scores.analysis.pairs, scores.analysis.uf1) == (2, pytest.approx(1 / 3))
    assert scores.analysis.f1 == pytest.approx(1 / 3)
    assert scores.strs == pytest.approx(4 / 6 * 1 / 3)
    assert scores.kinds == ("micro", "macro")
    # Where nobody has annotated macro-expressions, none is a false alarm.
    unknown = Video("v3", "s3", 30.0, (Interval(0, 99, "macro"),), (), kinds=("micro",))
    assert score([first, second, unknown]).by_kind == scores.by_kind
    assert scores.false_alarms_per_minute() == 1
