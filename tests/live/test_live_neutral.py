"""The person's neutral seconds: what they take out, and what then counts as still."""

from types import SimpleNamespace

import numpy as np
import pytest

from mace.bundle import training_notice
from mace.errors import ConfigError
from mace.face.config import FaceConfig
from mace.face.tracked import Status, TrackedFace
from mace.live.config import LiveConfig
from mace.live.faces import Observation
from mace.live.inference import InferenceStage, Neutral, check_neutral, strength_px
from mace.live.pipeline import predict_frames
from mace.live.sources.frame import Frame
from mace.live.sources.opening import open_source
from mace.motion.config import MotionConfig
from mace.motion.representation import represent
from mace.prediction import predict


@pytest.fixture(scope="module")
def face():
    import cv2
    import skimage.data

    gray = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[0:220, 110:330]
    return cv2.resize(gray, (128, 128), interpolation=cv2.INTER_AREA)


def frames_of(face, count, *, shift=0.0, seed=0):
    """Noisy copies of a face whose mouth region is shifted down by some px."""
    import cv2

    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:128, :128].astype(np.float32)
    bump = np.exp(-((x - 64) ** 2 + (y - 90) ** 2) / (2 * 18**2)).astype(np.float32)
    moved = cv2.remap(face, x, y - shift * bump, cv2.INTER_CUBIC).astype(np.float32)
    return [
        np.clip(moved + rng.normal(0, 2, moved.shape), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]


def play(config, bundle, face, frames, *, start=0.0, predictor=None, reference_id=0):
    """Predict frames 0.1 s apart of a face whose keyframe is `face`."""
    predictor = predictor or InferenceStage(bundle, face=FaceConfig(), config=config)
    keyframe = SimpleNamespace(reference=face)
    found = []
    for index, crop in enumerate(frames):
        tracked = TrackedFace(
            index, Status.TRACKED, crop=crop, keyframe=keyframe, reference_id=reference_id
        )
        frame = Frame(index, start + 0.1 * index, crop)
        found += predictor(frame, [Observation(0, 0, tracked)])
    return found, predictor


def strengths(found):
    return [strength_px(one.inputs) for one in found]


def states(found):
    return [one.state for one in found]


def test_without_settings_it_is_represent(face, bundle):
    target = frames_of(face, 1, shift=1.0)[0]
    (found,), _ = play(LiveConfig(), bundle, face, [target])
    expected = represent(face[None], target[None], config=bundle.motion)[0]
    np.testing.assert_allclose(found.inputs, expected, atol=1e-6)
    assert found.state == ""
    np.testing.assert_allclose(found.probabilities, predict(bundle, expected[None])[0], atol=1e-5)


def test_what_the_neutral_face_shows_is_taken_out_and_its_noise_is_still(face, bundle):
    config = LiveConfig(adapt_s=0.95)
    # The keyframe was no neutral face: everything after it lies 0.7 px lower around the mouth.
    calm, predictor = play(config, bundle, face, frames_of(face, 10, shift=0.7, seed=1))
    assert set(states(calm)) == {"neutral"}
    rest, _ = play(
        config, bundle, face, frames_of(face, 20, shift=0.7, seed=2), start=1.0, predictor=predictor
    )
    assert states(rest).count("still") >= 16
    assert np.mean(strengths(rest)) < 0.5 * np.mean(strengths(calm))
    moving, _ = play(
        config, bundle, face, frames_of(face, 5, shift=2.2, seed=3), start=3.0, predictor=predictor
    )
    assert set(states(moving)) == {""}


def test_a_new_keyframe_keeps_the_floor_and_drops_the_mean(face, bundle):
    config = LiveConfig(adapt_s=0.45)
    _, predictor = play(config, bundle, face, frames_of(face, 6, shift=1.5, seed=1))
    target = frames_of(face, 1, shift=1.5, seed=2)
    (found,), _ = play(config, bundle, face, target, start=0.7, predictor=predictor, reference_id=1)
    expected = represent(face[None], target[0][None], config=bundle.motion)[0]
    np.testing.assert_allclose(found.inputs, expected, atol=1e-6)
    assert found.state == ""
    still = frames_of(face, 20, seed=3)
    found, _ = play(config, bundle, face, still, start=0.8, predictor=predictor, reference_id=1)
    assert states(found).count("still") >= 5


def test_another_person_has_neutral_seconds_of_their_own():
    neutral = Neutral(LiveConfig(adapt_s=1.0))
    assert neutral.resting(5.0)
    assert neutral.resting(5.9)
    assert not neutral.resting(6.1)


def test_states_reach_the_frames_and_have_no_label(surprise_folder, bundle):
    config = LiveConfig(adapt_s=0.02)
    frames = open_source(surprise_folder).frames()
    found = [one.faces[0] for one in predict_frames(frames, model=bundle, config=config)]
    states = [frame.status for frame in found]
    assert states[:4] == ["neutral"] * 4
    named = [frame for frame in found if frame.status == "tracked"]
    assert named
    for frame in found:
        assert (frame.label is None) == (frame.probabilities is None) == (frame not in named)
        assert frame.tracked
        assert frame.inputs is not None


def test_a_network_that_reads_no_flow_is_refused():
    with pytest.raises(ConfigError, match="measures flow, this model reads appearance"):
        check_neutral(LiveConfig(adapt_s=1.0), MotionConfig(representation="appearance"))


def test_an_impossible_neutral_time_is_refused():
    with pytest.raises(ConfigError, match="adapt_s"):
        LiveConfig(adapt_s=-1.0)


@pytest.mark.parametrize(
    ("trained_on", "beginning"),
    [
        (("synthetic",), "Trained on synthetic faces alone. "),
        (("synthetic/pairs",), "Trained on synthetic faces alone. "),
        (("casme2", "synthetic"), "Trained on casme2 and synthetic faces. "),
        (("casme2", "samm"), "Trained on casme2, samm. "),
        ((), "Trained on unknown data. "),
    ],
)
def test_the_notice_says_what_was_seen(trained_on, beginning):
    notice = training_notice(trained_on)
    assert notice.startswith(beginning)
    assert "no proof of emotion" in notice
