"""`mace flow-images`: pictures for other people's code, which our own reader reads again."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mace.cli import main
from mace.data.flow_folder import write_flow_folder
from mace.data.flow_images import load_flow_images, scale_flow_images, stretch_flow
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError, OutputError
from mace.motion.config import MotionConfig
from mace.motion.representation import STRAIN_SCALE
from mace.places import prepared_dataset

CLIPS = ("casme2/01/EP02_01f", "casme2/01/EP03_02", "casme2/17/EP01_01", "smic/s3/s3_ne_01",
         "samm/6/006_1_2", "lab/anna/smile 1")  # fmt: skip
FOLDERS = ("sub01", "sub01", "sub17", "s03", "006", "anna")
CLASSES = ("negative", "positive", "surprise")


def make_set(*, labels=(0, 1, 2, 0, 1, 2), clips=CLIPS, size=28, classes=CLASSES) -> MotionSet:
    rng = np.random.default_rng(0)
    people = tuple(sorted({clip.rpartition("/")[0] for clip in clips}))
    inputs = rng.normal(0, 2, (len(clips), 1, size, size, 3)).astype(np.float32)
    inputs[..., 2] = np.abs(inputs[..., 2])
    return MotionSet(
        inputs=inputs,
        labels=np.array(labels, np.int32),
        groups=np.array([people.index(clip.rpartition("/")[0]) for clip in clips], np.int32),
        subjects=people,
        clips=clips,
        classes=classes,
        motion=MotionConfig(size=size),
    )


def read_table(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def picture(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image[..., ::-1]


def test_every_subject_has_a_fold_of_all_clips(tmp_path):
    motion_set = make_set()
    out = write_flow_folder(tmp_path / "out", motion_set)
    root = out / "norm_u_v_os"
    assert sorted(path.name for path in root.iterdir()) == sorted(set(FOLDERS))
    assert sorted(path.name for path in out.iterdir()) == [
        "flow_images.json", "labels.csv", "norm_u_v_os",
    ]  # fmt: skip
    expected = stretch_flow(motion_set.inputs[:, 0])
    for person in set(FOLDERS):
        for k, (clip, folder) in enumerate(zip(CLIPS, FOLDERS, strict=True)):
            part = "u_test" if folder == person else "u_train"
            name = f"{folder}_{clip.split('/')[2].replace(' ', '-')} .png"
            path = root / person / part / str(motion_set.labels[k]) / name
            np.testing.assert_array_equal(picture(path), expected[k])
        assert sum(1 for _ in (root / person).rglob("*.png")) == len(CLIPS)
    assert json.loads((out / "flow_images.json").read_text())["classes"] == list(CLASSES)


def test_the_table_gives_back_the_values_within_half_a_gray_level(tmp_path):
    motion_set = make_set(size=40)
    out = write_flow_folder(tmp_path / "out", motion_set, folds=False)
    scale = np.array([1, 1, STRAIN_SCALE])
    for k, row in enumerate(read_table(out)):
        stem = row["imagename"].removesuffix(".png")
        gray = picture(out / "norm_u_v_os" / f"{stem} .png")
        low, high = (
            np.array([float(row[f"{name}_{end}"]) for name in ("u", "v", "strain")])
            for end in ("min", "max")
        )
        values = low + gray / 255 * (high - low)
        error = np.abs(values - motion_set.inputs[k, 0] * scale)
        assert (error <= (high - low) / 255 * 0.51).all()
        assert row["class"] == CLASSES[int(row["label"])]


@pytest.mark.parametrize("folds", [True, False])
def test_what_is_written_is_read_again(folds, tmp_path, capsys):
    motion_set = make_set()
    write_flow_folder(tmp_path / "out", motion_set, folds=folds)
    where = ["--data-dir", str(tmp_path / "data")]
    command = ["prepare", "megc2019_flow", "--manual-dir", str(tmp_path / "out"), *where]
    assert main(command) == 0
    again = load_flow_images(prepared_dataset("megc2019_flow", data_dir=tmp_path / "data"))
    assert again.classes == CLASSES
    names = [f"{clip.split('/')[0]}/{folder}" for clip, folder in zip(CLIPS, FOLDERS, strict=True)]
    order = [
        again.clips.index(f"{name}/{clip.split('/')[2]}")
        for name, clip in zip(names, CLIPS, strict=True)
    ]
    assert len(again) == len(CLIPS)
    np.testing.assert_array_equal(again.labels[order], motion_set.labels)
    assert [again.subjects[again.groups[k]] for k in order] == names
    expected = scale_flow_images(stretch_flow(motion_set.inputs[:, 0]))
    np.testing.assert_array_equal(again.inputs[order, 0], expected)
    # And they go out again as they came in.
    out = str(tmp_path / "again")
    assert main(["flow-images", out, "--dataset", "megc2019_flow", "--no-folds", *where]) == 0
    for path in (tmp_path / "again" / "norm_u_v_os").iterdir():
        (first, *_) = (tmp_path / "out").rglob(path.name)
        assert path.read_bytes() == first.read_bytes()
    assert "6 flow images in one folder" in capsys.readouterr().out


def test_other_classes_are_counted_from_0_and_read_again_by_name(tmp_path):
    classes = ("disgust", "fear", "happiness", "tense")
    motion_set = make_set(labels=(3, 1, 2, 0, 1, 3), classes=classes)
    write_flow_folder(tmp_path / "out", motion_set)
    where = ["--data-dir", str(tmp_path / "data")]
    command = ["prepare", "megc2019_flow", "--manual-dir", str(tmp_path / "out"), *where]
    assert main(command) == 0
    again = load_flow_images(prepared_dataset("megc2019_flow", data_dir=tmp_path / "data"))
    assert again.classes == classes


def test_people_of_two_databases_who_have_one_name_are_told_apart(tmp_path):
    clips = ("one/1/a", "two/1/a", "two/2/b")
    out = write_flow_folder(tmp_path / "out", make_set(labels=(0, 1, 2), clips=clips))
    folders = sorted(path.name for path in (out / "norm_u_v_os").iterdir())
    assert folders == ["one_1", "two_1", "two_2"]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    out = tmp_path / "out"
    with pytest.raises(DataError, match=r"lab/a/x y and lab/a/x-y would both be a_x-y\.png"):
        write_flow_folder(
            out, make_set(labels=(0, 1), clips=("lab/a/x y", "lab/a/x-y")), folds=False
        )
    with pytest.raises(DataError, match="folds need two people"):
        write_flow_folder(out, make_set(labels=(0,), clips=("lab/a/x",)))
    own = replace(make_set(), motion=MotionConfig(size=28, representation="difference"))
    with pytest.raises(ConfigError, match="the motion is difference"):
        write_flow_folder(out, own)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(OutputError, match="is no folder of flow images"):
        write_flow_folder(tmp_path / "mine", make_set())
    write = Path.write_bytes

    def interrupted(path, data):
        if path.name.startswith("anna"):
            raise KeyboardInterrupt
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_flow_folder(out, make_set())
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
