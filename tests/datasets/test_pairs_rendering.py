"""Rendered pairs: geometry, truth, what turns off what, and what the pictures follow from."""

import jax
import numpy as np
import pytest

from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.head.landmarks import LANDMARKS
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.canvas import on_cells
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.draw import Plans
from mace.datasets.synthetic.pairs.estimators import measure
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.datasets.synthetic.pairs.rendering import render_pictures
from mace.datasets.synthetic.pairs.views import view
from mace.datasets.synthetic.person.anatomy import draw_anatomy
from mace.datasets.synthetic.person.person import make_person
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.errors import ConfigError
from mace.face.similarity import apply, fit_similarity

QUIET = PictureConfig.quiet()
SEEDS = (3, 8)


@pytest.fixture(scope="module")
def cast():
    return make_cast(SEEDS, config=CastConfig())


def plans(*entries, **changes):
    """Pairs in which nothing happens but for what is given."""
    count = len(entries)

    def zeros(*shape):
        return np.zeros((count, *shape), np.float32)

    still = {
        "entry": np.array(entries, np.int32),
        "prototype": np.zeros(count, np.int32),
        "emotion": np.zeros(count, np.int32),
        "reference": zeros(len(UNIT_NAMES)),
        "target": zeros(len(UNIT_NAMES)),
        "head": zeros(6),
        "corrected": np.ones(count, bool),
        "registration": zeros(4),
        "framing": zeros(4),
        "peak_px": zeros(),
        "aus": zeros(17),
        "unit_px": zeros(17),
        "side": zeros(17),
    }
    return Plans(**(still | changes))


def weights(count, **aus):
    average = draw_anatomy(np.random.default_rng(0), spread=0.0)
    total = sum(amount * average[AU_NAMES.index(au[2:])] for au, amount in aus.items())
    return np.tile(total, (count, 1)).astype(np.float32)


def cameras(cast):
    """Of the first person of a cast in a pair in which nothing happens."""
    still = plans(0, corrected=np.zeros(1, bool))
    return view(jax.tree.map(lambda leaf: leaf[0], still), cast).cameras()


def test_a_pair_without_motion_and_noise_is_one_picture_twice(cast):
    reference, target, _ = render_pictures(plans(0, 1), cast, picture=QUIET)
    assert reference.shape == (2, 160, 160)
    assert reference.dtype == np.uint8
    np.testing.assert_array_equal(reference, target)
    assert np.abs(reference[0].astype(int) - reference[1]).mean() > 3


def test_heads_fill_the_canvas_from_brows_to_chin(cast):
    motion = render_pictures(
        plans(0, registration=np.array([[1, 0, 0, 0]], np.float32)), cast, picture=QUIET
    ).motion
    head = motion[0, ..., 0] > 0.5
    assert head[30:125, 60:100].mean() > 0.999
    assert head[:, :12].mean() < 0.9


def test_eye_centres_lie_where_the_crop_has_them(cast):
    anchors = make_person(SEEDS[0]).rest[figure().rigid]
    reference, target = cameras(cast)
    eyes = reference.project(anchors[:4]).reshape(2, 2, 2).mean(1)
    np.testing.assert_allclose(eyes, canvas.EYES, atol=1e-4)
    np.testing.assert_allclose(target.project(anchors), reference.project(anchors))


def test_the_person_and_the_camera_are_those_of_the_clips():
    subject, person, shape = Subject(5), make_person(5), figure()
    solid = len(shape.vertex_ids) - len(shape.scalp)
    np.testing.assert_array_equal(person.rest, subject.person.rest)
    clip = render_clip(subject, aus={}, seed=0, config=ClipConfig.quiet(frames=2))
    camera, _ = cameras(make_cast([5], config=CastConfig.quiet()))
    rows = np.searchsorted(shape.vertex_ids[:solid], LANDMARKS[17:])
    mine = camera.project(person.rest[rows])
    theirs = clip.points[0, 17:].astype(np.float64)
    assert np.abs(apply(fit_similarity(theirs, mine), theirs) - mine).max() < 0.01


def test_the_field_is_what_dense_flow_finds(cast):
    moved = weights(2, au1=0.25, au2=0.25, au12=0.3)
    pictures = render_pictures(plans(0, 1, target=moved), cast, picture=QUIET)
    flow = measure(pictures.reference, pictures.target, estimator="dis")
    head = np.abs(pictures.motion).max(-1) > 1e-4
    assert 0.5 < np.abs(pictures.motion).max() < 8
    for k in (0, 1):
        exact, found = pictures.motion[k][head[k]].ravel(), flow[k][head[k]].ravel()
        assert np.corrcoef(exact, found)[0, 1] > 0.9
        assert 0.85 < (exact * found).sum() / (exact**2).sum() < 1.15


