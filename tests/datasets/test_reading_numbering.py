"""Folders numbered anew are told from folders that lack a frame, by all of them together."""

from pathlib import Path

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st

from mace.datasets.reading.numbering import as_the_sheet_counts
from mace.datasets.reading.records import Annotation
from mace.datasets.reading.resolve import NEAREST, resolve
from mace.errors import DataError


def clip(onset, offset, numbers, name="EP01"):
    """A clip whose files are called by their true number in the sheet: the frame's own is a key."""
    return Annotation(
        where="coding.xlsx", row=2, subject="01", clip=name, onset=onset,
        apex=None if onset is None else onset + 1, offset=offset, fps=200, emotion="fear",
        emotion_raw="fear", frames={number: Path(f"{number}.jpg") for number in numbers},
    )  # fmt: skip


def first_numbers(*clips):
    renumbered, count = as_the_sheet_counts(clips)
    firsts = [min(annotation.frames, default=None) for annotation in renumbered]
    assert count == sum(a.frames != b.frames for a, b in zip(renumbered, clips, strict=True))
    return firsts


@pytest.mark.parametrize(
    ("clips", "firsts"),
    [
        # All exact, from 1 and from 0; one of them lacks frames and follows.
        ([(30, 46, range(1, 18)), (37, 53, range(1, 18))], [30, 37]),
        ([(30, 46, range(17)), (37, 53, range(17)), (44, 60, range(9))], [30, 37, 44]),
        ([(120, 129, range(1, 11))], [120]),
        # One holds its onset and offset under the sheet's numbers: so do all.
        ([(30, 46, range(1, 18)), (37, 53, range(37, 54))], [1, 37]),
        ([(5, 20, range(1, 31))], [1]),
        # A folder that lacks only its last frame.
        ([(5, 20, range(1, 20))], [1]),
        ([(2, 20, range(1, 20))], [1]),
        ([(1, 15, range(1, 16)), (1, 15, range(1, 15)), (2, 20, range(1, 20))], [1, 1, 1]),
        # Most have too few frames to be told.
        ([(30, 46, range(1, 18)), (37, 53, range(1, 9)), (44, 60, range(1, 9))], [1, 1, 1]),
        ([(None, 46, range(1, 18)), (30, 30, range(1, 2)), (30, 46, ())], [1, 1, None]),
        ([], []),
    ],
)
def test_when_folders_are_numbered_as_the_sheet_counts(clips, firsts):
    assert first_numbers(*(clip(*given) for given in clips)) == firsts


SPANS = st.lists(st.tuples(st.integers(1, 300), st.integers(8, 40)), min_size=1, max_size=6)


@given(
    spans=SPANS,
    first=st.sampled_from([None, 0, 1]),
    lost=st.sets(st.integers(0, 40), max_size=8),
    which=st.integers(0, 5),
)
@mutations(100)
def test_no_frame_is_far_from_the_one_that_is_annotated(spans, first, lost, which):
    """Each file bears its true number, so that a wrong one cannot hide."""
    clips = []
    for index, (onset, length) in enumerate(spans):
        gone = lost if index == which else set()
        true = [n for n in range(onset, onset + length + 1) if n - onset not in gone]
        shift = 0 if first is None else first - onset
        annotation = clip(onset, onset + length, ())
        frames = {number + shift: Path(f"{number}.jpg") for number in true}
        clips.append(Annotation(**{**vars(annotation), "frames": frames}))
    renumbered, _ = as_the_sheet_counts(clips)
    for annotation in renumbered:
        numbers = sorted(annotation.frames)
        try:
            got = resolve(annotation, numbers)
        except DataError:
            continue
        assert got.apex is not None
        for index, sheet in (
            (got.onset, annotation.onset),
            (got.apex, annotation.apex),
            (got.offset, annotation.offset),
        ):
            true = int(annotation.frames[numbers[index]].stem)
            assert abs(true - sheet) <= NEAREST
            assert true == sheet or got.changes
