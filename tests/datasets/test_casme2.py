"""CASME II from a synthetic tree with all its known oddities, through `mace prepare`."""

import json

import cv2
import numpy as np
import openpyxl
import pytest
from trees.casme2_tree import (
    COUNTS,
    COUNTS_2019,
    HEADER,
    ODD,
    rows_2014,
    rows_2019,
    write_sheet,
    write_tree,
)
from trees.drawn import drawn
from trees.preparing import samples_of
from trees.sheets import write_book

from mace.cli import main
from mace.data.loading import load_clips
from mace.datasets.casme2.reading import read
from mace.datasets.reading import correcting
from mace.errors import DataError


@pytest.fixture(scope="module")
def cropped(tmp_path_factory):
    """The whole set: 255 clips of cropped frames under a nested, renamed folder."""
    root = tmp_path_factory.mktemp("CASME2")
    write_sheet(root / "annotation" / "CASME2-coding-20140508.xlsx", rows_2014())
    (root / "annotation" / "~$CASME2-coding-20140508.xlsx").write_bytes(b"lock")
    tree = write_tree(root / "Cropped-updated" / "Cropped", rows_2014())
    # Frames that the sheet names and the tree lacks, as users of the cropped tree have found.
    (tree / "sub02" / "EP08_1" / "reg_img50.jpg").unlink()
    (tree / "sub02" / "EP09f" / "reg_img45.jpg").unlink()
    return root


def report_of(data, config):
    return json.loads((data / "casme2" / config / "1.0.0" / "preparation.json").read_text())


def prepare(root, data, *more):
    return main(["prepare", "casme2", "--manual-dir", str(root), "--data-dir", str(data), *more])


def test_the_whole_cropped_tree(cropped, tmp_path, capsys):
    assert prepare(cropped, tmp_path, "--config", "cropped", "--workers", "1") == 0
    shown = capsys.readouterr().out
    assert (
        "casme2/cropped: 255 rows read, 255 samples made, 0 drops, 2 corrections, 2 repairs"
        in shown
    )
    report = report_of(tmp_path, "cropped")
    assert report["rows"] == report["samples"] == 255
    assert report["emotions"] == report["published"]["counts"] == COUNTS
    assert report["classes"]["5"]["others"] == 99
    assert sum(report["classes"]["5"].values()) == 246
    assert {
        c["clip"]: (c["kind"], c["code"]) for c in report["changes"] if c["kind"] != "remark"
    } == {
        "04/EP12_01f": ("correction", "apex-missing"),
        "05/EP09_05f": ("correction", "apex-is-onset"),
        "02/EP08_1": ("repair", "offset-frame-missing"),
        "02/EP09f": ("repair", "apex-frame-missing"),
    }
    assert "class set 5: 246" in shown
    assert "; 2 of them without a usable apex in the sheet, which MEGC 2019 left out" in shown
    assert sum(c["code"] == "apex-is-offset" for c in report["changes"]) == 4
    assert report["apex_sources"] == {"annotated": 252, "midpoint": 2, "repaired": 1}
    (row,) = {c["row"] for c in report["changes"] if c["clip"] == "04/EP12_01f"}
    assert row == 31

    clips = {clip.name: clip for clip in load_clips(tmp_path)}
    assert len(clips) == 255
    clip = clips["casme2/04/EP12_01f"]
    assert (clip.onset, clip.apex, clip.offset, clip.apex_source) == (0, 30, 60, "midpoint")
    assert clip.frames.shape == (61, 128, 128)
    # Frames are in numerical order: the drawn frames grow brighter with their number.
    means = clips["casme2/12/EP09_06"].frames.mean(axis=(1, 2))
    assert (np.diff(means) > 0).all()
    assert clips["casme2/12/EP09_06"].aus == ("4", "7", "L10")
    assert clips["casme2/20/EP16_01"].aus == ()
    assert clip.classes == {"3": "negative", "5": "disgust", "7": "disgust"}
    assert len({clip.person for clip in clips.values()}) == 26

    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert prepare(cropped, tmp_path, "--config", "cropped") == 0
    assert "already prepared" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert prepare(cropped, tmp_path, "--config", "cropped", "--strict") == 3
    sentence = capsys.readouterr().err
    assert "2 repairs, which --strict refuses" in sentence
    assert "EP08_1" in sentence


