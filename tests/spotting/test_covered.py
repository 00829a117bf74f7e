"""What is before a face is known by its picture: it does not fit, whatever muscles and lamps do."""

import cv2
import numpy as np
import pytest

from mace.face.config import FaceConfig
from mace.face.tracker import FaceTracker
from mace.spotting.config import SpottingConfig
from mace.spotting.covered import Fit, Uncovered, covered
from mace.spotting.signal import REGIONS

LIMIT = SpottingConfig().max_misfit
CROP = FaceConfig().crop


def hidden(fit, crop):
    where = covered(fit.misfit(crop), limit=LIMIT)
    return {name for name, so in zip(REGIONS, where, strict=True) if so}


@pytest.fixture(scope="module")
def crops(brow_flash):
    tracker = FaceTracker(FaceConfig(keyframe_frames=1))
    return [one.crop for image in brow_flash.frames for one in tracker.push(np.asarray(image))]


@pytest.fixture(scope="module")
def fit(crops):
    return Fit(crops[0], CROP)


def oval(crop, x, y, width, height, gray):
    """`crop` with an ellipse at (x, y) eye distances from between the eyes."""
    middle, unit = CROP.eyes.mean(axis=0), CROP.eye_distance * CROP.size
    where = tuple(int(v) for v in middle + unit * np.array([x, y]))
    painted = cv2.ellipse(
        crop.copy(), where, (int(width * unit), int(height * unit)), 0, 0, 360, gray, -1
    )
    return cv2.GaussianBlur(painted, (0, 0), 0.5)


def test_a_face_fits_itself_in_any_light(fit, crops):
    assert fit.misfit(crops[0]).max() < 0.02
    dim = np.clip(crops[0] * 0.6 + 20, 0, 255).astype(np.uint8)
    assert fit.misfit(dim).max() < 0.05
    lit_from_one_side = np.clip(crops[0] * np.linspace(0.8, 1.1, 128), 0, 255).astype(np.uint8)
    assert hidden(fit, lit_from_one_side) == set()


def test_a_movement_hides_nothing(fit, crops):
    # The brows rise by 4 px, twice as far as micro-expressions do.
    assert all(hidden(fit, crop) == set() for crop in crops)
    moved = np.roll(crops[0], 2, axis=0)
    assert hidden(fit, moved) == set()


@pytest.mark.parametrize("shade", [0.7, 1.0, 1.2])
@pytest.mark.parametrize(
    ("place", "names"),
    [((0, 0.95, 0.55, 0.32), {"lip_upper", "lip_lower", "mouth_left", "mouth_right"}),
     ((0.45, 0.8, 0.45, 0.5), {"mouth_right", "lip_lower"}),
     ((-0.6, -0.4, 0.4, 0.25), {"brow_left"})],
)  # fmt: skip
def test_what_is_before_a_region_hides_it(fit, crops, place, names, shade):
    skin = float(np.median(crops[0][55:80, 45:85])) * shade
    x, y, width, height = place
    found = hidden(fit, oval(crops[0], x, y, width, height, min(skin, 255)))
    assert names <= found
    brows = {name for name in REGIONS if name.startswith("brow")}
    assert found <= brows or not found & brows


def test_lids_and_open_lips_are_not_covered():
    misfit = np.zeros(len(REGIONS))
    misfit[[REGIONS.index("eye_left"), REGIONS.index("eye_right")]] = 1.0
    misfit[REGIONS.index("lip_lower")] = 0.6
    assert not covered(misfit, limit=LIMIT).any()


def test_motion_is_held_about_the_time_that_a_region_is_covered():
    config = SpottingConfig()
    stage, out = Uncovered(config), []
    lips = [REGIONS.index(name) for name in ("lip_upper", "lip_lower")]
    for k in range(100):
        misfit = np.zeros(len(REGIONS))
        misfit[lips] = 0.6 if 40 <= k < 55 else 0.0
        motion = np.full(2 * len(REGIONS) + 6, float(k))
        point = stage.push(k / 50, motion, misfit)
        if point is not None:
            out.append(point)
    assert len(out) == 100 - stage.delay
    times = np.array([time for time, _ in out])
    np.testing.assert_allclose(times, np.arange(len(out)) / 50)
    rows = np.stack([row for _, row in out])
    numbers = np.arange(len(out))
    first, last = 40 - stage.delay, 54 + stage.delay
    held = np.where((numbers >= first) & (numbers <= last), first - 1, numbers)
    np.testing.assert_allclose(rows[:, 2 * lips[0]], held)
    np.testing.assert_allclose(rows[:, 2 * REGIONS.index("brow_left")], numbers)
    np.testing.assert_allclose(rows[:, -1], numbers)
