import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mace.errors import DataError
from mace.face.similarity import IDENTITY, apply, compose, fit_robust, fit_similarity, invert, scale


def similarity(angle: float, factor: float, x: float, y: float) -> np.ndarray:
    a, b = factor * math.cos(angle), factor * math.sin(angle)
    return np.array([[a, -b, x], [b, a, y]])


SIMILARITIES = st.builds(
    similarity,
    st.floats(-math.pi, math.pi),
    st.floats(0.1, 10),
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
)
POINTS = np.random.default_rng(0).uniform(0, 128, (40, 2))


@given(SIMILARITIES)
@settings(max_examples=50, deadline=None)
def test_fit_recovers_the_transform(truth):
    np.testing.assert_allclose(fit_similarity(POINTS, apply(truth, POINTS)), truth, atol=1e-6)


@given(SIMILARITIES, SIMILARITIES)
@settings(max_examples=50, deadline=None)
def test_compose_and_invert_agree_with_apply(outer, inner):
    there = apply(outer, apply(inner, POINTS))
    np.testing.assert_allclose(apply(compose(outer, inner), POINTS), there, atol=1e-6)
    np.testing.assert_allclose(compose(invert(outer), outer), IDENTITY, atol=1e-6)


def test_scale_is_the_enlargement():
    assert scale(similarity(1.0, 2.5, 3, 4)) == pytest.approx(2.5)


def test_weights_choose_the_points():
    moved = POINTS.copy()
    moved[20:] += 5
    weights = np.r_[np.ones(20), np.zeros(20)]
    np.testing.assert_allclose(fit_similarity(POINTS, moved, weights), IDENTITY, atol=1e-9)


def test_outliers_do_not_move_the_robust_fit():
    rng = np.random.default_rng(1)
    truth = similarity(0.05, 1.02, 3, -2)
    seen = apply(truth, POINTS) + rng.normal(0, 0.02, POINTS.shape)
    wrong = rng.permutation(40)[:15]
    seen[wrong] += rng.uniform(1, 20, (15, 2))
    transform, weights, error = fit_robust(POINTS, seen)
    assert 0.01 < error < 0.04
    assert np.abs(apply(transform, POINTS) - apply(truth, POINTS)).max() < 0.03
    assert (weights[wrong] == 0).all()
    plain = fit_similarity(POINTS, seen)
    assert np.abs(apply(plain, POINTS) - apply(truth, POINTS)).max() > 1


def test_robust_fit_is_repeatable():
    seen = POINTS + np.random.default_rng(2).normal(0, 0.3, POINTS.shape)
    first = fit_robust(POINTS, seen)[0]
    for _ in range(5):
        np.testing.assert_array_equal(fit_robust(POINTS, seen)[0], first)


def test_degenerate_points_are_refused():
    same = np.ones((5, 2))
    with pytest.raises(DataError, match="one place"):
        fit_similarity(same, same)
    with pytest.raises(DataError, match="one place"):
        fit_robust(same, same)
    with pytest.raises(DataError, match="2 points"):
        fit_robust(POINTS[:2], POINTS[:2])
    with pytest.raises(DataError, match="flattens"):
        invert(np.zeros((2, 3)))