def test_which_coding_was_read(cropped, tmp_path):
    reading = read(cropped, "cropped")
    assert reading.published.source == "rows of the coding sheet of 2014"
    write_sheet(tmp_path / "a" / "CASME2-coding-20140508.xlsx", rows_2014())
    write_sheet(tmp_path / "CASME2-coding-20190701.xlsx", rows_2019(), objective=True)
    write_tree(
        tmp_path / "CASME2_RAW_selected" / "CASME2_RAW_selected", rows_2019(), "raw_selected"
    )
    reading = read(tmp_path, "raw_selected")
    assert reading.published.counts == COUNTS_2019
    assert "2019" in reading.published.source
    said = {change.where: change.code for change in reading.changes if change.row is None}
    assert said["CASME2-coding-20140508.xlsx"] == "coding-not-read"
    assert len(reading.annotations) == 255
    counts = {e: sum(a.emotion == e for a in reading.annotations) for e in COUNTS_2019}
    assert counts == COUNTS_2019
    assert {a.objective for a in reading.annotations} == set(range(1, 8))

    before = read(tmp_path, "raw_selected", 2014)
    counts = {e: sum(a.emotion == e for a in before.annotations) for e in COUNTS}
    assert counts == before.published.counts == COUNTS
    assert {a.objective for a in before.annotations} == {None}
    (unread,) = [change for change in before.changes if change.code == "coding-not-read"]
    assert unread.where == "CASME2-coding-20190701.xlsx"
    assert "--coding 2019" in unread.reason
    (tmp_path / "a" / "CASME2-coding-20140508.xlsx").rename(tmp_path / "old labels.xlsx")
    assert read(tmp_path, "raw_selected", 2014).published.counts == COUNTS
    (tmp_path / "old labels.xlsx").unlink()
    with pytest.raises(
        DataError, match=r"no coding of 2014: CASME2-coding-20190701\.xlsx is of 2019"
    ):
        read(tmp_path, "raw_selected", 2014)
    # Both as sheets of one workbook.
    header = [*HEADER, "Objective Classes"]
    sheets = {
        "14": [HEADER, *(row.cells() for row in rows_2014())],
        "19": [header, *(row.cells(objective=1) for row in rows_2019())],
    }
    write_book(tmp_path / "CASME2-coding-20190701.xlsx", sheets)
    assert read(tmp_path, "raw_selected").published.counts == COUNTS_2019
    before = read(tmp_path, "raw_selected", 2014)
    assert before.published.counts == COUNTS
    assert [c.reason for c in before.changes if c.code == "coding-not-read"] == [
        "its sheet 19 is not read: a coding of 2019; the sheet 14 is preferred (--coding 2019 "
        "reads this one)"
    ]


def test_strict_passes_on_what_is_distributed(tmp_path, whole_frames):
    write_sheet(tmp_path / "in" / "CASME2-coding-20140508.xlsx", list(ODD[:6]))
    write_tree(tmp_path / "in" / "CASME2_RAW_selected", list(ODD[:6]), "raw_selected")
    data = tmp_path / "data"
    assert prepare(tmp_path / "in", data, "--strict", "--workers", "1", "--coding", "2014") == 0
    clips = {clip.name: clip for clip in load_clips(data)}
    assert clips["casme2/04/EP12_01f"].apex_source == "midpoint"
    assert clips["casme2/05/EP09_05f"].apex_source == "midpoint"
    samples = samples_of(data / "casme2" / "raw_selected" / "1.0.0")
    assert samples["05/EP16_04f"]["numbers"].tolist() == list(range(10, 19))


@pytest.mark.parametrize("name", ["labels.csv", "CASME2_label_Ver_2.xls", "my coding.xlsx"])
def test_renamed_and_exported_sheets(tmp_path, name):
    write_sheet(tmp_path / "deep" / name, rows_2014())
    write_tree(tmp_path / "frames", [ODD[0]], "raw_selected")
    reading = read(tmp_path, "raw_selected")
    assert reading.rows == 255
    assert [a.name for a in reading.annotations] == ["04/EP12_01f"]
    drops = [change for change in reading.changes if change.kind == "drop"]
    assert len(drops) == 254
    assert {change.code for change in drops} == {"no-frames"}