def test_both_routes_agree_on_the_motion(cast):
    rng = np.random.default_rng(0)
    changes = {
        "target": weights(2, au4=0.2, au12=0.2),
        "head": rng.normal(0, [[0.01, 0.01, 0.01, 0.01, 0.01, 0.004]] * 2).astype(np.float32),
        "corrected": np.array([True, False]),
        "registration": rng.normal(0, [[0.1, 0.1, 0.002, 0.001]] * 2).astype(np.float32),
    }
    planned = plans(0, 1, **changes)
    mine = on_cells(render_pictures(planned, cast, picture=QUIET).motion).astype(np.float32)
    theirs = np.asarray(jax.jit(exact_fields)(planned, cast.on_device()))
    both = (np.abs(mine).max(-1) > 0) & (np.abs(theirs).max(-1) > 0)
    # Edges of the head, where a cell is half empty, and lips, which part within a cell, differ.
    difference = np.abs(mine - theirs).max(-1)[both]
    assert np.quantile(difference, 0.9) < 0.05
    assert np.corrcoef(mine[both].ravel(), theirs[both].ravel())[0, 1] > 0.97


def test_the_correction_takes_the_heads_similarity_out(cast):
    head = np.array([[0, 0, 0.02, 0.03, -0.02, 0.02]] * 2, np.float32)
    planned = plans(0, 0, head=head, corrected=np.array([True, False]))
    motion = render_pictures(planned, cast, picture=QUIET).motion
    assert np.abs(motion[0]).max() < 0.3
    assert np.abs(motion[1]).max() > 1


def test_registration_shifts_the_target(cast):
    shifted = plans(0, registration=np.array([[0.5, -0.25, 0, 0]], np.float32))
    pictures = render_pictures(shifted, cast, picture=QUIET)
    inside = pictures.motion[0, 60:120, 60:100].reshape(-1, 2)
    assert np.quantile(np.abs(inside - [0.5, -0.25]).max(1), 0.99) < 2e-3
    flow = measure(pictures.reference, pictures.target, estimator="dis")[0, 60:120, 60:100]
    assert np.median(flow.reshape(-1, 2), 0) == pytest.approx([0.5, -0.25], abs=0.06)


def test_pictures_follow_from_seed_person_and_number(cast):
    planned = plans(0, 1, 0, 1, target=weights(4, au12=0.2))
    whole = render_pictures(planned, cast, picture=PictureConfig(), seed=4)
    again = render_pictures(planned, cast, picture=PictureConfig(), seed=4)
    other = render_pictures(planned, cast, picture=PictureConfig(), seed=5)
    # Sorted by person, and one person alone: the same recordings.
    rows = [0, 2]
    alone = jax.tree.map(lambda v: v[rows], planned)
    one = render_pictures(alone, cast, picture=PictureConfig(), seed=4)
    for frame in (0, 1):
        np.testing.assert_array_equal(whole[frame], again[frame])
        np.testing.assert_array_equal(whole[frame][rows], one[frame])
        assert (whole[frame] != other[frame]).any()
    assert (whole[0][0] != whole[0][2]).any()
    last = jax.tree.map(lambda v: v[2:3], planned)
    late = render_pictures(last, cast, picture=PictureConfig(), seed=4, first=1)
    np.testing.assert_array_equal(late[1][0], whole[1][2])


@pytest.mark.parametrize(
    "change",
    [
        {"resampled": 1.0},
        {"noise": 2.0},
        {"blur": 1.5},
        {"gamma": 0.3},
        {"contrast": 0.3},
        {"exposure": 0.3},
        {"compressed": 1.0},
        {"light": 1.0},
        {"hard": 1.0},
        {"flicker": 2.0},
        {"mottling": 1.0},
        {"glasses": 1.0},
        {"backdrop": 1.0},
    ],
)
def test_every_setting_changes_the_picture_and_nothing_else(cast, change):
    planned = plans(0, target=weights(1, au12=0.2))
    quiet = render_pictures(planned, cast, picture=QUIET)
    changed = render_pictures(planned, cast, picture=PictureConfig.quiet(**change))
    assert (quiet.target != changed.target).any()
    np.testing.assert_array_equal(quiet.motion, changed.motion)


def test_a_setting_out_of_range_is_named():
    with pytest.raises(ConfigError, match="glasses is 2"):
        PictureConfig(glasses=2)
    with pytest.raises(ConfigError, match="native_px"):
        PictureConfig(native_px=(90, 30))
    with pytest.raises(ConfigError, match="noise is -1"):
        PictureConfig(noise=-1)
    with pytest.raises(ConfigError, match="blur is nan"):
        PictureConfig(blur=float("nan"))
