"""Agreement of two coders, by hand."""

import json
from dataclasses import asdict

import pytest

from mace.errors import DataError
from mace.review.agreement import agreement, agreement_text, kappa
from mace.review.events import CodedEvent, Coding


def coding(**videos):
    """Events as (onset, apex, offset, kind, label, units)."""
    return Coding(
        {
            video: tuple(CodedEvent(k, *event) for k, event in enumerate(events, start=1))
            for video, events in videos.items()
        }
    )


def test_kappa_of_cohens_table():
    # Ten items: both yes 4, both no 3, 2 and 1 apart. Agreed 0.7; by chance 0.6 * 0.5 + 0.4 * 0.5.
    first = ["yes"] * 4 + ["no"] * 3 + ["yes"] * 2 + ["no"]
    second = ["yes"] * 4 + ["no"] * 3 + ["no"] * 2 + ["yes"]
    assert kappa(first, second) == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert kappa(["yes", "no"], ["no", "yes"]) == pytest.approx(-1.0)
    assert kappa(["yes"], ["yes"]) is None
    assert kappa([], []) is None


ANNA = coding(
    a=[
        (1, 5, 10, "micro", "happy", "12"),
        (21, 25, 40, "micro", "disgust", "4 9"),
        (61, None, 80, "macro", "surprise", "1 2"),
        (91, 95, 99, "micro", "", ""),
    ],
    b=[(1, 2, 10, "micro", "disgust", "4")],
)
BEN = coding(
    a=[
        (1, 7, 10, "micro", "Happiness", "12"),
        (23, 24, 42, "micro", "repression", "4"),
        (61, 70, 80, "micro", "surprise", "L1 2"),
    ],
)


def test_two_coders_by_hand():
    result = agreement({"anna": ANNA, "ben": BEN, "eve": Coding()}, ("anna", "ben"))
    assert result.events == (5, 3)
    assert result.matched == 3
    assert result.f1 == pytest.approx(2 * 3 / 8)
    # 21 to 40 and 23 to 42 share 18 of 22 frames.
    assert result.iou == pytest.approx((1 + 18 / 22 + 1) / 3)
    onset, apex, offset = (result.frames[phase] for phase in ("onset", "apex", "offset"))
    assert (onset.events, onset.mean, onset.mean_absolute) == (3, pytest.approx(2 / 3), 2 / 3)
    assert (apex.events, apex.mean, apex.mean_absolute) == (2, 0.5, 1.5)
    assert (offset.events, offset.mean) == (3, pytest.approx(2 / 3))
    # micro micro macro and micro micro micro: agreed 2/3, by chance 2/3.
    assert result.kind_kappa == pytest.approx(0.0)
    # Two of three labels are one; by chance 1/9 for happiness, 1/9 for surprise.
    assert (result.labelled, result.label_agreed) == (3, 2)
    assert result.label_kappa == pytest.approx((2 / 3 - 2 / 9) / (1 - 2 / 9))
    assert list(result.units) == ["1", "2", "4", "9", "12"]
    assert result.units["12"].kappa == pytest.approx(1.0)
    nine = result.units["9"]
    assert (nine.first, nine.second, nine.both) == (1, 0, 0)
    assert nine.kappa == pytest.approx(0.0)
    assert result.unit_reliability == pytest.approx(2 * 4 / (5 + 4))
    assert result.alone == {"anna": (), "ben": ("b",)}
    text = agreement_text(result)
    assert "3 matched (F1 0.750), mean IoU 0.939" in text
    assert "label    kappa 0.571, the same in 2 of 3 pairs" in text
    assert "ben has no event in b" in text


def test_a_coder_agrees_with_herself():
    result = agreement({"anna": ANNA, "again": ANNA}, ("anna", "again"))
    assert (result.f1, result.iou, result.unit_reliability) == (1, 1, 1)
    assert (result.kind_kappa, result.label_kappa) == (1, 1)
    assert all(d.mean_absolute == 0 for d in result.frames.values())


def test_little_overlap_is_no_pair():
    # 1 to 10 and 6 to 15 share 5 of 15 frames.
    one, other = coding(a=[(1, 5, 10)]), coding(a=[(6, 8, 15)])
    result = agreement({"a": one, "b": other}, ("a", "b"))
    assert (result.matched, result.f1) == (0, 0)
    assert result.iou is None
    json.dumps(asdict(result), allow_nan=False)
    assert result.label_kappa is None
    assert "kappa -" in agreement_text(result)
    assert agreement({"a": one, "b": other}, ("a", "b"), least=0.3).matched == 1


def test_a_coder_who_has_coded_nothing():
    with pytest.raises(DataError, match=r"carl has coded nothing in this table; .* of anna, ben"):
        agreement({"anna": ANNA, "ben": BEN}, ("anna", "carl"))


def test_events_of_different_people_do_not_match():
    def two(*people):
        events = [
            CodedEvent(k, 1, None, 10, label=label, subject=name)
            for k, (name, label) in enumerate(people, start=1)
        ]
        return Coding({"a": tuple(events)}, {"a": "p1"})

    first = two(("", "happy"), ("p2", "sad"))
    second = two(("p2", "sad"), ("p3", "happy"))
    result = agreement({"anna": first, "ben": second}, ("anna", "ben"))
    assert (result.matched, result.label_agreed) == (1, 1)
    # Of one person a video, whatever each coder calls them.
    result = agreement({"anna": two(("", "x")), "ben": two(("mary", "x"))}, ("anna", "ben"))
    assert result.matched == 1
