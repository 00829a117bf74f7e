"""The smoothed course of a face: what cancels, what keeps its height, and when it was."""

import numpy as np
import pytest

from mace.spotting.config import SpottingConfig
from mace.spotting.course import POINTS, Course
from mace.spotting.signal import REGIONS

CONFIG = SpottingConfig()
BROW = REGIONS.index("brow_left")


def played(signal):
    """Return a course that has seen `signal` (n,) as the left brow's height in px."""
    course = Course(CONFIG)
    course.begin(np.zeros(POINTS * 2))
    for value in signal:
        row = np.zeros((POINTS, 2))
        row[BROW, 1] = -value
        course.push(row.ravel())
    return course


def test_rest_and_slow_drift_have_no_height():
    near = played(np.linspace(0, 3, 200)).near()
    assert near is not None
    assert near.max() == pytest.approx(0, abs=1e-9)


def test_nothing_is_said_before_there_is_enough():
    assert played(np.zeros(3)).near() is None


def test_a_pulse_about_the_judged_point_has_its_height_and_times():
    fps, behind = CONFIG.fps, Course(CONFIG).lag + Course(CONFIG).reach
    times = (np.arange(200) - (199 - behind)) / fps  # 0 at the judged point
    course = played(0.8 * np.clip(1 - np.abs(times) / 0.1, 0, 1))
    near = course.near()
    assert near is not None
    assert near[:, BROW].argmax() == course.apart
    # The Gaussian of one sample takes a little off a triangle of five samples a side.
    assert near[course.apart, BROW] == pytest.approx(0.8, rel=0.2)
    found = course.pulse(np.ones(len(REGIONS)))
    assert found is not None
    movement = course.timed(course.lag / fps, found, found.heights)
    assert movement.apex == pytest.approx(0, abs=1e-9)
    assert movement.onset == pytest.approx(-0.09, abs=0.03)
    assert movement.offset == pytest.approx(0.09, abs=0.03)
    assert movement.travel == 0
