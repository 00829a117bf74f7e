"""Gain and offset of gray levels: found, kept from moved pixels, kept within limits."""

import jax
import numpy as np
import pytest

from mace.motion.illumination import match_light

pytestmark = pytest.mark.accelerator


def faces(count: int = 3, side: int = 48) -> np.ndarray:
    """Return smooth pictures of full contrast, float32 (count, side, side)."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.fft2(rng.normal(size=(count, side, side)))
    rows, columns = np.meshgrid(*[np.fft.fftfreq(side)] * 2, indexing="ij")
    smooth = np.fft.ifft2(spectrum * np.exp(-200 * (rows**2 + columns**2))).real
    low, high = smooth.min((1, 2), keepdims=True), smooth.max((1, 2), keepdims=True)
    return (255 * (smooth - low) / (high - low)).astype(np.float32)


def by_definition(reference: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Reweight in float64, one pair, with sums as they are written in books."""
    x, y = reference.astype(float), target.astype(float)
    weights = np.ones_like(x)
    for _ in range(6):
        mean_x, mean_y = np.average(x, weights=weights), np.average(y, weights=weights)
        together = np.average((x - mean_x) * (y - mean_y), weights=weights)
        gain = together / np.average((x - mean_x) ** 2, weights=weights)
        residual = y - gain * x - (mean_y - gain * mean_x)
        weights = 1 / (1 + (residual / max(np.abs(residual).mean(), 1.0)) ** 2) ** 2
    return (y - (mean_y - gain * mean_x)) / gain


def moved(face: np.ndarray) -> np.ndarray:
    """Return the face brighter as a whole, with a corner that shows something else."""
    changed = 1.2 * face + 8
    changed[..., :12, :12] = 255 - changed[..., :12, :12]
    return changed


def test_it_is_the_reweighted_line():
    reference = faces()
    target = moved(reference)
    expected = np.stack([by_definition(*pair) for pair in zip(reference, target, strict=True)])
    np.testing.assert_allclose(match_light(reference, target), expected, atol=2e-3)


def test_moved_pixels_do_not_bend_it():
    reference = faces()
    matched = np.asarray(match_light(reference, moved(reference)))
    np.testing.assert_allclose(matched[:, 12:, 12:], reference[:, 12:, 12:], atol=0.2)


def test_jit_is_eager_and_a_batch_is_its_pairs():
    reference = faces()
    target = moved(reference)
    eager = match_light(reference, target)
    np.testing.assert_allclose(jax.jit(match_light)(reference, target), eager, atol=1e-3)
    alone = [match_light(x[None], y[None])[0] for x, y in zip(reference, target, strict=True)]
    np.testing.assert_allclose(np.stack(alone), eager, atol=1e-3)


@pytest.mark.parametrize(("factor", "kept"), [(0.25, 0.5), (4.0, 2.0)])
def test_the_gain_is_kept_within_limits(factor, kept):
    reference = faces()
    matched = np.asarray(match_light(reference, factor * reference))
    spread = matched.std((1, 2)) / reference.std((1, 2))
    np.testing.assert_allclose(spread, factor / kept, rtol=1e-4)


def test_a_flat_reference_takes_the_offset_alone():
    flat = np.full((1, 32, 32), 90, np.float32)
    np.testing.assert_allclose(match_light(flat, flat + 20), flat, atol=1e-3)
