"""Rendered flow images in the public form, and that they are prepared like the real ones."""

import json
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mace.annotation.action_units import listed_units
from mace.cli import main
from mace.data.flow_images import load_flow_images, stretch_flow
from mace.datasets.megc2019_flow.reading import read
from mace.datasets.synthetic.movement.action_units import UNITS
from mace.errors import ConfigError, OutputError
from mace.experiments.flow_image_databases import CLASSES, DATABASES, Database, deal
from mace.experiments.flow_image_folder import FolderConfig, write_folder
from mace.places import prepared_dataset

FEW = tuple(
    replace(database, people=2, counts=counts)
    for database, counts in zip(DATABASES, [(2, 1, 0), (1, 1, 1), (1, 0, 1)], strict=True)
)
CONFIG = FolderConfig(seed=3, wrong=0.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("flow") / "raw", CONFIG, databases=FEW)


def test_the_composite_has_the_numbers_of_the_real_one():
    rng = np.random.default_rng(0)
    slots = [slot for database in DATABASES for slot in deal(database, wrong=0.15, rng=rng)]
    assert Counter(CLASSES[slot.label] for slot in slots) == {
        "negative": 250,
        "positive": 109,
        "surprise": 83,
    }
    people = Counter((slot.database.name, slot.person) for slot in slots)
    assert Counter(name for name, _ in people) == {"casme2": 24, "smic": 16, "samm": 28}
    # As in the composite: a third of the people have three clips at most, somebody has dozens.
    assert sum(count <= 3 for count in people.values()) >= 15
    assert max(people.values()) >= 20
    wrong = [slot for slot in slots if slot.shown != slot.label]
    assert 0.1 < len(wrong) / len(slots) < 0.2
    assert all(slot.emotion in slot.database.emotions[slot.shown] for slot in slots)


def test_no_label_is_wrong_if_none_is_to_be():
    rng = np.random.default_rng(0)
    assert all(slot.shown == slot.label for slot in deal(DATABASES[0], wrong=0.0, rng=rng))


@pytest.mark.slow
def test_the_folder_has_the_public_form(folder):
    pictures = sorted(folder.rglob("*.png"))
    assert len(pictures) == 8
    assert all(path.name.endswith(" .png") for path in pictures)
    for path in pictures:
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        assert picture.shape == (28, 28, 3)
        assert picture.dtype == np.uint8
        assert (picture.min((0, 1)) == 0).all()
        assert (picture.max((0, 1)) == 255).all()
    reading = read(folder)
    assert Counter(reading.sheet) == {"negative": 4, "positive": 2, "surprise": 2}
    assert len(reading.images) == reading.rows == 8
    assert not [change for change in reading.changes if change.kind != "remark"]
    assert len({(image.database, image.subject) for image in reading.images}) == 6


@pytest.mark.slow
def test_it_says_that_it_is_rendered_and_what_each_face_shows(folder):
    assert "nothing about people" in (folder / "RENDERED.md").read_text()
    notes = json.loads((folder / "rendered.json").read_text())
    assert notes["config"]["wrong"] == 0.5
    assert len(notes["clips"]) == 8
    shown = {row: CLASSES.index(clip["shown"]) for row, clip in notes["clips"].items()}
    assert any(int(row[-1]) != label for row, label in shown.items())
    header, *coded = (folder / "action_units.csv").read_text().splitlines()
    assert header == "clip,aus"
    assert [row.split(",")[0] for row in coded] == [
        "/".join(row.split(",")[:3]) for row in notes["clips"]
    ]
    assert all(set() < listed_units([row.split(",")[1]]) <= set(UNITS) for row in coded)
    windows = np.array(list(notes["windows"].values()))
    assert (windows.std(0) > 0.005).all()  # every database has a framing of its own
    people = {clip["person"] for clip in notes["clips"].values()}
    assert min(people) >= 970_000


@pytest.mark.slow
def test_a_folder_follows_from_its_settings(folder, tmp_path):
    again = write_folder(tmp_path / "raw", CONFIG, databases=FEW)
    for path in again.rglob("*.*"):
        assert path.read_bytes() == (folder / path.relative_to(again)).read_bytes()


@pytest.mark.slow
def test_it_is_prepared_like_the_real_one(folder, tmp_path, capsys):
    where = ["--manual-dir", str(folder), "--data-dir", str(tmp_path)]
    assert main(["prepare", "megc2019_flow", *where]) == 0
    assert "8 rows read, 8 samples made, 0 drops" in capsys.readouterr().out
    images = load_flow_images(prepared_dataset("megc2019_flow", data_dir=tmp_path))
    assert len(images.subjects) == 6
    assert images.inputs.shape == (8, 1, 28, 28, 3)


def test_what_cannot_be_is_refused(tmp_path):
    (tmp_path / "something").touch()
    with pytest.raises(OutputError, match="not empty"):
        write_folder(tmp_path, CONFIG, databases=FEW)
    with pytest.raises(ConfigError, match="wrong labels is 2"):
        FolderConfig(wrong=2.0)
    with pytest.raises(ConfigError, match="a clip for each"):
        Database(name="smic", people=3, counts=(1, 1, 0), negative=(("anger", 1.0),))


def test_a_channel_is_stretched_by_itself():
    flow = np.zeros((2, 4, 4, 3), np.float32)
    flow[0, 0, 0] = (1.0, -2.0, 0.5)
    stretched = stretch_flow(flow)
    assert stretched[0, 0, 0].tolist() == [255, 0, 255]
    assert stretched[0, 1, 1].tolist() == [0, 255, 0]
    assert not stretched[1].any()
