"""SMIC through `mace prepare`: cut clips without a sheet, long ones with one, no apex anywhere."""

import csv
import shutil
from collections import Counter

import openpyxl
import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.preparing import prepare, read_or_refuse, samples_of
from trees.smic_tree import NOT_OFFERED, make_cut, make_long

from mace.datasets.smic.reading import CONFIGS, read
from mace.errors import ConfigError, DataError


def test_cut_clips_come_back_whole(tmp_path):
    make_cut(tmp_path / "in", cropped=True, frames=4)
    report, folder = prepare("smic", tmp_path / "in", tmp_path / "out", config="hs_cropped")
    assert (report["rows"], report["samples"]) == (164, 164)
    assert report["emotions"] == {"negative": 70, "positive": 51, "surprise": 43}
    assert report["emotions"] == report["classes"]["3"] == report["published"]["counts"]
    assert (report["repairs"], report["drops"]) == (0, 0)
    assert report["apex_sources"] == {"estimated": 164}
    samples = samples_of(folder)
    assert len({name.split("/")[0] for name in samples}) == 16
    sample = samples["s20/s20_ne_01"]
    assert (sample["onset"], sample["apex"], sample["offset"]) == (0, 1, 3)
    assert sample["fps"] == 100
    assert sample["aus"] == b""


def test_the_apex_of_a_face_is_estimated_on_the_way(tmp_path, surprise, surprise_folder):
    folder = tmp_path / "SMIC_all_raw" / "HS" / "s1" / "micro" / "surprise" / "s1_sur_01"
    folder.mkdir(parents=True)
    for path in surprise_folder.glob("*.png"):
        number = 34208 + int(path.stem.removeprefix("img"))
        shutil.copy(path, folder / f"image{number:06d}.png")
    report, prepared = prepare("smic", tmp_path, tmp_path / "out")
    assert (report["rows"], report["samples"], report["repairs"]) == (1, 1, 0)
    (sample,) = samples_of(prepared).values()
    assert sample["quality"] == b"good"
    assert abs(int(sample["apex"]) - (surprise.apex - surprise.onset)) <= 2


def test_each_camera_and_form_reads_its_own_folders(tmp_path):
    make_cut(tmp_path, camera="HS", keep=9)
    make_cut(tmp_path, camera="VIS", keep=8)
    make_cut(tmp_path, camera="VIS", cropped=True, keep=7)
    make_long(tmp_path, camera="NIR", keep=6)
    for config, count, fps in (("hs", 9, 100), ("vis", 8, 25), ("vis_cropped", 7, 25)):
        annotations = read(tmp_path, config).annotations
        assert len(annotations) == count
        assert {a.fps for a in annotations} == {fps}
        camera, _, form = config.partition("_")
        kind = f"SMIC_all_{form or 'raw'}/{camera.upper()}/"
        assert all(kind in str(path) for a in annotations for path in a.frames.values())
    assert {a.fps for a in read(tmp_path, "nir_e").annotations} == {25}
    for config in ("nir", "hs_cropped", "nir_cropped", "hs_e", "vis_e"):
        with pytest.raises(DataError, match=r"holds no folder|no annotation file"):
            read(tmp_path, config)
    with pytest.raises(ConfigError, match="unknown config 'e'"):
        read(tmp_path, "e")
    assert len(CONFIGS) == 9


