"""The cast: the same people as the renderer's, in poses, as arrays."""

import dataclasses

import numpy as np
import pytest

from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.head.landmarks import eye_unit
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.front import head_front
from mace.errors import ConfigError


@pytest.fixture(scope="module")
def cast():
    return make_cast([3, 5], poses_each=2)


def test_a_person_has_the_head_of_the_subject(cast):
    subject = Subject(3)
    solid = figure().vertex_ids[: len(figure().vertex_ids) - len(figure().scalp)]
    own = dataclasses.replace(CastConfig.quiet(), mesh="fine", gain_sd=0.25, anatomy=1.0)
    fine = make_cast([3], config=own)
    for some, mesh in ((cast, "coarse"), (fine, "fine")):
        points = some.average + np.asarray(some.offsets[0], np.float32)
        ids = head_front(mesh).vertex_ids
        where = {int(k): row for row, k in enumerate(ids)}
        rows = [(where[int(k)], row) for row, k in enumerate(solid)
                if int(k) in where]  # fmt: skip
        ours, theirs = np.array(rows).T
        assert len(ours) > 0.9 * len(ids)
        np.testing.assert_allclose(points.T[ours], subject.person.rest[theirs], atol=3e-4)
    assert float(cast.entries.male[0]) == pytest.approx(subject.person.style.male)
    np.testing.assert_array_equal(fine.entries.gain[0], subject.habits.gain)
    np.testing.assert_array_equal(fine.entries.anatomy[0], subject.habits.anatomy)
    # In px of the crop; the eye line of this very face is what the canvas is scaled by.
    reach = np.array([subject.reach(au) for au in AU_NAMES]) * canvas.EYE_DISTANCE / eye_unit()
    ratio = np.asarray(fine.entries.reach[0]) / reach
    assert np.ptp(ratio) < 0.1
    assert abs(ratio.mean() - 1) < 0.1


def test_poses_differ_and_more_of_them_leave_the_first(cast):
    assert len(cast) == 4
    assert cast.people == 2
    assert np.ptp(cast.entries.pose[:, 0]) > 0.01
    assert np.all((cast.entries.distance > 5) & (cast.entries.distance < 20))
    alone = make_cast([5], poses_each=1)
    for name in ("pose", "distance", "reach", "gain", "triangle", "weights"):
        first, third = getattr(alone.entries, name)[0], getattr(cast.entries, name)[2]
        np.testing.assert_array_equal(first, third)


def test_the_face_fills_the_middle_of_the_canvas(cast):
    shown = np.asarray(cast.entries.triangle) >= 0
    assert shown[:, 15:50, 20:44].mean() > 0.97
    assert 0.5 < shown.mean() < 0.9
    weights = np.asarray(cast.entries.weights, np.float32)
    assert weights.min() >= 0
    assert weights.sum(-1).max() <= 1.01


def test_quiet_casts_look_straight_ahead():
    entries = make_cast([8], config=CastConfig.quiet()).entries
    assert not np.any(entries.pose)
    np.testing.assert_array_equal(entries.gain, np.ones_like(entries.gain))
    np.testing.assert_array_equal(entries.asymmetry, 0)


def test_impossible_casts_are_refused():
    with pytest.raises(ConfigError, match="twice"):
        make_cast([1, 1])
    with pytest.raises(ConfigError, match="distance_dm"):
        CastConfig(distance_dm=(9.0, 5.0))
    with pytest.raises(ConfigError, match="gain_sd is nan, expected 0 or more"):
        CastConfig(gain_sd=float("nan"))
