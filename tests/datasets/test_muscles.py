"""The face units of our own: what moves where, by FACS's description."""

import numpy as np
import pytest

from mace.datasets.synthetic.head.muscles import MUSCLES, muscle_units

# Left half, in dm on the average head: both lids, cheek beside the nose, corner of the mouth, the
# skin about it, and the back of the head behind it.
UPPER_LID, LOWER_LID, CHEEK = (0.3, 7.38, 1.3), (0.3, 7.3, 1.3), (0.2, 6.96, 1.4)
CORNER, ABOVE, BELOW, BEYOND = (
    (0.21, 6.68, 1.4),
    (0.28, 6.8, 1.3),
    (0.28, 6.56, 1.3),
    (0.4, 6.68, 1.2),
)
BACK = (0.28, 6.8, -0.8)


def moved(unit: str, *places: tuple[float, float, float], skin: bool = True) -> np.ndarray:
    points = np.array(places, np.float32)
    return muscle_units(points, np.full(len(points), skin))[unit]


def test_the_lower_lid_rises_and_the_eye_stays_open():
    upper, lower, cheek = moved("lidTightenLeft", UPPER_LID, LOWER_LID, CHEEK)
    assert lower[1] > 0.02
    assert -0.5 * lower[1] < upper[1] < 0
    assert np.abs(cheek).max() < 1e-3


def test_the_cheek_beside_the_nose_rises_with_the_upper_lip():
    cheek, lid = moved("cheekLiftLeft", CHEEK, LOWER_LID)
    assert cheek[1] > 0.03
    assert np.abs(lid).max() < 0.1 * cheek[1]


def test_a_dimple_draws_skin_together_and_lifts_no_corner():
    corner, above, below, beyond, back = moved(
        "cornerTightenLeft", CORNER, ABOVE, BELOW, BEYOND, BACK
    )
    assert corner[0] > 0
    assert corner[2] < -0.02
    assert abs(corner[1]) < 0.2 * abs(corner[2])
    assert above[1] < 0 < below[1]
    assert beyond[0] < 0
    assert not back.any()


@pytest.mark.parametrize("unit", MUSCLES)
def test_sides_mirror_each_other(unit):
    right = np.array([LOWER_LID, CHEEK, CORNER]) * [-1, 1, 1]
    np.testing.assert_allclose(
        moved(unit + "Left", LOWER_LID, CHEEK, CORNER) * [-1, 1, 1],
        moved(unit + "Right", *map(tuple, right)),
        atol=1e-7,
    )


def test_what_is_no_skin_stays():
    assert not moved("cheekLiftLeft", CHEEK, skin=False).any()
