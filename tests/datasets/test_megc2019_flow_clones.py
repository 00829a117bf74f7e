"""Clones of public code: the flow images among copies of themselves and pictures of faces."""

import shutil

import cv2
import numpy as np
import pytest
from trees.megc2019_flow_tree import Sample, draw_flow, make_tree, write_picture

from mace.datasets.megc2019_flow.reading import read
from mace.errors import DataError

FEW = [
    Sample("casme2", "sub01", "EP02_01f", 1),
    Sample("casme2", "sub03", "EP01_2", 2),
    Sample("smic", "s01", "s01_ne_01", 0),
    Sample("samm", "006", "006_5_10", 0),
]


@pytest.fixture
def clone(tmp_path):
    """A tree of the pictures, and of faces under the same names, which differ from each other."""
    tree = make_tree(tmp_path, samples=FEW)
    rng = np.random.default_rng(1)
    for folder, suffix in (("faces", ".png"), ("faces", ".jpg"), ("larger", ".png")):
        for path in tree.images.values():
            face = rng.integers(0, 255, (100, 90, 3), np.uint8)
            other = tmp_path / folder / f"{path.stem.strip()}{suffix}"
            other.parent.mkdir(exist_ok=True)
            write_picture(other, face)
    return tree


def pictures_of(reading):
    return {image.name: image.picture for image in reading.images}


def as_stored(tree):
    return {name: cv2.imread(str(path))[..., ::-1] for name, path in tree.images.items()}


def check(root, tree, code):
    reading = read(root)
    assert [change for change in reading.changes if change.kind == "drop"] == []
    got, stored = pictures_of(reading), as_stored(tree)
    assert got.keys() == stored.keys()
    assert all(np.array_equal(got[name], stored[name]) for name in got)
    said = [change for change in reading.changes if change.code == code]
    assert len(said) == 1
    return said[0]


def test_faces_of_the_same_names_are_passed_over(clone, tmp_path):
    said = check(tmp_path, clone, "folder-chosen")
    assert said.where.endswith("norm_u_v_os")
    assert said.reason.startswith("12 pictures elsewhere are not read")


def test_copies_for_every_fold_are_one_picture(clone, tmp_path):
    folds = {sample.subject for sample in FEW}
    for fold in folds:
        for sample in FEW:
            part = "u_test" if sample.subject == fold else "u_train"
            path = clone.images[sample.name]
            copy = tmp_path / "folds" / fold / part / str(sample.label) / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    said = check(tmp_path, clone, "folder-chosen")
    assert "5 folders have the same picture for each" in said.reason


def test_two_whole_folders_that_differ_are_refused_by_the_files_that_do(clone, tmp_path):
    other = tmp_path / "other flow"
    shutil.copytree(next(iter(clone.images.values())).parent, other)
    changed = other / clone.images["samm/006/006_5_10"].name
    write_picture(changed, draw_flow(np.random.default_rng(9), 1))
    with pytest.raises(DataError, match=r"both have a picture for every row, and .*006_006_5_10"):
        read(tmp_path)


def test_half_a_folder_names_the_pictures_that_differ(tmp_path):
    tree = make_tree(tmp_path, samples=FEW)
    path = tree.images["samm/006/006_5_10"]
    path.with_name("sub01_EP02_01f .png").unlink()
    for number in range(2):
        twin = tmp_path / f"copy{number}" / path.name
        twin.parent.mkdir()
        shutil.copy(path, twin)
    write_picture(tmp_path / "copy1" / path.name, draw_flow(np.random.default_rng(9), 1))
    reading = read(tmp_path)
    reasons = {c.clip: c.reason for c in reading.changes if c.kind == "drop"}
    assert set(reasons) == {"casme2/sub01/EP02_01f", "samm/006/006_5_10"}
    differing = reasons["samm/006/006_5_10"]
    assert str(tmp_path / "copy1" / path.name) in differing
    assert "have one name and differ" in differing


def test_a_linked_folder_is_entered(tmp_path):
    tree = make_tree(tmp_path / "elsewhere", samples=FEW)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "linked").symlink_to(tree.labels.parent)
    assert len(read(tmp_path / "raw").images) == len(FEW)


def test_of_four_pictures_a_clip_the_first_is_read(tmp_path):
    tree = make_tree(tmp_path, samples=FEW)
    rng = np.random.default_rng(3)
    for path in tree.images.values():
        for number in (1, 2, 3):
            write_picture(path.with_name(f"{path.stem.strip()}_{number} .png"), draw_flow(rng, 0))
    said = check(tmp_path, tree, "image-of-four")
    assert said.reason.startswith("12 pictures have _1, _2 or _3 behind the name")
    assert len(read(tmp_path).changes) == 2  # and the zeros of SAMM's subjects


def test_many_pictures_without_a_row_are_one_remark(tmp_path):
    tree = make_tree(tmp_path, samples=FEW)
    path = next(iter(tree.images.values()))
    for number in range(30):
        shutil.copy(path, path.with_name(f"sub99_EP{number:02d}_x.png"))
    said = check(tmp_path, tree, "image-without-row")
    assert said.reason.startswith("30 pictures that no row of combined_3class_gt.csv names")


@pytest.mark.parametrize("header", ["data,subject,clip,label", ",0,1,2,3", "0,1,2,3"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_label_files_that_pandas_has_written(tmp_path, header, encoding):
    tree = make_tree(tmp_path, samples=FEW)
    lines = tree.labels.read_text().splitlines()
    if header.startswith(","):
        lines = [f"{number},{line}" for number, line in enumerate(lines)]
    tree.labels.write_text("\n".join([header, *lines]), encoding=encoding)
    reading = read(tmp_path)
    assert (reading.rows, len(reading.images)) == (4, 4)