def test_objective_classes_from_their_own_file(tmp_path):
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", list(ODD))
    write_tree(tmp_path / "CASME2-RAW", list(ODD), "raw")
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Subject", "Filename", "Objective Class"])
    book.worksheets[0].append([4, "EP12_01f", "IV"])
    book.save(tmp_path / "CASME2-ObjectiveClasses.xlsx")
    reading = read(tmp_path, "raw")
    found = {a.name: a.objective for a in reading.annotations if a.objective}
    assert found == {"04/EP12_01f": 4}
    assert len(reading.annotations) == len(ODD)


def test_trees_are_told_apart(tmp_path):
    rows = list(ODD[:2])
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", rows)
    for tree in ("raw", "raw_selected", "cropped"):
        write_tree(tmp_path / tree, rows, tree)
    for tree in ("raw", "raw_selected", "cropped"):
        for annotation in read(tmp_path, tree).annotations:
            assert all(tree in path.parts for path in annotation.frames.values())
            assert annotation.cropped == (tree == "cropped")


def test_subject_as_a_number_blank_cells_and_two_rows_of_one_clip(tmp_path):
    rows = list(ODD[:3])
    table = [*rows, *rows[1:2]]
    sheet = write_sheet(tmp_path / "coding.xlsx", table)
    book = openpyxl.load_workbook(sheet)
    cells = book.worksheets[0]
    cells["A2"], cells["D3"], cells["I4"] = 4, "about 70", None
    book.save(sheet)
    write_tree(tmp_path / "selected", rows, "raw_selected")
    reading = read(tmp_path, "raw_selected")
    assert [a.name for a in reading.annotations] == ["04/EP12_01f", "05/EP09_05f", "05/EP09_05f"]
    codes = sorted(c.code for c in reading.changes if c.kind != "remark")
    assert codes == ["cell-unreadable", "incomplete"]
    data = tmp_path / "data"
    # No face can be found in drawn frames: every clip is a drop, and nothing crashes.
    assert prepare(tmp_path, data, "--workers", "1") == 3


@pytest.fixture
def faces(tmp_path, surprise):
    """Four clips of raw frames: a good one, one without a face, one with a cut frame, an empty."""
    rows = [rows_2014()[k] for k in range(4)]
    for row in rows:
        row.onset, row.apex, row.offset = 11, 15, 18
    write_sheet(tmp_path / "m" / "CASME2-coding-20140508.xlsx", rows)
    tree = write_tree(tmp_path / "m" / "CASME2_RAW_selected", rows, "raw_selected")
    for row in (rows[0], rows[2]):
        for number, frame in enumerate(surprise.frames, start=5):
            path = tree / f"sub{row.subject}" / row.clip / f"img{number}.jpg"
            assert cv2.imwrite(str(path), np.asarray(frame))
    broken = tree / f"sub{rows[2].subject}" / rows[2].clip / "img15.jpg"
    broken.write_bytes(broken.read_bytes()[:2000])
    margin = tree / f"sub{rows[0].subject}" / rows[0].clip / "img6.jpg"
    margin.write_bytes(b"\xff\xd8 no image")
    for path in (tree / f"sub{rows[3].subject}" / rows[3].clip).iterdir():
        path.write_bytes(b"")
    return tmp_path / "m"


def test_bad_clips_are_drops_with_their_reasons(faces, tmp_path, capsys):
    data = tmp_path / "data"
    assert prepare(faces, data, "--strict", "--workers", "1") == 3
    assert "8 choices and 1 drop, which --strict refuses" in capsys.readouterr().err
    assert prepare(faces, data, "--workers", "2") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("casme2/raw_selected: 2 OF 4 ROWS WERE DROPPED (2 unusable), 2 samp")
    report = report_of(data, "raw_selected")
    assert (report["rows"], report["samples"], report["drops"]) == (4, 2, 2)
    reasons = [c["reason"] for c in report["changes"] if c["kind"] == "drop"]
    for words in ("holds no frame", "no face found"):
        assert sum(words in reason for reason in reasons) == 1
    clip, broken = sorted(load_clips(data), key=lambda clip: clip.name)
    # Frame 6 in the margin cannot be decoded: 5, 7 to 24 are left.
    assert (clip.onset, clip.apex, clip.offset, len(clip.frames)) == (5, 9, 12, 19)
    assert sum(c["code"] == "margin-unreadable" for c in report["changes"]) == 1
    # The apex 15 cannot be decoded: 14 takes its place, as if the file had 0 bytes.
    assert (broken.onset, broken.apex, broken.offset, broken.apex_source) == (6, 9, 12, "repaired")
    (said,) = [c for c in report["changes"] if c["code"] == "frame-unreadable"]
    assert "img15.jpg is cut off" in said["reason"]


