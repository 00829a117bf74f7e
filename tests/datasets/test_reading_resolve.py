"""Which frames are onset, apex and offset, and what is said about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mace.datasets.reading.records import Annotation
from mace.datasets.reading.resolve import resolve
from mace.errors import DataError


def annotation(onset, apex, offset, **more):
    return Annotation(
        where="coding.xlsx", row=31, subject="04", clip="EP12_01f", onset=onset, apex=apex,
        offset=offset, fps=200, emotion="disgust", emotion_raw="disgust", **more,
    )  # fmt: skip


def outcome(onset, apex, offset, numbers, **more):
    got = resolve(annotation(onset, apex, offset, **more), numbers)
    return got.onset, got.apex, got.offset, got.apex_source, [c.code for c in got.changes]


ALL = range(1, 400)


def test_an_annotation_as_it_should_be():
    assert outcome(46, 59, 86, range(46, 87)) == (0, 13, 40, "annotated", [])


@pytest.mark.parametrize(
    ("given", "apex", "source", "codes"),
    [
        ((261, None, 321), 291, "midpoint", ["apex-missing"]),
        ((69, 69, 123), 96, "midpoint", ["apex-is-onset"]),
        ((100, 130, 130), 130, "annotated", ["apex-is-offset"]),
        ((100, 99, 130), 115, "midpoint", ["apex-outside"]),
        ((100, 131, 130), 115, "midpoint", ["apex-outside"]),
        ((100, None, 101), 101, "midpoint", ["apex-missing"]),
    ],
)
def test_apexes(given, apex, source, codes):
    assert outcome(*given, ALL)[1:] == (apex - 1, given[2] - 1, source, codes)


def test_known_corrections_are_for_wrong_annotations_only():
    wrong = outcome(100, 90, 130, ALL, known_apex=120)
    assert wrong[1:] == (119, 129, "repaired", ["apex-outside"])
    mended = outcome(100, 110, 130, ALL, known_apex=120)
    assert mended[1:] == (109, 129, "annotated", [])


def test_an_apex_to_be_estimated():
    none = outcome(1, None, 9, ALL, estimate_apex=True)
    assert none[1:] == (None, 8, "estimated", [])
    outside = outcome(1, 12, 9, ALL, estimate_apex=True)
    assert outside[1:] == (None, 8, "estimated", ["apex-outside"])


def test_frames_that_do_not_exist():
    numbers = [2, 3, 4, 8, 9, 10]
    got = resolve(annotation(1, 6, 12), numbers)
    assert (got.onset, got.apex, got.offset, got.apex_source) == (0, 2, 5, "repaired")
    assert [change.reason for change in got.changes] == [
        "onset frame 1 does not exist; took 2, the nearest",
        "offset frame 12 does not exist; took 10, the nearest",
        "apex frame 6 does not exist; took 4, the nearest",
    ]
    assert {(c.kind, c.row, c.clip) for c in got.changes} == {("repair", 31, "04/EP12_01f")}
    assert outcome(None, 4, None, numbers)[:3] == (0, 2, 5)


@pytest.mark.parametrize(
    ("given", "numbers", "reason"),
    [
        ((5, 6, 7), [], "no frame"),
        ((7, 7, 7), ALL, "offset 7 is not after its onset 7"),
        ((5, 6, 9), range(20, 30), "annotated from 5 to 9, but its frames are 20 to 29"),
        ((5, 6, 8), [6], "offset frame 8 does not exist, and the nearest, 6, is 2 frames away"),
        ((5, 6, 7), [6], "only one of its frames exists"),
    ],
)
def test_reasons_to_drop(given, numbers, reason):
    with pytest.raises(DataError, match=reason):
        resolve(annotation(*given), numbers)


FRAME = st.none() | st.integers(0, 40)


@given(FRAME, FRAME, FRAME, st.sets(st.integers(0, 40)), FRAME, st.booleans())
def test_whatever_is_annotated_the_answer_is_a_pair_of_frames(
    onset, apex, offset, numbers, known, estimate
):
    wanted = annotation(onset, apex, offset, known_apex=known, estimate_apex=estimate)
    try:
        got = resolve(wanted, sorted(numbers))
    except DataError:
        return
    assert 0 <= got.onset < got.offset < len(numbers)
    if got.apex is None:
        assert estimate
    else:
        assert got.onset < got.apex <= got.offset
    exact = sorted(numbers)
    if got.apex_source == "annotated":
        assert exact[got.apex] == apex
    elif got.apex_source != "estimated" or apex is not None:
        assert got.changes
