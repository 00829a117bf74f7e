"""Subdivision, dynamics and plans: parts that can be checked without a picture."""

from pathlib import Path

import numpy as np
import pytest

from mace.datasets import synthetic
from mace.datasets.synthetic.geometry.normals import vertex_normals, visibility
from mace.datasets.synthetic.geometry.subdivision import catmull_clark
from mace.datasets.synthetic.movement.dynamics import envelope, minimum_jerk, smooth_noise
from mace.datasets.synthetic.movement.prototypes import CLASSES, EMOTIONS

CUBE = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)


def test_a_subdivided_cube():
    matrix, quads = catmull_clark(CUBE, 8)
    points = matrix @ CORNERS
    assert matrix.shape == (8 + 12 + 6, 8)
    assert quads.shape == (24, 4)
    # By hand: F = 1/3, R = 1/3 of the way along, (F + 2R + 0·P) / 3 with n = 3.
    assert points[0] == pytest.approx([2 / 9, 2 / 9, 2 / 9])
    assert sorted(points[20:].mean(1)) == pytest.approx([1 / 3] * 3 + [2 / 3] * 3)
    assert np.asarray(matrix.sum(1)).ravel() == pytest.approx(np.ones(26))


def test_the_border_of_a_single_quad_is_a_spline():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    matrix, _ = catmull_clark(np.array([[0, 1, 2, 3]]), 4)
    points = matrix @ square
    assert points[0] == pytest.approx([1 / 8, 1 / 8, 0])
    assert points[-1] == pytest.approx([0.5, 0.5, 0])


def test_minimum_jerk_is_a_smooth_step():
    phase = np.linspace(-0.5, 1.5, 201)
    step = minimum_jerk(phase)
    assert step[0] == 0
    assert step[-1] == 1
    assert minimum_jerk(np.array([0.5])) == pytest.approx(0.5)
    assert (np.diff(step) >= 0).all()


def test_an_envelope_peaks_between_rise_and_fall():
    time = np.linspace(0, 1, 1001)
    course = envelope(time, start=0.1, rise=0.2, hold=0.1, fall=0.3)
    assert course[time <= 0.1].max() == 0
    assert course[(time > 0.301) & (time < 0.399)] == pytest.approx(1)
    assert course[time >= 0.701].max() == pytest.approx(0, abs=1e-12)


def test_smooth_noise_is_smooth_and_never_frozen():
    rng = np.random.default_rng(0)
    for frames in (2, 5, 300):
        noise = smooth_noise(rng, channels=4, frames=frames, fps=200, hertz=2)
        assert noise.shape == (4, frames)
        assert (np.abs(np.diff(noise)).max(1) > 1e-5).all()
        assert np.abs(np.diff(noise)).max() < 0.2
    long = smooth_noise(rng, channels=8, frames=20000, fps=200, hertz=2)
    assert long.std() == pytest.approx(0.85, abs=0.2)


def test_normals_and_shadows_of_a_step():
    square = np.array([[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0]], np.float32)
    lid = square * 0.5 + np.array([0, 0, 2], np.float32)
    points = np.concatenate([square, lid, [[0.5, 0.5, 0], [3.5, 3.5, 0]]]).astype(np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    normals = vertex_normals(points, triangles)
    assert normals[:8] == pytest.approx(np.tile([0, 0, 1], (8, 1)), abs=1e-5)
    lit = visibility(points, triangles, np.array([0, 0, 1.0]))
    assert lit[8] == 0
    assert lit[9] == 1


def test_the_shares_of_every_emotion_sum_to_one():
    assert len(CLASSES) == 5
    for prototypes in EMOTIONS.values():
        assert sum(prototype.share for prototype in prototypes) == pytest.approx(1)


def test_the_rooms_of_the_faces_import_one_way():
    rooms = ("geometry", "head", "movement", "person", "picture", "clips", "pairs")
    root = Path(synthetic.__file__).parent
    for floor, room in enumerate(rooms):
        # Clips and pairs are two views, which do not know each other.
        others = {*rooms[floor + 1 :], *(("clips",) if room == "pairs" else ())}
        for path in sorted((root / room).glob("*.py")):
            text = path.read_text(encoding="utf-8")
            assert not {name for name in others if f"datasets.synthetic.{name}" in text}, path
