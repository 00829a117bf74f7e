"""Faces cut out with and without correction."""

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.experiments.rolled_faces import CORRECTIONS, RolledFaces, cut, rolled_clips, upright
from mace.face.config import FaceConfig
from mace.face.similarity import apply, scale


def turned(degrees: float) -> np.ndarray:
    turn = np.deg2rad(degrees)
    size = 0.5
    matrix = size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([matrix, [3.0, 4.0]])


def test_upright_box_keeps_scale_and_middle_of_the_eyes():
    face = FaceConfig()
    box = upright(turned(20.0), face)
    assert box[0, 1] == box[1, 0] == 0
    assert scale(box) == pytest.approx(0.5)
    middle = face.crop.eyes.mean(axis=0)
    rotation, shift = turned(20.0)[:, :2], turned(20.0)[:, 2]
    there = np.linalg.solve(rotation, middle - shift)
    np.testing.assert_allclose(apply(box, there[None])[0], middle)


def test_corrections_share_the_onset_and_differ_at_the_apex(surprise):
    crops = cut(surprise, FaceConfig())
    assert crops.shape == (len(CORRECTIONS), 2, 128, 128)
    registered, fixed, _ = crops
    np.testing.assert_array_equal(registered[0], fixed[0])
    assert (registered[1] != fixed[1]).any()


def test_people_are_rendered_once_for_all_corrections(tmp_path, monkeypatch):
    made = []

    def person(config, number):
        made.append(number)
        return np.full((config.clips, len(CORRECTIONS), 2, 16, 16), number, np.uint8)

    monkeypatch.setattr("mace.experiments.rolled_faces._person", person)
    config = RolledFaces(people=2, clips=3)
    for correction in CORRECTIONS:
        clips = rolled_clips(config, correction, cache_dir=tmp_path)
    assert made == [0, 1]
    assert [clip.person for clip in clips[2:4]] == [
        "synthetic-rolled/sub01",
        "synthetic-rolled/sub02",
    ]
    assert clips[4].frames.shape == (2, 16, 16)


def test_heads_that_cannot_be_found_are_refused():
    with pytest.raises(ConfigError, match="setting roll is 45"):
        RolledFaces(roll=45.0)
    with pytest.raises(ConfigError, match="people and clips are 1 and 1"):
        RolledFaces(people=1, clips=1)
