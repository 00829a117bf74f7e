"""CAS(ME)^3 part A through `mace prepare`: 860 rows of strings, many to a video."""

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.casme3_tree import HEADER, casme3_rows, make_casme3, make_clips
from trees.drawn import write_frames
from trees.preparing import prepare, read_or_refuse, samples_of
from trees.sheets import write_book

from mace.datasets.casme3.reading import PUBLISHED, read
from mace.errors import DataError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("casme3")
    make_casme3(root, casme3_rows(), sparse=True)
    return root


def test_all_860_rows(whole):
    reading = read(whole)
    assert (reading.rows, len(reading.annotations)) == (860, 860)
    counts = {e: sum(a.emotion == e for a in reading.annotations) for e in PUBLISHED.counts}
    assert counts == PUBLISHED.counts
    assert sum(counts.values()) == 860
    names = [annotation.name for annotation in reading.annotations]
    assert len(set(names)) == 860
    assert len({a.subject for a in reading.annotations}) == 94
    changes = {c.row: (c.kind, c.code) for c in reading.changes if c.row is not None}
    assert changes == {
        **dict.fromkeys((710, 751, 798, 800), ("correction", "known-correction")),
        752: ("correction", "onset-zero"),
    }
    found = {a.row: a for a in reading.annotations}
    assert (found[710].name, found[710].onset, found[710].offset) == ("spNO.51/c_5", 5, 34)
    assert (found[752].name, found[752].onset, found[752].offset) == ("spNO.93/c_0", 1, 25)
    assert (found[751].onset, found[751].offset) == (2647, 2655)
    assert (found[798].name, found[798].offset) == ("spNO.40/e_1832", 1845)
    assert found[800].offset == 2403
    assert (found[130].onset, found[130].apex, found[130].known_apex) == (112, 83, 123)
    assert found[3].objective == 2
    assert {a.fps for a in reading.annotations} == {30.0}


def test_repairs_through_prepare(tmp_path, whole_frames):
    rows = casme3_rows()
    make_casme3(tmp_path / "in", [*rows[126:131], *rows[748:752], rows[796]])
    report, folder = prepare("casme3", tmp_path / "in", tmp_path / "out")
    # Ten rows are not the published sheet: nothing is corrected by its position.
    assert (report["rows"], report["samples"], report["drops"]) == (10, 9, 1)
    assert report["codes"] == {
        "correction onset-zero": 1,
        "drop unusable": 1,
        "remark apex-is-offset": 1,
        "repair apex-is-onset": 1,
        "repair apex-outside": 1,
        "repair offset-missing": 1,
    }
    samples = samples_of(folder)
    sample = samples["spNO.40/e_1832"]
    assert (sample["onset"], sample["apex"], sample["offset"]) == (2, 8, 8)
    assert samples[f"{rows[126][0]}/{rows[126][1]}_{rows[126][2]}"]["apex_source"] == b"annotated"
    assert sample["aus_raw"].decode() == rows[796][5]


@pytest.mark.parametrize("name", ["labels_JpgIndex.csv", "cas(me)3_part_A_v2.xls"])
def test_other_sheets_and_folders_without_colour(tmp_path, name):
    rows = casme3_rows()[:12]
    make_casme3(tmp_path, rows, colour="")
    sheet = next((tmp_path / "annotation").iterdir())
    sheet.unlink()
    kinds = ["Macro-expression", "Micro-expression"]
    lines = [[*row, kinds[k > 1]] for k, row in enumerate(rows)]
    write_book(sheet.with_name(name), {"s": [[*HEADER, "Expression type"], *lines]})
    reading = read(tmp_path)
    assert (reading.rows, len(reading.annotations)) == (10, 10)
    # The videos of the macro-expressions are not asked for.
    codes = [c.code for c in reading.changes]
    assert codes == ["other-kind", "folder-without-row", "folder-without-row"]


V2 = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"


def test_the_newest_table_is_read_and_every_other_one_is_said(tmp_path):
    rows = casme3_rows()[:2]
    make_casme3(tmp_path, rows)
    new = [*rows[0][:3], "25", *rows[0][4:]]
    write_book(tmp_path / "deep" / "er" / V2, {"label": [HEADER, new]})
    (tmp_path / "annotation" / V2).rename(tmp_path / V2.replace("v2.xlsx", "v1.xls"))
    for copy in ("{} - Copy.xlsx", "{} - 副本.xlsx", "{} (1).xlsx", "Copy of {}.xlsx"):
        write_book(tmp_path / copy.format(V2[:-5]), {"label": [HEADER, *rows]})
    reading = read(tmp_path)
    assert [(a.where, a.apex) for a in reading.annotations] == [(V2, 25)]
    unread = {c.where for c in reading.changes if c.code == "table-not-read"}
    assert len(unread) == 5
    assert V2.replace("v2.xlsx", "v1.xls") in unread


