"""MMEW through `mace prepare`: both layouts, frames that count from 1."""

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.mmew_tree import COUNTS, HEADER, make_mmew, mmew_rows
from trees.preparing import prepare, read_or_refuse, samples_of
from trees.sheets import write_book

from mace.datasets.mmew.reading import read


def test_all_300_rows(tmp_path, whole_frames):
    make_mmew(tmp_path / "in", mmew_rows())
    report, folder = prepare("mmew", tmp_path / "in", tmp_path / "out")
    assert (report["rows"], report["samples"]) == (300, 300)
    assert report["emotions"] == report["published"]["counts"] == COUNTS
    assert report["codes"] == {"choice frames-renumbered": 1, "repair apex-outside": 16}
    assert report["apex_sources"] == {"annotated": 284, "midpoint": 16}
    assert report["classes"]["7"]["others"] == 66
    samples = samples_of(folder)
    plain = samples["S01/S01-01-001"]
    assert (plain["onset"], plain["apex"], plain["offset"]) == (0, 5, 9)
    assert plain["fps"] == 90
    assert samples["S11/S11-01-001"]["apex_source"] == b"midpoint"


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("name", ["MMEW_Micro_Exp.csv", "mmew micro exp (1).xls"])
def test_the_other_layout(tmp_path, name, absolute):
    rows = mmew_rows()[:9]
    make_mmew(tmp_path, rows, layout="by_person", name=name, absolute=absolute)
    reading = read(tmp_path)
    assert [(a.onset, a.offset) for a in reading.annotations] == [(r[2], r[4]) for r in rows]
    for annotation in reading.annotations:
        assert list(annotation.frames) == list(range(annotation.onset, annotation.offset + 1))
    assert [c.code for c in reading.changes] == ([] if absolute else ["frames-renumbered"])


def test_a_folder_of_another_emotion_is_remarked_on(tmp_path):
    rows = mmew_rows()[:3]
    make_mmew(tmp_path, rows)
    (tmp_path / "Micro_Expression" / "surprise" / str(rows[0][1]) / "10.jpg").unlink()
    rows[1][6] = "anger"
    write_book(tmp_path / "MMEW_Micro_Exp.xlsx", {"Sheet1": [HEADER, *rows]})
    reading = read(tmp_path)
    codes = [(c.kind, c.code) for c in reading.changes]
    # The first folder lacks its last frame, and follows the others.
    assert codes == [("remark", "emotion-differs"), ("choice", "frames-renumbered")]
    assert list(reading.annotations[0].frames) == list(range(120, 129))
    assert [a.emotion for a in reading.annotations] == ["surprise", "anger", "surprise"]


CELLS = st.one_of(
    st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=8),
    st.sampled_from(["/", "?", "0", "35.0", "S01-01-001", "S1", "others"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    root = tmp_path_factory.mktemp("mmew")
    make_mmew(root, mmew_rows()[:10])
    return root


@mutations(20)
@given(data=st.data())
def test_mutated_sheets_are_read_or_refused(few, data):
    lines = [HEADER, *(list(row) for row in mmew_rows()[:10])]
    for _ in range(data.draw(st.integers(1, 6))):
        row = data.draw(st.integers(0, len(lines) - 1))
        lines[row] = list(lines[row])
        lines[row][data.draw(st.integers(0, 7))] = data.draw(CELLS)
    write_book(few / "MMEW_Micro_Exp.xlsx", {"Sheet1": lines})
    read_or_refuse(lambda: read(few))
