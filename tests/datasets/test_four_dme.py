"""4DME through `mace prepare`: emotions in columns, swapped action units, numbered copies."""

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.four_dme_tree import HEADER, four_dme_rows, make_four_dme
from trees.preparing import prepare, read_or_refuse, samples_of
from trees.sheets import write_book

from mace.datasets.four_dme.reading import read


def test_all_267_rows(tmp_path, whole_frames):
    make_four_dme(tmp_path / "in", four_dme_rows())
    report, folder = prepare("four_dme", tmp_path / "in", tmp_path / "out")
    assert (report["rows"], report["samples"]) == (267, 267)
    assert report["codes"] == {
        "remark aus-differ": 1,
        "remark numbered-copy": 1,
        "remark several-emotions": 1,
        "repair aus-swapped": 2,
    }
    assert report["emotions"]["negative+surprise"] == 1
    # The clip of two emotions is in no class.
    assert sum(report["classes"]["5"].values()) == 266
    samples = samples_of(folder)
    assert samples["22/22_4"]["aus"] == b"4"
    assert samples["23/23_4"]["aus"] == b"6 12"
    assert samples["39/39_5"]["aus"] == b"14"
    copy = samples["7/07_1(2)"]
    assert (copy["onset"], copy["apex"], copy["offset"]) == (3, 8, 12)
    assert samples["38/38_5"]["class_5"] == b""
    assert samples["1/01_1"]["class_5"] == b"positive"
    assert samples["1/01_1"]["emotion_raw"] == b"Positive"


@pytest.mark.parametrize("name", ["4DME labels.csv", "4dme_labelling_micro (2).xls"])
def test_renamed_sheets_without_columns_of_emotions(tmp_path, name):
    rows = four_dme_rows()[:6]
    make_four_dme(tmp_path, rows)
    next(tmp_path.glob("*.xlsx")).unlink()
    write_book(tmp_path / name, {"s": [line[:8] for line in [HEADER, *rows]]})
    reading = read(tmp_path)
    assert [a.emotion for a in reading.annotations] == [str(row[2]).lower() for row in rows]
    assert all("gray_micro" in str(p) for a in reading.annotations for p in a.frames.values())


CELLS = st.one_of(
    st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=8),
    st.sampled_from(["/", "?", "0", "1", "35.0", "01_1(2)", "Positive、Others"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    root = tmp_path_factory.mktemp("four")
    make_four_dme(root, four_dme_rows()[:10])
    return root


@mutations(20)
@given(data=st.data())
def test_mutated_sheets_are_read_or_refused(few, data):
    lines = [HEADER, *(list(row) for row in four_dme_rows()[:10])]
    for _ in range(data.draw(st.integers(1, 6))):
        row = data.draw(st.integers(0, len(lines) - 1))
        lines[row] = list(lines[row])
        lines[row][data.draw(st.integers(0, 14))] = data.draw(CELLS)
    write_book(few / "4DME_Labelling_Micro_release v1.xlsx", {"Sheet1": lines})
    read_or_refuse(lambda: read(few))
