"""The flag goes up for what it is said to go up for, and not for a good face."""

import copy
import json
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mace.errors import ConfigError
from mace.face.config import CropConfig, FaceConfig
from mace.face.landmarks import eye_centres
from mace.face.tracked import Status, TrackedFace
from mace.face.tracker import FaceTracker
from mace.live.config import QualityConfig
from mace.live.overlay import draw_result
from mace.live.quality import Gauge, detail
from mace.live.recorder import Recorder
from mace.live.results import FaceResult, Result, frame_columns, frame_row
from mace.live.sources.frame import Frame

FACE = FaceConfig(keyframe_frames=1, boxes=1)
CLASSES = ("negative", "positive")


@pytest.fixture(scope="module")
def picture(scene):
    return scene([(0, 320, 200)])


@pytest.fixture
def gauge():
    return Gauge(FACE.crop, QualityConfig())


def track(*images):
    tracker = FaceTracker(FACE)
    return [one for image in images for one in tracker.push(image)][-1]


def turned(picture, degrees):
    turn = cv2.getRotationMatrix2D((320, 210), degrees, 1.0)
    return cv2.warpAffine(picture, turn, (640, 480), borderMode=cv2.BORDER_REPLICATE)


def test_a_good_face_is_good(gauge, scene, picture):
    found = gauge.measure(track(picture, scene([(0, 323, 201)], index=1)))
    assert found.ok
    assert found.error_px < 0.3
    assert found.sharpness == pytest.approx(1, abs=0.2)
    assert found.roll_deg == pytest.approx(0, abs=4)
    assert found.size_px == pytest.approx(54, abs=5)


def test_blur_is_measured_whatever_the_light(gauge, picture):
    good = track(picture, picture)
    levels = []
    for sigma in (0.4, 0.8, 1.6):
        crop = cv2.GaussianBlur(good.crop, (0, 0), sigma)
        found = gauge.measure(replace(good, crop=crop))
        dim = gauge.measure(replace(good, crop=(crop * 0.6 + 20).astype(np.uint8)))
        assert dim.sharpness == pytest.approx(found.sharpness, abs=0.07)
        levels.append(found.sharpness)
    assert levels[0] > levels[1] > levels[2]
    assert found.reasons == ("blurred",)


def test_a_hand_before_the_mouth_is_seen(gauge, picture):
    good = track(picture, picture)
    hand = cv2.ellipse(good.crop.copy(), (64, 95), (28, 17), 0, 0, 360, 150, -1)
    assert gauge.measure(good, 0.0).ok
    assert "covered" in gauge.measure(replace(good, crop=hand), 0.1).reasons
    # Within a fiftieth of a second nobody looks again.
    assert "covered" in gauge.measure(good, 0.11).reasons
    assert gauge.measure(good, 0.13).ok
    lax = Gauge(FACE.crop, QualityConfig(max_misfit=2.0))
    assert "covered" not in lax.measure(replace(good, crop=hand), 0.1).reasons


def test_a_flat_crop_does_not_divide_by_nothing(gauge, picture):
    good = track(picture, picture)
    assert gauge.measure(replace(good, crop=np.zeros_like(good.crop))).sharpness == 0
    assert detail(np.zeros((16, 16), np.uint8)) == 0


@pytest.mark.parametrize("degrees", [-20, 20])
def test_tilt_is_in_degrees_clockwise(gauge, picture, degrees):
    # OpenCV turns counter-clockwise.
    level = gauge.measure(track(picture))
    tilted = gauge.measure(track(turned(picture, -degrees)))
    assert tilted.roll_deg - level.roll_deg == pytest.approx(degrees, abs=4)
    strict = Gauge(FACE.crop, QualityConfig(max_roll_deg=10))
    assert "tilted" in strict.measure(track(turned(picture, degrees))).reasons


def test_a_head_that_was_turned_for_its_reference_is_turned(gauge, picture):
    face = track(picture, picture)
    assert abs(gauge.measure(face).turn_deg) < 15
    aside = copy.copy(face.keyframe)
    aside.landmarks = face.keyframe.landmarks.copy()
    eyes = eye_centres(aside.landmarks)
    aside.landmarks[4] += 0.3 * (eyes[1] - eyes[0])  # the nose, to the right
    found = Gauge(FACE.crop, QualityConfig()).measure(replace(face, keyframe=aside))
    assert found.turn_deg > 25
    assert found.reasons == ("turned",)


