"""The public flow images of MEGC 2019 from folders of that form, through `mace prepare`."""

import json
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest
from trees.megc2019_flow_tree import (
    FOLDS,
    Sample,
    composite,
    draw_flow,
    label_text,
    make_tree,
    write_picture,
)

from mace.cli import main
from mace.data.flow_images import holds_flow_images, load_flow_images, scale_flow_images
from mace.datasets.megc2019_flow.reading import read
from mace.errors import DataError

COUNTS = {"negative": 250, "positive": 109, "surprise": 83}


def prepare(root, data, *more):
    where = ["--manual-dir", str(root), "--data-dir", str(data)]
    return main(["prepare", "megc2019_flow", *where, *more])


def folder_of(data):
    return data / "megc2019_flow" / "composite" / "1.0.0"


def report_of(data):
    return json.loads((folder_of(data) / "preparation.json").read_text())


def few():
    """Seven samples of three databases."""
    names = [
        ("casme2", "sub01", "EP02_01f", 1),
        ("casme2", "sub03", "EP01_2", 2),
        ("casme2", "sub09", "EP09f", 1),
        ("smic", "s01", "s01_ne_01", 0),
        ("smic", "s20", "s20_sur_03", 2),
        ("samm", "006", "006_5_10", 0),
        ("samm", "037", "037_3_2", 0),
    ]
    return [Sample(*name) for name in names]


@pytest.mark.parametrize("form", ["plain", "blank-lines", "header"])
def test_every_form_gives_442_images_of_68_subjects(form, tmp_path, capsys):
    make_tree(tmp_path / "raw", form=form, blank_before_dot=form != "header")
    assert prepare(tmp_path / "raw", tmp_path / "data") == 0
    assert (
        "442 rows read, 442 samples made, 0 drops, 0 corrections, 0 repairs"
        in capsys.readouterr().out
    )
    report = report_of(tmp_path / "data")
    assert report["emotions"] == report["readable"] == report["published"]["counts"] == COUNTS
    assert report["classes"] == {"3": COUNTS}
    folder = folder_of(tmp_path / "data")
    assert holds_flow_images(folder)
    found = load_flow_images(folder)
    assert found.inputs.shape == (442, 1, 28, 28, 3)
    assert found.inputs.dtype == np.float32
    assert found.classes == ("negative", "positive", "surprise")
    assert len(found.subjects) == 68
    truth = {f"{db}/{s}": c for db, subjects in FOLDS.items() for s, c in subjects.items()}
    for group, subject in enumerate(found.subjects):
        labels = found.labels[found.groups == group]
        assert tuple(np.bincount(labels, minlength=3)) == truth[subject]
    assert set(found.clips) == {sample.name for sample in composite()}
    assert found.motion.flow == "images"


def test_red_is_u_green_is_v_and_blue_is_strain(tmp_path):
    tree = make_tree(tmp_path / "raw", samples=few())
    picture = np.zeros((28, 28, 3), np.uint8)
    picture[..., 0], picture[..., 1], picture[..., 2] = 255, 51, 102
    picture[3, 7] = (0, 204, 0)
    path = tree.images["smic/s01/s01_ne_01"]
    write_picture(path, picture)
    # As OpenCV reads the file, blue comes first.
    assert cv2.imread(str(path))[0, 0].tolist() == [102, 51, 255]
    (image,) = [i for i in read(tmp_path / "raw").images if i.clip == "s01_ne_01"]
    assert np.array_equal(image.picture, picture)
    assert prepare(tmp_path / "raw", tmp_path / "data") == 0
    found = load_flow_images(folder_of(tmp_path / "data"))
    inputs = found.inputs[found.clips.index("smic/s01/s01_ne_01"), 0]
    assert inputs[0, 0] == pytest.approx([1.0, 51 / 127.5 - 1, 0.4])
    assert inputs[3, 7] == pytest.approx([-1.0, 204 / 127.5 - 1, 0.0])


def test_flipping_is_what_a_mirrored_face_would_have_been_stretched_to():
    import jax.numpy as jnp

    from mace.augment.image import flip
    from mace.motion.config import MotionConfig

    rng = np.random.default_rng(0)
    flow = rng.normal(0.3, 1, (28, 28, 3))  # stillness is far from the middle of the range
    flow[..., 2] = np.abs(flow[..., 2])
    mirrored = flow[:, ::-1] * np.array([-1, 1, 1])

    def stretched(field):
        low, high = field.min((0, 1)), field.max((0, 1))
        return scale_flow_images(np.round(255 * (field - low) / (high - low)).astype(np.uint8))

    config = MotionConfig(flow="images", size=28)
    assert np.asarray(flip(jnp.asarray(stretched(flow)), motion=config)) == pytest.approx(
        stretched(mirrored), abs=1.01 / 127.5
    )