def test_long_clips_with_formulas_and_the_missing_downloads(tmp_path, whole_frames):
    make_long(tmp_path / "in", keep=36)
    report, folder = prepare("smic", tmp_path / "in", tmp_path / "out", config="hs_e")
    assert (report["rows"], report["samples"]) == (36, 34)
    assert report["emotions"] == {"negative": 23, "surprise": 6, "positive": 5}
    assert report["codes"] == {
        "drop no-frames": 2,
        "remark further-expression": 3,
        "remark further-implausible": 1,
        "remark rows-of-notes": 1,
    }
    drops = [change for change in report["changes"] if change["kind"] == "drop"]
    assert {change["clip"] for change in drops} == {"s03/s03_ne_03", "s03/s03_ne_20"}
    assert {change["reason"] for change in drops} == {
        "its frames are missing from the authors' download"
    }
    # Four frames lie before the onset; the offset, a formula, is eight after it.
    sample = samples_of(folder)["s01/s01_ne_01"]
    assert (sample["onset"], sample["offset"], len(sample["frames"])) == (4, 12, 21)
    assert 4 < sample["apex"] < 12
    assert sample["apex_source"] == b"estimated"


def test_all_five_missing_downloads_are_named(tmp_path):
    make_long(tmp_path)
    reading = read(tmp_path, "hs_e")
    assert (reading.rows, len(reading.annotations)) == (164, 159)
    missing = {change.clip for change in reading.changes if change.kind == "drop"}
    padded = {"s03_ne_03", "s03_ne_20", "s04_ne_05", "s04_ne_06", "s09_sur_02"}
    assert missing == {f"{name[:3]}/{name}" for name in padded}
    assert len(NOT_OFFERED) == 5


def test_formulas_without_stored_results_are_drops_with_advice(tmp_path):
    make_long(tmp_path, cached=False, keep=6)
    reading = read(tmp_path, "hs_e")
    assert not reading.annotations
    drops = [change for change in reading.changes if change.kind == "drop"]
    assert len(drops) == reading.rows == 6
    assert "open the sheet in Excel" in drops[0].reason


def test_text_where_a_frame_belongs(tmp_path):
    make_long(tmp_path, keep=36)
    source = tmp_path / "SMIC-E_raw image" / "HS_long" / "SMIC-HS-E" / "s03"
    (source / "s3_ne_19").rename(source / "s3_ne_20")
    changes = read(tmp_path, "hs_e").changes
    codes = Counter(change.code for change in changes if change.clip == "s03/s03_ne_20")
    # The clip with the text is there now, at the frames of its neighbour.
    assert codes["cell-unreadable"] == 1
    assert "no-frames" in {c.code for c in changes if c.clip == "s03/s03_ne_19"}


def test_a_class_that_contradicts_the_name_is_said(tmp_path):
    make_cut(tmp_path, keep=10)
    negative = tmp_path / "SMIC_all_raw" / "HS" / "s1" / "micro" / "negative"
    (negative / "s1_ne_02").rename(negative.parent / "positive" / "s1_ne_02")
    (negative / "s1_ne_03").rename(negative / "s1_ne_03_copy")
    reading = read(tmp_path, "hs")
    assert reading.rows == 10
    assert {(c.kind, c.code, c.clip) for c in reading.changes} == {
        ("remark", "emotion-differs", "s01/s01_ne_02"),
        ("drop", "no-clip-name", "negative/s1_ne_03_copy"),
    }


_CELLS = st.one_of(
    st.none(), st.integers(-3, 40000), st.text(max_size=4),
    st.sampled_from(["/", "?", "34204", "MISSING <-426679", "s1_po_01", "negative", "=1/0"]),
)  # fmt: skip


@mutations(60)
@given(changes=st.lists(st.tuples(st.integers(1, 8), st.integers(0, 16), _CELLS), max_size=6))
def test_mutated_sheets_give_a_whole_account_or_a_sentence(tree, changes):
    root, cells = tree
    table = [list(row) for row in cells]
    for line, column, cell in changes:
        table[line][column] = cell
    with (root / "SMIC-HS-E_annotation.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    read_or_refuse(lambda: read(root, "hs_e"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("smic")
    make_long(root, formulas=False, keep=8)
    path = root / "SMIC-HS-E_annotation.xlsx"
    cells = list(openpyxl.load_workbook(path)["HS"].iter_rows(values_only=True))
    path.unlink()
    return root, cells