def test_a_small_face_is_small_whatever_the_crop(picture):
    small = cv2.resize(picture, (400, 300), interpolation=cv2.INTER_AREA)
    for size in (64, 128):
        config = replace(FACE, crop=CropConfig(size=size))
        (face,) = FaceTracker(config).push(small)
        found = Gauge(config.crop, QualityConfig()).measure(face)
        assert found.size_px == pytest.approx(54 * 400 / 640, abs=4)
        assert found.reasons == ("small",)


def test_a_face_at_the_edge_is_cut_off(gauge, scene):
    assert "cut off" in gauge.measure(track(scene([(0, 595, 200)]))).reasons


def test_what_did_not_register_is_said(gauge, picture):
    good = track(picture)
    doubtful = replace(good, status=Status.DOUBTFUL, error_px=float("nan"))
    assert gauge.measure(doubtful).reasons == ("unregistered",)
    assert gauge.measure(replace(good, error_px=0.7)).reasons == ("unsteady",)
    assert gauge.measure(TrackedFace(0, Status.NO_FACE)) is None


def test_another_reference_is_noticed(gauge, picture):
    blurred = cv2.GaussianBlur(picture, (0, 0), 2)
    gauge.measure(track(picture))
    assert gauge.measure(track(blurred)).sharpness == pytest.approx(1, abs=0.05)


def test_it_costs_next_to_nothing(gauge, picture):
    face, costs = track(picture, picture), []
    for _ in range(200):
        begun = time.perf_counter()
        gauge.measure(face)
        costs.append(time.perf_counter() - begun)
    assert min(costs) < 1e-4


def test_thresholds_are_checked():
    with pytest.raises(ConfigError, match=r"quality\.min_size_px is -1"):
        QualityConfig(min_size_px=-1)
    with pytest.raises(ConfigError, match=r"quality\.max_turn_deg is -1"):
        QualityConfig(max_turn_deg=-1)


def labelled(gauge, face, *, index=0, identity=0):
    return FaceResult(
        index, index / 50, face, CLASSES, identity=identity, quality=gauge.measure(face)
    )


def test_the_record_says_it_of_everybody(gauge, picture, tmp_path):
    good = track(picture)
    faces = (
        labelled(gauge, good),
        labelled(gauge, replace(good, crop=cv2.GaussianBlur(good.crop, (0, 0), 3)), identity=4),
    )
    columns = frame_columns(CLASSES)
    row = dict(zip(columns, frame_row(faces[1].to_dict(), columns), strict=True))
    assert (row["identity"], row["quality"]) == ("4", "0")
    assert float(row["size"]) == pytest.approx(faces[1].quality.size_px, rel=1e-4)
    assert float(row["sharpness"]) < 0.5
    assert abs(float(row["roll"])) < 5
    assert float(row["turn"]) == pytest.approx(faces[1].quality.turn_deg, rel=1e-4)
    assert faces[1].to_dict()["reasons"] == ["blurred"]
    colour = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    out = tmp_path / "out"
    with Recorder(out, classes=CLASSES, size=(640, 480), session={}) as recorder:
        for index in range(3):
            people = tuple(replace(one, index=index, time=index / 50) for one in faces)
            recorder.write_result(Result(Frame(index, index / 50, colour), people), colour)
        recorder.write_result(Result(Frame(3, 3 / 50, colour), ()), colour)
    rows = [line.split(",") for line in (out / "frames.csv").read_text().splitlines()[1:]]
    assert [(row[0], row[2]) for row in rows[:6]] == [(str(i), n) for i in range(3) for n in "04"]
    assert rows[6][:4] == ["3", "0.060000", "-1", "no_face"]
    session = json.loads((out / "session.json").read_text())
    assert (session["rate"], session["slow"]) == (50.0, True)


def test_the_picture_says_what_is_wrong(gauge, picture):
    colour, good = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), track(picture)
    blurred = replace(good, crop=cv2.GaussianBlur(good.crop, (0, 0), 3))
    frame = Frame(0, 0.0, colour)
    plain, flagged = (
        draw_result(Result(frame, (labelled(gauge, one),)), classes=CLASSES, notice="synthetic")
        for one in (good, blurred)
    )
    line = slice(430, 453), slice(0, 200)
    np.testing.assert_array_equal(plain[line], colour[line])
    assert (flagged[line] != colour[line]).any()
