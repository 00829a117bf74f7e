"""One temperature, against a case worked out by hand."""

import numpy as np
import pytest

from mace.errors import DataError
from mace.spotting.temperature import fit_temperature, temper


def test_temper_by_hand():
    # sqrt(0.8) : sqrt(0.2) is 2 : 1.
    np.testing.assert_allclose(temper(np.array([[0.8, 0.2]]), 2.0), [[2 / 3, 1 / 3]])
    np.testing.assert_allclose(temper(np.array([0.8, 0.2]), 1.0), [0.8, 0.2])


def test_fit_by_hand():
    # Always 0.8, right in two of three: the likelihood is best where 0.8 has become 2/3, at T = 2.
    probabilities = np.array([[0.8, 0.2]] * 3)
    assert fit_temperature(probabilities, np.array([0, 0, 1])) == pytest.approx(2.0, abs=1e-3)


def test_a_certain_mistake_does_not_break_the_fit():
    probabilities = np.array([[1.0, 0.0]] * 4)
    assert 1 < fit_temperature(probabilities, np.array([0, 0, 0, 1])) <= 20


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="one label from 0 to 1"):
        fit_temperature(np.array([[0.5, 0.5]]), np.array([2]))
    with pytest.raises(DataError):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, int))
