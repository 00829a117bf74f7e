"""CASME II as people hold it: renamed and renumbered folders, videos alone, disks of everything."""

from dataclasses import replace

import pytest
from trees.casme2_tree import rows_2014, write_sheet, write_tree

from mace.datasets.casme2.reading import read
from mace.datasets.reading.storing import plan_clips
from mace.errors import DataError
from mace.face.config import FaceConfig


def few_rows(count=6):
    rows = [replace(row) for row in rows_2014()[:count]]
    for k, row in enumerate(rows):
        row.onset, row.apex, row.offset = 30 + k, 40 + k, 50 + k
    return rows


def renumber(tree, rows, first):
    for row in rows:
        folder = tree / f"sub{row.subject}" / row.clip
        for number in range(row.onset, row.offset + 1):
            path = folder / f"img{number}.jpg"
            path.rename(folder / f"img{number - row.onset + first}.jpg")


@pytest.mark.parametrize("first", [0, 1])
def test_frames_that_were_all_numbered_anew_count_as_the_sheet_does(tmp_path, first):
    rows = few_rows()
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", rows)
    tree = write_tree(tmp_path / "selected", rows, "raw_selected")
    renumber(tree, rows, first)
    reading = read(tmp_path, "raw_selected")
    for annotation, row in zip(reading.annotations, rows, strict=True):
        assert list(annotation.frames) == list(range(row.onset, row.offset + 1))
        assert annotation.frames[row.onset].name == f"img{first}.jpg"
    (said,) = [change for change in reading.changes if change.code == "frames-renumbered"]
    assert said.reason.startswith("6 folders hold exactly the frames of their intervals")


def test_one_folder_numbered_anew_among_others_is_dropped_and_not_guessed(tmp_path):
    rows = few_rows()
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", rows)
    tree = write_tree(tmp_path / "selected", rows, "raw_selected")
    renumber(tree, rows[2:3], 1)
    for lost in (48, 49, 50):
        (tree / f"sub{rows[0].subject}" / rows[0].clip / f"img{lost}.jpg").unlink()
    for lost in range(45, 52):
        (tree / f"sub{rows[1].subject}" / rows[1].clip / f"img{lost}.jpg").unlink()
    tasks, changes = plan_clips(read(tmp_path, "raw_selected"), face=FaceConfig())
    assert [task.offset for task in tasks] == [47, 53, 54, 55]
    reasons = {change.clip: change.reason for change in changes if change.kind == "drop"}
    assert list(reasons) == [f"{row.subject}/{row.clip}" for row in rows[1:3]]
    assert "the nearest, 44, is 7 frames away" in reasons["02/EP30_02f"]
    assert "annotated from 32 to 52, but its frames are 1 to 21" in reasons["03/EP30_03"] or (
        "onset frame 32 does not exist" in reasons["03/EP30_03"]
    )


@pytest.mark.parametrize(
    "place", ["被试{0}/{1}", "sub{0}_{1}", "{0}_{1}", "Subject {0}/{1}", "x/sub{0}-{1}"]
)
def test_subjects_and_clips_as_people_name_their_folders(tmp_path, place):
    rows = few_rows()
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", rows)
    tree = write_tree(tmp_path / "selected", rows, "raw_selected")
    for row in rows:
        folder = tmp_path / "named" / place.format(row.subject, row.clip)
        folder.parent.mkdir(parents=True, exist_ok=True)
        (tree / f"sub{row.subject}" / row.clip).rename(folder)
    (tmp_path / "named").rename(tmp_path / "selected frames")
    reading = read(tmp_path, "raw_selected")
    assert [a.name for a in reading.annotations] == [f"{r.subject}/{r.clip}" for r in rows]
    assert [c.code for c in reading.changes] == ["coding"]


def test_subjects_as_pandas_writes_them(tmp_path):
    rows = few_rows()
    for row in rows:
        row.subject = f"{float(row.subject)}"
    write_sheet(tmp_path / "CASME2-coding.csv", rows)
    write_tree(tmp_path / "selected", few_rows(), "raw_selected")
    assert [a.subject for a in read(tmp_path, "raw_selected").annotations] == [
        f"0{k}" for k in range(1, 7)
    ]


def test_videos_alone_are_for_the_other_reader(tmp_path):
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", few_rows())
    video = tmp_path / "CASME2_compressed video" / "sub01" / "EP30_01.avi"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"only videos such as EP30_01\.avi: .*mace prepare folder"):
        read(tmp_path, "raw_selected")


def test_a_disk_of_several_sets_is_told_by_number(tmp_path):
    rows = few_rows(2)
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", rows)
    write_tree(tmp_path / "CASME2" / "selected", rows, "raw_selected")
    write_tree(tmp_path / "$RECYCLE.BIN" / "selected", rows, "raw_selected")
    others = [
        replace(row, clip=f"EP{k:02d}_77", onset=1, offset=1) for k in range(40) for row in rows
    ]
    write_tree(tmp_path / "SAMM" / "selected", others, "raw_selected")
    reading = read(tmp_path, "raw_selected")
    assert {c.code for c in reading.changes} == {"coding", "folder-without-row"}
    (said,) = [c for c in reading.changes if c.code == "folder-without-row"]
    assert (said.clip, said.reason.split(",")[0]) == (
        "SAMM",
        "80 folders of images that no row of the sheet names",
    )
