"""CASME through `mace prepare`: sections, merged sheet, both kinds of frames, known corrections."""

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.casme_tree import COUNTS, HEADER, make_casme, write_xls
from trees.drawn import write_frames
from trees.preparing import prepare, read_or_refuse, samples_of

from mace.datasets.casme.reading import read
from mace.errors import DataError


def test_the_sections_come_back_whole(tmp_path, whole_frames):
    make_casme(tmp_path / "in")
    report, folder = prepare("casme", tmp_path / "in", tmp_path / "out")
    assert (report["rows"], report["samples"]) == (189, 189)
    assert report["emotions"] == COUNTS == report["published"]["counts"]
    assert report["classes"]["4"] == {"tense": 69, "disgust": 44, "repression": 38, "surprise": 20}
    assert report["classes"]["3"] == {"negative": 91, "surprise": 20, "positive": 9}
    assert report["apex_sources"] == {"annotated": 188, "midpoint": 1}
    assert report["codes"] == {"remark apex-second": 1, "repair apex-missing": 1}
    samples = samples_of(folder)
    first = samples["01/EP01"]
    # Frames 2, 5 and 8 of 1 to 9.
    assert (first["onset"], first["apex"], first["offset"]) == (1, 4, 7)
    assert len(first["frames"]) == 9
    assert first["fps"] == 60
    assert first["aus"] == b"L10"
    assert first["aus_raw"] == b"L10+?"
    assert samples["03/EP01"]["apex"] == 5  # the second apex
    assert samples["04/EP01"]["flags"] == b"apex-missing"
    assert {s["emotion"].decode() for s in samples.values()} == set(COUNTS)


def test_the_merged_sheet_gets_its_known_corrections(tmp_path):
    make_casme(tmp_path / "in", form="merged", cropped=True)
    report, folder = prepare("casme", tmp_path / "in", tmp_path / "out", config="cropped")
    assert (report["rows"], report["samples"]) == (189, 189)
    assert report["codes"]["correction known-correction"] == 5
    assert report["apex_sources"] == {"annotated": 185, "repaired": 3, "midpoint": 1}
    rows = {change["row"] for change in report["changes"] if change["code"] == "known-correction"}
    assert rows == {42, 44, 45, 56, 142}
    corrected = samples_of(folder)["06/EP01_6"]  # row 40 from 0: frames 99 to 150, 100 120 149
    assert (corrected["onset"], corrected["apex"], corrected["offset"]) == (1, 21, 50)
    assert corrected["apex_source"] == b"repaired"


def test_a_shorter_sheet_gets_no_correction_by_position(tmp_path):
    make_casme(tmp_path, form="merged", keep=60)
    reading = read(tmp_path)
    assert reading.rows == 60
    assert "known-correction" not in {change.code for change in reading.changes}


def test_frames_in_either_style_and_what_lies_about(tmp_path):
    rows = make_casme(tmp_path, style="img", keep=3)
    section = tmp_path / "RAW" / "CASME_A" / "Section A"
    write_frames(section / "sub01" / "EP77_7", [("img1.jpg", 1)])
    (section / "sub02" / "EP01").rename(section / "sub02" / "EP99")
    reading = read(tmp_path)
    assert reading.rows == 6
    assert [a.name for a in reading.annotations] == [
        "01/EP01",
        "03/EP01",
        "08/EP01",
        "09/EP01",
        "10/EP01",
    ]
    assert list(reading.annotations[0].frames) == list(range(rows[0].first, rows[0].last + 1))
    changes = {(c.kind, c.code, c.clip) for c in reading.changes}
    assert ("drop", "no-frames", "02/EP01") in changes
    assert ("remark", "folder-without-row", "sub01/EP77_7") in changes
    assert ("remark", "folder-without-row", "sub02/EP99") in changes


def test_one_section_alone_is_said(tmp_path):
    make_casme(tmp_path, keep=2)
    (tmp_path / "RAW" / "CASME_B" / "Section B" / "Section B.xls").unlink()
    reading = read(tmp_path)
    assert reading.rows == 2
    assert "section-missing" in {change.code for change in reading.changes}


def test_the_other_kind_of_frames_is_named(tmp_path):
    make_casme(tmp_path, form="merged", keep=2)
    with pytest.raises(
        DataError, match=r"no folder of cropped frames; those found are whole, choose the --config"
    ):
        read(tmp_path, "cropped")


def test_strict_refuses_repairs(tmp_path, whole_frames):
    make_casme(tmp_path / "in", keep=4)
    with pytest.raises(DataError, match=r"Section A\.xls row 5"):
        prepare("casme", tmp_path / "in", tmp_path / "out", strict=True)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("casme/*/*"))


_CELLS = st.one_of(
    st.none(), st.integers(-3, 12), st.floats(0, 9), st.text(max_size=4),
    st.sampled_from(["/", "?", "5", " 7 ", "", "tense", "sad"]),
)  # fmt: skip


@mutations(60)
@given(changes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 11), _CELLS), max_size=6))
def test_mutated_sheets_give_a_whole_account_or_a_sentence(tmp_path_factory, changes):
    root = tmp_path_factory.mktemp("casme")
    rows = make_casme(root, keep=4)[:4]
    table = [list(HEADER), *(row.cells for row in rows)]
    for line, column, cell in changes:
        table[line][column] = cell
    path = root / "RAW" / "CASME_A" / "Section A" / "Section A.xls"
    write_xls(path, [], table)
    read_or_refuse(lambda: read(root))
