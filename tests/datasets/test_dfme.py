"""DFME through `mace prepare`: three sheets, words and numbers for emotions, three frame rates."""

import shutil
from collections import Counter

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.dfme_tree import HEADER, dfme_rows, make_dfme
from trees.drawn import write_frames
from trees.preparing import prepare, read_or_refuse, samples_of
from trees.sheets import write_book

from mace.datasets.dfme.reading import read
from mace.errors import DataError


def test_training_and_test_sheets(tmp_path, whole_frames):
    train, test_a = dfme_rows(60), dfme_rows(20, first=60)
    train[3][5] = None  # the number still says fear
    train[4][5] = "Anger"  # against the number 4, happiness
    train[5][7] = None
    for row in test_a[:15]:
        row[5] = row[6] = None
    make_dfme(tmp_path / "in", {"DFME_train.xlsx": train, "DFME_testA.csv": test_a})
    report, folder = prepare("dfme", tmp_path / "in", tmp_path / "out")
    assert (report["rows"], report["samples"], report["drops"]) == (80, 65, 15)
    assert report["codes"] == {
        "drop no-label": 15,
        "remark emotion-differs": 1,
        "remark partition": 2,
        "repair fps-missing": 1,
    }
    assert sum(report["classes"]["7"].values()) == 65
    samples = samples_of(folder)
    assert {float(s["fps"]) for s in samples.values()} == {200, 300, 500}
    assert samples["S0004/00003"]["emotion"] == b"fear"
    assert samples["S0004/00003"]["emotion_raw"] == b"3"
    assert samples["S0005/00004"]["emotion"] == b"anger"
    plain = samples["S0003/00002"]
    # Onset 3, with frames from 1 on.
    assert (plain["onset"], plain["apex"], plain["offset"]) == (2, 7, 11)
    assert plain["fps"] == 500
    assert plain["class_3"] == b"negative"
    partitions = {name: sample["partition"].decode() for name, sample in samples.items()}
    assert Counter(partitions.values()) == {"training": 60, "test A": 5}
    assert partitions["S0003/00002"] == "training"


def test_a_row_takes_frames_of_its_own_partition(tmp_path):
    # Names may begin anew in each partition; the folders say whose they are.
    sheets = {"DFME_train.xlsx": dfme_rows(2), "DFME_testA.xlsx": dfme_rows(2)}
    sheets["DFME_testA.xlsx"].append(dfme_rows(1, first=5)[0])
    make_dfme(tmp_path, sheets)
    shutil.rmtree(tmp_path / "data" / "DFME_testA" / "00005")
    write_frames(tmp_path / "data" / "DFME_train" / "00005", ((f"{n}.png", n) for n in range(20)))
    reading = read(tmp_path)
    places = {(a.partition, next(iter(a.frames.values())).parts[-3]) for a in reading.annotations}
    assert places == {("training", "DFME_train"), ("test A", "DFME_testA")}
    assert len(reading.annotations) == 4
    assert [c.reason for c in reading.changes if c.kind == "drop"] == [
        "there is no folder of its frames"
    ]


def test_no_table_and_a_table_of_something_else(tmp_path):
    with pytest.raises(DataError, match="no table of DFME"):
        read(tmp_path)
    write_book(tmp_path / "a.csv", {"": [["x", "y"], [1, 2]]})
    with pytest.raises(DataError, match="no table with the columns"):
        read(tmp_path)


CELLS = st.one_of(
    st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=8),
    st.sampled_from(["/", "?", "0", "35.0", "nan", "1e3", "Surprise", "00001"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    root = tmp_path_factory.mktemp("dfme")
    make_dfme(root, {"DFME_train.xlsx": dfme_rows(10)})
    return root


@mutations(20)
@given(data=st.data())
def test_mutated_sheets_are_read_or_refused(few, data):
    lines = [HEADER, *(list(row) for row in dfme_rows(10))]
    for _ in range(data.draw(st.integers(1, 6))):
        row = data.draw(st.integers(0, len(lines) - 1))
        lines[row] = list(lines[row])
        lines[row][data.draw(st.integers(0, 8))] = data.draw(CELLS)
    write_book(few / "labels" / "DFME_train.xlsx", {"Sheet1": lines})
    read_or_refuse(lambda: read(few))


def test_versions_and_copies_of_one_partition_are_read_once(tmp_path):
    rows = dfme_rows(6)
    make_dfme(tmp_path, {"train/labels_v2.xlsx": rows[:3], "testA/labels.csv": rows[3:5]})
    make_dfme(tmp_path, {"testB/labels.csv": rows[5:]})
    write_book(tmp_path / "labels/train/labels_v1.xlsx", {"Sheet1": [HEADER, *rows[:3]]})
    write_book(tmp_path / "labels/testA/labels - Copy.csv", {"Sheet1": [HEADER, *rows[3:5]]})
    reading = read(tmp_path)
    assert [a.partition for a in reading.annotations] == [
        *["training"] * 3, *["test A"] * 2, "test B",
    ]  # fmt: skip
    unread = [change.where for change in reading.changes if change.code == "table-not-read"]
    assert sorted(unread) == ["labels - Copy.csv", "labels_v1.xlsx"]