def test_a_faint_face_is_found_by_a_lower_threshold(monkeypatch, tmp_path):
    write_sheet(tmp_path / "coding.xlsx", list(ODD[:1]))
    write_tree(tmp_path / "CASME2-RAW", list(ODD[:1]), "raw")
    asked = []

    def faint(frames, *, onset, config):
        asked.append(config.detector.min_score)
        if config.detector.min_score > 0:
            raise DataError("no face found in the onset frame")
        return correcting.as_they_are(list(frames), config)

    monkeypatch.setattr(correcting, "correct_clip", faint)
    assert prepare(tmp_path, tmp_path / "data", "--config", "raw", "--workers", "1") == 0
    report = report_of(tmp_path / "data", "raw")
    assert report["samples"] == 1
    assert asked == [0.2, -0.3]
    assert "faint-face" in {change["code"] for change in report["changes"]}


def test_other_content_is_prepared_again_and_an_interruption_resumes(
    cropped, tmp_path, monkeypatch, capsys
):
    rows = list(ODD[:4])
    root, data = tmp_path / "m", tmp_path / "data"
    sheet = write_sheet(root / "CASME2-coding-20140508.xlsx", rows)
    write_tree(root / "Cropped", rows)
    made, sample = [], correcting._sample

    def counted(task, images):
        if len(made) == 2:
            made.append("stop")
            raise KeyboardInterrupt
        made.append(task.annotation.name)
        return sample(task, images)

    monkeypatch.setattr(correcting, "_sample", counted)
    options = ("--config", "cropped", "--workers", "1")
    assert prepare(root, data, *options) == 130
    assert not (data / "casme2").exists()
    assert prepare(root, data, *options) == 0
    assert made == ["04/EP12_01f", "05/EP09_05f", "stop", "05/EP16_04f", "12/EP09_06"]
    assert not list(data.glob(".*"))
    book = openpyxl.load_workbook(sheet)
    book.worksheets[0]["I2"] = "fear"
    book.save(sheet)
    capsys.readouterr()
    assert prepare(root, data, *options) == 0
    assert "prepared from other data" in capsys.readouterr().err
    assert report_of(data, "cropped")["emotions"]["fear"] == 1
    (root / "Cropped" / "sub05" / "EP09_05f" / "reg_img70.jpg").write_bytes(drawn(3) + b"\xff\xd9")
    assert prepare(root, data, *options) == 0
    assert "prepared from other data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ("--manual-dir", "authors")),
        (("--manual-dir", "{tmp}/none"), ("there is no folder", "none")),
        (("--manual-dir", "{tmp}"), ("no coding sheet", "CASME2-coding-20140508.xlsx")),
        (("--manual-dir", "{tmp}", "--config", "huge"), ("huge", "raw_selected, raw, cropped")),
        (("--manual-dir", "{tmp}", "--seed", "3"), ("no use for --seed",)),
        (("--manual-dir", "{tmp}", "--coding", "2018"), ("no coding of 2018", "2014 and 2019")),
        (("--coding", "2014"), ("--coding needs --manual-dir",)),
    ],
)
def test_what_cannot_be_prepared_says_so(tmp_path, capsys, options, words):
    given = [option.format(tmp=tmp_path) for option in options]
    assert main(["prepare", "casme2", "--data-dir", str(tmp_path / "d"), *given]) in (2, 3)
    sentence = capsys.readouterr().err.strip()
    assert len(sentence.splitlines()) == 1
    for word in words:
        assert word in sentence
