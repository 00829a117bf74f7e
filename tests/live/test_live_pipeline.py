"""The live path is the stored clip's path, one frame at a time."""

import math

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.face.clip import correct_clip
from mace.live.config import LiveConfig
from mace.live.overlay import draw_result
from mace.live.pipeline import predict_frames
from mace.live.results import crop_corners
from mace.live.sources.frame import Frame
from mace.live.sources.opening import open_source
from mace.motion.representation import represent
from mace.prediction import predict


@pytest.fixture(scope="module")
def results(surprise_folder, bundle):
    source = open_source(surprise_folder)
    return list(predict_frames(source.frames(), model=bundle, config=LiveConfig()))


def test_clip_played_as_video_gets_the_probabilities_of_the_stored_clip(surprise, bundle, results):
    clip = correct_clip(surprise.frames, onset=surprise.onset)
    onset, apex = surprise.onset, surprise.apex
    inputs = np.asarray(
        represent(clip.frames[onset][None], clip.frames[apex][None], config=bundle.motion)
    )
    stored = predict(bundle, inputs)[0]
    live = results[apex - onset].faces[0]
    # One compiled step and a program of its own round sums differently, and nothing else.
    np.testing.assert_allclose(live.inputs, inputs[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(live.probabilities, stored, rtol=0, atol=1e-5)


def test_every_frame_is_predicted_once_in_order(surprise, results):
    count = len(surprise.frames) - surprise.onset
    assert [one.frame.index for one in results] == list(range(count))
    assert all(one.faces[0].tracked for one in results)
    assert all(math.isclose(sum(one.faces[0].probabilities), 1, abs_tol=1e-5) for one in results)


def test_face_box_holds_the_eyes(surprise, results):
    for one in results:
        left, top, width, height = one.faces[0].box
        eyes = surprise.eye_centres[surprise.onset + one.frame.index]
        assert ((eyes > [left, top]) & (eyes < [left + width, top + height])).all()


def test_crop_corners_map_back_onto_the_crop(results):
    face = results[3].faces[0].face
    corners = crop_corners(face)
    mapped = corners @ face.transform[:, :2].T + face.transform[:, 2]
    side = face.crop.shape[0] - 0.5
    expected = [[-0.5, -0.5], [side, -0.5], [side, side], [-0.5, side]]
    np.testing.assert_allclose(mapped, expected, atol=1e-9)


def test_smoothing_goes_by_the_clock(surprise, bundle):
    images = surprise.frames[surprise.onset :]
    config = LiveConfig(smoothing_s=0.05)
    colour = [np.repeat(image[..., None], 3, axis=-1) for image in images]
    frames = [Frame(i, 0.1 * i, image) for i, image in enumerate(colour)]
    first, second = (
        one.faces[0] for one in list(predict_frames(frames, model=bundle, config=config))[:2]
    )
    keep = math.exp(-0.1 / 0.05)
    expected = keep * first.probabilities + (1 - keep) * second.probabilities
    np.testing.assert_allclose(second.smoothed, expected, atol=1e-6)


def test_frames_without_a_face_have_no_prediction(bundle):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (120, 160, 3), dtype=np.uint8) for _ in range(4)]
    frames = [Frame(i, i / 30, image) for i, image in enumerate(noise)]
    faces = [one.faces[0] for one in predict_frames(frames, model=bundle, config=LiveConfig())]
    assert [face.status for face in faces] == ["no_face"] * 4
    assert all(face.label is None and face.box is None for face in faces)
    assert all(face.confidence == 0 for face in faces)


@pytest.mark.parametrize("settings", [{"look_s": -0.1}, {"smoothing_s": -1.0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        LiveConfig(**settings)


def test_drawing_leaves_the_frame_alone_and_marks_a_copy(results, bundle):
    one = results[5]
    image = one.frame.image
    before = image.copy()
    picture = draw_result(one, classes=bundle.classes, notice="synthetic")
    np.testing.assert_array_equal(image, before)
    assert picture.shape == image.shape
    assert (picture != image).any(axis=-1).mean() > 0.05