@pytest.mark.parametrize("deeper", [False, True])
def test_a_folder_for_each_expression(tmp_path, deeper):
    rows = casme3_rows()[:6]
    write_book(tmp_path / V2, {"label": [HEADER, *rows]})
    make_clips(tmp_path, rows, deeper=deeper)
    reading = read(tmp_path)
    assert [a.clip for a in reading.annotations] == [f"{r[1]}_{r[2]}" for r in rows]
    assert reading.changes == ()
    for annotation, row in zip(reading.annotations, rows, strict=True):
        assert list(annotation.frames) == list(range(int(str(row[2])), int(str(row[4])) + 1))
        assert {path.suffix for path in annotation.frames.values()} == {".jpg"}


@pytest.mark.parametrize(("last", "onset"), [(6, 0), (5, 1)])
def test_an_expression_from_0_on_whose_folder_counts_from_1(tmp_path, last, onset):
    write_book(
        tmp_path / V2, {"label": [HEADER, ["spNO.901", "a", "0", "3", "5", "4", "I", "sad"]]}
    )
    write_frames(tmp_path / "frame" / "spNO.901_a_0", ((f"{n}.jpg", n) for n in range(1, last + 1)))
    (annotation,) = (reading := read(tmp_path)).annotations
    assert (annotation.onset, annotation.apex, annotation.offset) == (onset, 3, 5)
    # Six pictures are 0 to 5, numbered anew; five are those that a video has from its first on.
    assert annotation.frames[3].name == ("4.jpg" if last == 6 else "3.jpg")
    (said,) = reading.changes
    assert said.code == ("frames-renumbered" if last == 6 else "onset-zero")


def test_whole_videos_are_preferred_and_folders_of_nothing_known_are_listed(tmp_path):
    rows = casme3_rows()[:3]
    make_casme3(tmp_path, rows)
    make_clips(tmp_path, rows)
    reading = read(tmp_path)
    assert all(min(a.frames) < (a.onset or 0) for a in reading.annotations)
    assert [c.code for c in reading.changes] == ["clips-not-read"]
    write_book(tmp_path / "other" / V2, {"label": [HEADER, ["spNO.901", *rows[0][1:]]]})
    make_clips(tmp_path / "other", rows)
    with pytest.raises(DataError, match=r"such as spNO\.901/a_20; .* are depth/spNO\.1_a_20, "):
        read(tmp_path / "other")


def test_two_minutes_are_no_micro_expression(tmp_path, whole_frames):
    rows = [["spNO.901", "a", "5", "9", "3460", "4", "I", "sad"]]
    folder = tmp_path / "in" / "spNO.901" / "a" / "color"
    write_book(tmp_path / "in" / V2, {"label": [HEADER, *rows]})
    write_frames(folder, ((f"{n}.jpg", n) for n in (*range(4, 12), *range(3455, 3461))))
    report, _ = prepare("casme3", tmp_path / "in", tmp_path / "out")
    (change,) = report["changes"]
    assert (change["kind"], change["code"]) == ("remark", "interval-long")
    assert "115.2 s" in change["reason"]


CELLS = st.one_of(
    st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=8),
    st.sampled_from(["/", "?", "0", "35.0", "VIII", "spNO.1", "a", "Others"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    root = tmp_path_factory.mktemp("few")
    make_casme3(root, casme3_rows()[:10])
    return root


@mutations(20)
@given(data=st.data())
def test_mutated_sheets_are_read_or_refused(few, data):
    lines = [HEADER, *(list(row) for row in casme3_rows()[:10])]
    for _ in range(data.draw(st.integers(1, 6))):
        row = data.draw(st.integers(0, len(lines) - 1))
        lines[row] = list(lines[row])
        lines[row][data.draw(st.integers(0, 7))] = data.draw(CELLS)
    name = "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    write_book(few / "annotation" / name, {"label": lines})
    read_or_refuse(lambda: read(few))
