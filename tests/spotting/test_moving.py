"""What moves now: regions away from their rest, wherever the face has come to rest."""

import numpy as np
import pytest

from mace.spotting.moving import Movements
from mace.spotting.signal import REGIONS

BROW, LIP = REGIONS.index("brow_left"), REGIONS.index("lip_lower")


def told(*courses, seconds=12.0, fps=50.0):
    """The times and the regions told of at each, of movements given as (region, v over time)."""
    rng = np.random.default_rng(0)
    movements = Movements()
    for index in range(round(seconds * fps)):
        time = index / fps
        regions = rng.normal(0, 0.01, (len(REGIONS), 2))
        for region, course in courses:
            regions[region, 1] += course(time)
        yield time, movements.push(time, regions)


def test_a_still_face_does_nothing():
    assert not any(regions for _, regions in told())


def test_a_brow_that_rises_is_told_while_it_is_up():
    def flash(time):
        return -0.5 * (4.0 <= time < 4.3)

    up = {round(time, 2): regions for time, regions in told((BROW, flash)) if regions}
    assert (min(up), max(up)) == (4.0, 4.28)
    (region,) = up[4.1]
    assert region.name == "brow_left"
    assert region.v == pytest.approx(-0.5, abs=0.06)
    assert region.px == pytest.approx(0.5, abs=0.06)


def test_neither_a_smile_that_is_held_nor_its_end_moves_for_ever():
    def smile(time):
        return -1.0 * (2.0 <= time < 9.0)

    times = [time for time, regions in told((LIP, smile)) if regions]
    assert min(times) == 2.0
    assert 4.0 < max(times) < 6.0  # then it is how the face is, and back is as it was


def test_the_farthest_is_first():
    def both(time):
        return 0.4 * (time > 1)

    *_, (_, regions) = told((BROW, both), (LIP, lambda time: 2 * both(time)), seconds=1.5)
    assert [region.name for region in regions] == ["lip_lower", "brow_left"]
