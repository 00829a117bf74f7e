"""The person's neutral seconds: what they take out, and what then counts as still."""

import numpy as np
import pytest

from mace.commands.live import training_notice
from mace.errors import ConfigError
from mace.live.config import LiveConfig
from mace.live.neutral import Neutral, strength_px
from mace.live.pipeline import label_frames
from mace.live.sources import open_source
from mace.motion import MotionConfig, represent

MOTION = MotionConfig(size=28, detrend="none")


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


def test_without_settings_it_is_represent(face):
    target = frames_of(face, 1, shift=1.0)[0]
    found, state = Neutral(LiveConfig(), MOTION)(face, target, time=0.0, reference_id=0)
    np.testing.assert_array_equal(found, represent(face[None], target[None], config=MOTION)[0])
    assert state == ""


def play(neutral, face, frames, *, start):
    return [
        neutral(face, frame, time=start + 0.1 * i, reference_id=0) for i, frame in enumerate(frames)
    ]


def test_what_the_neutral_face_shows_is_taken_out_and_its_noise_is_still(face):
    neutral = Neutral(LiveConfig(adapt_s=1.0), MOTION)
    # The keyframe was no neutral face: everything after it lies 0.7 px lower around the mouth.
    calm = play(neutral, face, frames_of(face, 10, shift=0.7, seed=1), start=0.0)
    assert {state for _, state in calm} == {"neutral"}
    rest = play(neutral, face, frames_of(face, 20, shift=0.7, seed=2), start=1.0)
    assert [state for _, state in rest].count("still") >= 16
    before = np.mean([strength_px(inputs) for inputs, _ in calm])
    after = np.mean([strength_px(inputs) for inputs, _ in rest])
    assert after < 0.5 * before
    moving = play(neutral, face, frames_of(face, 5, shift=2.2, seed=3), start=3.0)
    assert {state for _, state in moving} == {""}
    assert neutral.floor_px < min(strength_px(inputs) for inputs, _ in moving)


def test_a_new_keyframe_keeps_the_floor_and_drops_the_mean(face):
    neutral = Neutral(LiveConfig(adapt_s=0.5), MOTION)
    play(neutral, face, frames_of(face, 6, shift=1.5, seed=1), start=0.0)
    floor = neutral.floor_px
    target = frames_of(face, 1, shift=1.5, seed=2)[0]
    inputs, state = neutral(face, target, time=0.7, reference_id=1)
    np.testing.assert_allclose(inputs, represent(face[None], target[None], config=MOTION)[0])
    assert state == ""
    assert neutral.floor_px == floor > 0


def test_a_given_floor_needs_no_neutral_seconds(face):
    neutral = Neutral(LiveConfig(floor_px=0.8), MOTION)
    states = [
        neutral(face, frames_of(face, 1, shift=shift)[0], time=0.0, reference_id=0)[1]
        for shift in (0.2, 2.0)
    ]
    assert states == ["still", ""]


def test_states_reach_the_frames_and_have_no_label(surprise_folder, bundle):
    config = LiveConfig(adapt_s=0.02, floor_px=1e6)
    frames = open_source(surprise_folder).frames()
    found = [one.frame for one in label_frames(frames, bundle=bundle, config=config)]
    states = [frame.status for frame in found]
    assert states[0] == "neutral"
    assert states[-1] == "still"
    assert all(frame.label is None and frame.probabilities is None for frame in found)
    assert all(frame.tracked and frame.inputs is not None for frame in found)


def test_a_network_that_reads_no_flow_is_refused():
    with pytest.raises(ConfigError, match="measure flow, this model reads appearance"):
        Neutral(LiveConfig(adapt_s=1.0), MotionConfig(representation="appearance"))


@pytest.mark.parametrize("settings", [{"adapt_s": -1.0}, {"floor_px": -0.1}])
def test_impossible_settings_of_the_neutral_seconds_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        LiveConfig(**settings)


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