def test_nested_copies_strays_and_a_second_label_file(tmp_path):
    tree = make_tree(tmp_path / "raw")
    other = tmp_path / "raw" / "labels" / "combined_3class_gt-2.csv"
    other.parent.mkdir()
    # The official file with empty lines lacks one row.
    lacking = [sample for sample in tree.samples if sample.name != "samm/032/032_1_3"]
    other.write_text(label_text(lacking, "blank-lines"))
    (tmp_path / "raw" / "apex.csv").write_text("clip,apex\nsub01_EP02_01f,12\n")
    copies = tmp_path / "raw" / "__MACOSX" / "norm_u_v_os"
    copies.mkdir(parents=True)
    path = tree.images["samm/006/006_1_1"]
    (copies / f"._{path.name}").write_bytes(b"\0\5\x16\7")
    twin = tmp_path / "raw" / "twice" / path.name.upper().replace(" ", "")
    twin.parent.mkdir()
    shutil.copy(path, twin)
    reading = read(tmp_path / "raw")
    assert len(reading.images) == reading.rows == 442
    assert {change.code: change.clip for change in reading.changes} == {
        "subject-zeros": "",
        "label-file-unused": "",
        "image-repeated": "samm/006/006_1_1",
    }
    (unused,) = [c for c in reading.changes if c.code == "label-file-unused"]
    assert "lacks 1 of its clips and names 0 others" in unused.reason


def test_labels_that_contradict_each_other_are_refused(tmp_path):
    make_tree(tmp_path, samples=few())
    changed = [*few()[1:], Sample("casme2", "sub01", "EP02_01f", 0)]
    (tmp_path / "other.csv").write_text(label_text(changed, "header"))
    with pytest.raises(DataError, match="casme2/sub01/EP02_01f"):
        read(tmp_path)


def test_what_cannot_be_used_is_a_drop_with_its_reason(tmp_path, capsys):
    samples = list(composite())[:40]
    tree = make_tree(tmp_path / "raw", samples=samples)
    paths = [tree.images[sample.name] for sample in samples]
    paths[0].unlink()
    write_picture(paths[1], np.zeros((56, 56, 3), np.uint8))
    paths[2].write_bytes(b"")
    paths[3].write_bytes(paths[3].read_bytes()[:40])
    write_picture(paths[4], np.zeros((28, 28), np.uint8))
    rng = np.random.default_rng(5)
    contradicting = paths[5].parent.parent / "other" / paths[5].name
    contradicting.parent.mkdir()
    write_picture(contradicting, draw_flow(rng, 2))
    write_picture(paths[6].with_name("sub99_EP01_01.png"), draw_flow(rng, 0))
    paths[8].rename(paths[8].with_name("sub2_EP2_1f .png"))
    lines = tree.labels.read_text().splitlines()
    assert lines[7] == "casme2,sub02,EP01_05f,0"
    lines.insert(1, "casme2,sub02,EP01_05f,1")
    lines += ["casme3,sub01,EP01_09,0", "casme2,sub01,EP01_09,7", "casme2,,EP01_09,1", lines[-1]]
    tree.labels.write_text("\n".join(lines))
    reading = read(tmp_path / "raw")
    drops = [change for change in reading.changes if change.kind == "drop"]
    assert len(reading.images) + len(drops) == reading.rows == 45
    assert [c.clip for c in reading.changes if c.kind == "repair"] == ["casme2/sub02/EP02_01f"]
    assert Counter(change.code for change in drops) == {
        "image-missing": 1,
        "image-size": 1,
        "image-unreadable": 2,
        "image-channels": 1,
        "image-contradicted": 1,
        "row-contradicted": 2,
        "row-repeated": 1,
        "database-unknown": 1,
        "label-unknown": 1,
        "name-missing": 1,
    }
    assert prepare(tmp_path / "raw", tmp_path / "data", "--strict") == 3
    assert "drops, which --strict refuses" in capsys.readouterr().err
    assert prepare(tmp_path / "raw", tmp_path / "data") == 0
    report = report_of(tmp_path / "data")
    assert (report["rows"], report["samples"], report["drops"]) == (45, 33, 12)


def test_labels_counted_from_1_are_refused(tmp_path):
    root = make_tree(tmp_path / "raw", samples=few()).root
    (labels,) = root.rglob("combined_3class_gt.csv")
    rows = [line.rsplit(",", 1) for line in labels.read_text().splitlines() if line.strip(", ")]
    labels.write_text("".join(f"{row},{int(label) + 1}\n" for row, label in rows))
    with pytest.raises(DataError, match=r"has the labels 1 to 3 and no 0; expected 0 negative"):
        read(root)


def test_a_second_call_does_nothing_and_other_content_is_prepared_again(tmp_path, capsys):
    tree = make_tree(tmp_path / "raw", samples=few())
    data = tmp_path / "data"
    assert prepare(tmp_path / "raw", data) == 0
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    assert prepare(tmp_path / "raw", data) == 0
    assert "already prepared" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before
    tree.images["samm/037/037_3_2"].unlink()
    assert prepare(tmp_path / "raw", data) == 0
    assert report_of(data)["samples"] == len(load_flow_images(folder_of(data))) == 6


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: None, ("no label file",)),
        (lambda root: (root / "a.csv").write_text("x,y\n1,2\n"), ("no label file", "a.csv")),
        (lambda root: (root / "a.csv").write_text("casme2,sub01,EP1,0\n"), ("no picture", "a.csv")),
        (
            lambda root: (
                (root / "a.csv").write_text("casme2,sub01,EP1,0\n"),
                write_picture(root / "b.png", np.zeros((28, 28, 3), np.uint8)),
            ),
            ("none of the 1 rows", "no picture sub01_EP1"),
        ),
    ],
)
def test_a_folder_that_is_something_else_is_one_sentence(make, words, tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    make(tmp_path / "raw")
    assert prepare(tmp_path / "raw", tmp_path / "data") == 3
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    for word in words:
        assert word in error
    assert prepare(tmp_path / "none", tmp_path / "data") == 3
    assert "there is no folder" in capsys.readouterr().err
