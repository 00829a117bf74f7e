"""The renderer: what is asked for happens, and the truth says what happened."""

from dataclasses import replace

import numpy as np
import pytest

from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.head.atlas import COLUMNS, ROWS
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.head.landmarks import EYE_CORNERS, LANDMARKS
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.movement.prototypes import EMOTIONS
from mace.datasets.synthetic.person.anatomy import draw_anatomy
from mace.datasets.synthetic.person.furrows import fold
from mace.errors import ConfigError

SMALL = {"width": 160, "height": 120, "eye_distance": 36.0, "frames": 8}


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(3)


def quiet(**changes) -> ClipConfig:
    return ClipConfig.quiet(**(SMALL | changes))


def travel(points: np.ndarray) -> float:
    return float(np.linalg.norm(points - points[0], axis=-1).max())


def test_same_seed_same_clip_and_another_seed_another(subject):
    config = ClipConfig(**SMALL)
    first = render_clip(subject, emotion="surprise", seed=1, config=config)
    again = render_clip(subject, emotion="surprise", seed=1, config=config)
    other = render_clip(subject, emotion="surprise", seed=2, config=config)
    assert np.array_equal(first.frames, again.frames)
    assert np.array_equal(first.points, again.points)
    assert not np.array_equal(first.frames, other.frames)
    assert not np.allclose(first.points, other.points)


def test_the_same_seed_gives_the_same_person_and_others_differ(subject):
    again, other = Subject(3), Subject(4)
    assert np.array_equal(subject.person.texture, again.person.texture)
    assert np.array_equal(subject.person.rest, again.person.rest)
    assert not np.array_equal(subject.person.rest, other.person.rest)


def test_shapes_and_types(subject):
    clip = render_clip(subject, emotion="disgust", seed=1, config=quiet())
    assert clip.frames.shape == (8, 120, 160)
    assert clip.frames.dtype == np.uint8
    assert clip.points.shape == (8, len(LANDMARKS), 2)
    assert clip.eye_centres.shape == (8, 2, 2)
    assert clip.au_weights.shape == (8, len(AU_NAMES))
    assert clip.emotion == "disgust"
    assert any(set(clip.aus) == set(prototype.aus) for prototype in EMOTIONS["disgust"])


def test_a_still_face_stands_still(subject):
    clip = render_clip(subject, aus={}, seed=1, config=quiet())
    assert (clip.frames == clip.frames[0]).all()
    assert travel(clip.points) == 0
    assert clip.frames[0].std() > 20  # and it is a picture of something


@pytest.mark.parametrize("au", ["1", "4", "12", "14"])
def test_an_action_unit_reaches_its_peak_in_px_at_the_apex(subject, au):
    clip = render_clip(subject, aus={au: 1.5}, seed=1, config=quiet(width=240, height=240))
    flow, mask = clip.motion(clip.onset, clip.apex)
    # The apex frame may lie a little beside the envelope's peak, so a little less is right.
    assert 1.3 < np.linalg.norm(flow[mask], axis=-1).max() < 1.6
    strongest = int(clip.au_weights[clip.apex].argmax())
    assert AU_NAMES[strongest] == au


def test_the_envelope_rises_and_falls(subject):
    clip = render_clip(subject, aus={"4": 2.0}, seed=5, config=quiet(frames=40))
    course = clip.au_weights[:, AU_NAMES.index("4")]
    assert 0 < clip.onset < clip.apex < clip.offset < 39
    assert course[clip.onset] == course[0] == 0
    assert course[clip.offset] == pytest.approx(0, abs=1e-4 * float(course.max()))
    assert course[clip.apex] > 0.99 * course.max()
    assert (np.diff(course[clip.onset : clip.apex]) >= 0).all()
    assert (np.diff(course[clip.apex + 2 : clip.offset]) <= 0).all()


def test_dense_motion_agrees_with_the_landmarks(subject):
    config = quiet(width=320, height=240, eye_distance=70.0, head_motion=3.0)
    clip = render_clip(subject, aus={"1": 2.0, "12": 2.0}, seed=2, config=config)
    flow, mask = clip.motion(0, clip.apex)
    moved = clip.points[clip.apex] - clip.points[0]
    # Brows, nose and the outer lips; the jaw and the eyelids are at the edge of what is visible.
    for k in [*range(17, 36), *range(48, 60)]:
        column, row = clip.points[0, k].round().astype(int)
        assert mask[row, column]
        assert flow[row, column] == pytest.approx(moved[k], abs=0.12)


def test_motion_back_and_forth_cancels(subject):
    clip = render_clip(subject, aus={"12": 2.0}, seed=2, config=quiet(head_motion=1.0))
    flow, mask = clip.motion(3, 3)
    assert mask.any()
    assert not flow.any()


@pytest.mark.parametrize("frames", [2, 8, 64])
def test_head_motion_moves_even_a_short_clip(subject, frames):
    clip = render_clip(subject, aus={}, seed=1, config=quiet(head_motion=1.0, frames=frames))
    assert travel(clip.points) > 0.002
    assert not clip.au_weights.any()


