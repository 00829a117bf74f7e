"""Folders with other people's files in them."""

import os
import re

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st

from mace.datasets.reading.trees import find_folders, find_table, frame_files
from mace.errors import DataError


def put(root, *names, content=b"x"):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_table_by_name_wherever_it_lies(tmp_path):
    put(tmp_path, "deep/er/CASME2-Coding-20140508.XLSX", "~$casme2-coding.xlsx", "a/other.xls")
    put(tmp_path, "deep/casme2-coding-20140508 (1).xlsx", ".casme2-coding.xlsx")
    choice = find_table(tmp_path, "casme2-coding*")
    assert choice.path.name == "CASME2-Coding-20140508.XLSX"
    assert [path.name for path in choice.others] == ["casme2-coding-20140508 (1).xlsx"]
    assert find_table(tmp_path, ["no*", "OTHER"]).path.name == "other.xls"
    with pytest.raises(DataError, match=r"no annotation file x or y .*other\.xls"):
        find_table(tmp_path, ["x", "y"])
    with pytest.raises(DataError, match="there is no folder"):
        find_table(tmp_path / "none", "*")


def test_clip_folders_at_any_depth(tmp_path):
    put(tmp_path, "raw/sub01/EP02_01f/img1.jpg", "cropped/A/sub1/EP02_01f/reg_img1.jpg")
    put(tmp_path, "raw/sub02/EP02_01f/img1.jpg", "raw/sub01/EP02_1f/img1.jpg")
    put(tmp_path, "raw/sub01/EP02_01f/.DS_Store", "raw/sub03/EP02_01f/Thumbs.db")
    index = find_folders(tmp_path)
    found = index.clip("01", "EP02_01f")
    assert [str(f.path.relative_to(tmp_path)) for f in found] == [
        "raw/sub01/EP02_01f",
        "cropped/A/sub1/EP02_01f",
    ]
    assert [f.within("CROPPED") for f in found] == [False, True]
    assert index.clip(3, "EP02_01f") == ()
    assert len(index.clip(1, "ep2_01F")) == 3  # no exact name, so all that are alike


def test_a_link_to_a_folder_above_ends(tmp_path):
    put(tmp_path, "sub01/a/1.png")
    os.symlink(tmp_path, tmp_path / "sub01" / "loop")
    assert len(find_folders(tmp_path).clip(1, "a")) == 1


def test_frames_by_number_whatever_the_padding(tmp_path):
    put(tmp_path, "img9.jpg", "img10.JPG", "img0011.jpg", "Thumbs.db", "._img12.jpg", "img13.lnk")
    put(tmp_path, "img011.jpg", "cover.jpg")
    put(tmp_path, "img14.jpg", content=b"")
    (tmp_path / "img15.jpg").mkdir()
    problems = []
    frames = frame_files(tmp_path, problems=problems)
    assert list(frames) == [9, 10, 11]
    assert frames[11].name == "img011.jpg"
    assert len(problems) == 3
    assert any("img0011.jpg has the number of img011.jpg" in text for text in problems)
    assert any("img14.jpg is empty" in text for text in problems)
    only = frame_files(tmp_path, re.compile(r"img(1\d)", re.IGNORECASE))
    assert list(only) == [10]
    with pytest.raises(DataError, match="cannot read the folder"):
        frame_files(tmp_path / "none")


USUAL = st.builds(
    "{}{}{}".format,
    st.sampled_from(["img", "reg_img", "", "EP01-"]),
    st.integers(0, 30),
    st.sampled_from([".jpg", ".bmp", ".db", "", " .png", ".jpg.lnk"]),
)
LETTERS = st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"])
NAMES = st.lists(USUAL | st.text(LETTERS, min_size=1, max_size=8), max_size=12, unique=True)


@given(names=NAMES)
@mutations(150)
def test_any_names_in_a_folder(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("f")
    made = 0
    for name in names:
        if name not in (".", ".."):
            (folder / name).write_bytes(b"x")
            made += 1
    problems = []
    frames = frame_files(folder, problems=problems)
    assert list(frames) == sorted(frames)
    assert len(frames) + len(problems) <= made
    assert all(path.parent == folder for path in frames.values())
    assert find_folders(folder) is not None