def test_each_nuisance_does_its_own_thing(subject):
    still = render_clip(subject, aus={}, seed=1, config=quiet())
    noisy = render_clip(subject, aus={}, seed=1, config=quiet(noise_sigma=2.0))
    assert travel(noisy.points) == 0
    grain = noisy.frames.astype(float) - still.frames
    assert 1.2 < grain.std() < 3.5
    flicker = render_clip(subject, aus={}, seed=1, config=quiet(flicker=5.0))
    assert travel(flicker.points) == 0
    assert flicker.frames.mean((1, 2)).std() > 0.2
    drift = render_clip(subject, aus={}, seed=1, config=quiet(drift=5.0, frames=40))
    assert 0.01 < travel(drift.points) < 1
    blink = render_clip(subject, aus={}, seed=4, config=quiet(blink=1.0, frames=60))
    assert blink.blink.max() > 0.4
    assert np.array_equal(blink.au_weights[:, AU_NAMES.index("45")], blink.blink)
    gaze = render_clip(subject, aus={}, seed=4, config=quiet(gaze=1.0, frames=40))
    assert (gaze.frames[0] != gaze.frames[-1]).sum() > 10
    assert travel(gaze.points[:, 27:36]) == 0  # the nose looks nowhere


def test_nuisances_do_not_depend_on_the_expression(subject):
    config = ClipConfig(**SMALL)
    smile = render_clip(subject, aus={"12": 1.0}, seed=9, config=config)
    frown = render_clip(subject, aus={"4": 1.0}, seed=9, config=config)
    for ours, theirs in zip(smile.views, frown.views, strict=True):
        assert np.array_equal(ours.turn, theirs.turn)
        assert np.array_equal(ours.linear, theirs.linear)
        assert np.array_equal(ours.offset, theirs.offset)
    assert np.array_equal(smile.blink, frown.blink)


def test_roll_turns_the_eye_line(subject):
    straight = render_clip(subject, aus={}, seed=1, config=quiet())
    rolled = render_clip(subject, aus={}, seed=1, config=quiet(roll_deg=30.0))
    angles = []
    for clip in (straight, rolled):
        across = clip.eye_centres[0, 1] - clip.eye_centres[0, 0]
        assert np.linalg.norm(across) == pytest.approx(36, rel=0.25)
        angles.append(np.rad2deg(np.arctan2(-across[1], across[0])))
    # Perspective and an asymmetric face leave a fraction of a degree.
    assert angles[1] - angles[0] == pytest.approx(30, abs=1)


def test_a_smile_lifts_the_corners_of_the_mouth_and_a_dimpler_draws_them_back():
    average, shape = draw_anatomy(np.random.default_rng(0), spread=0.0), figure()
    corner = np.searchsorted(shape.vertex_ids[: -len(shape.scalp)], LANDMARKS[54])

    def moved(au: str) -> np.ndarray:
        """Left, up, forward, as shares of the skin's largest displacement."""
        field = np.tensordot(average[AU_NAMES.index(au)], shape.deltas, 1)
        return field[corner] / np.linalg.norm(field[shape.expressive, :2], axis=1).max()

    assert moved("12")[1] > 0.7
    assert abs(moved("14")[1]) < 0.3
    assert moved("14")[2] < 2 * moved("12")[2] < 0
    assert moved("24")[1] < 0
    assert moved("15")[1] < -0.7


def test_furrows_follow_their_face_units():
    def dark(**weights: float) -> np.ndarray:
        """Share of light lost in every texel."""
        units = np.array([weights.get(name, 0.0) for name in UNIT_NAMES], np.float32)
        bright = np.ones((ROWS, COLUMNS, 2), np.float32)
        folded = bright.copy()
        fold(bright, units, folded)
        return 1 - folded[..., 0]

    assert not dark().any()
    frown = dark(browDownLeft=0.3)
    assert 0.05 < frown.max() < 0.5
    # The subject's left is at positive angles: the right half of the skin.
    assert frown.sum(0).argmax() > COLUMNS / 2
    assert dark(browDownRight=0.3).sum() == pytest.approx(frown.sum(), rel=0.05)


def test_each_landmark_is_a_visible_vertex():
    assert len(set(LANDMARKS)) == 68
    assert set(EYE_CORNERS) <= set(LANDMARKS)
    assert np.isin(LANDMARKS, figure().vertex_ids).all()


def test_wrong_requests_are_refused(subject):
    with pytest.raises(ConfigError, match="unknown emotion 'bored'"):
        render_clip(subject, emotion="bored", seed=1, config=quiet())
    with pytest.raises(ConfigError, match=r"unknown action units \['99'\]"):
        render_clip(subject, aus={"99": 1.0}, seed=1, config=quiet())
    with pytest.raises(ConfigError, match="at least 2 frames"):
        replace(quiet(), frames=1)
    with pytest.raises(ConfigError, match="peak_px"):
        replace(quiet(), peak_px=(1.0, 0.5))
    with pytest.raises(ConfigError, match="noise_sigma is inf, expected 0 or more"):
        replace(quiet(), noise_sigma=float("inf"))
    with pytest.raises(ConfigError, match="seed of a person is -1"):
        Subject(-1)
    with pytest.raises(ConfigError, match="seed of a clip is -1"):
        render_clip(subject, aus={}, seed=-1, config=quiet())
