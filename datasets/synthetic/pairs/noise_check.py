"""How errors sampled from the model of flow estimators compare with real ones."""

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from mace.datasets.synthetic.pairs.noise import EstimatorModel, measured_fields


class Comparison(NamedTuple):
    """Real and sampled fields of one estimator, on the same exact motion.

    Attributes:
        map_correlation: between the maps of the residual's deviation, real and sampled.
        size: deviation of all residuals, sampled over real.
        bands: power of the residuals, sampled over real, at wavelengths above 40 px, 40 to 20,
            20 to 10 and below 10.
        slope: of the field on the exact one, real and sampled.
        correlation: of the field with the exact one, real and sampled; medians over pairs.
        tail: 99th over 50th percentile of the pairs' residuals, real and sampled.
    """

    map_correlation: float
    size: float
    bands: tuple[float, ...]
    slope: tuple[float, float]
    correlation: tuple[float, float]
    tail: tuple[float, float]


def compare(
    exact: Float[np.ndarray, "n r r 2"],
    real: Float[np.ndarray, "n r r 2"],
    sampled: Float[np.ndarray, "n r r 2"],
) -> Comparison:
    """Compare sampled fields with measured ones; all of the same pairs."""
    pairs = (real, sampled)
    residuals = [fields - exact for fields in pairs]
    maps = [np.sqrt((r**2).mean(0)).ravel() for r in residuals]
    power = [_band_power(r) for r in residuals]
    sizes = [np.sqrt((r**2).mean((1, 2, 3))) for r in residuals]
    tails = [float(np.percentile(s, 99) / np.median(s)) for s in sizes]
    slopes = [float((f * exact).sum() / (exact**2).sum()) for f in pairs]
    together = [np.median(_correlations(f, exact)) for f in pairs]
    return Comparison(
        map_correlation=float(np.corrcoef(maps)[0, 1]),
        size=float(residuals[1].std() / residuals[0].std()),
        bands=tuple(float(v) for v in power[1] / power[0]),
        slope=(slopes[0], slopes[1]),
        correlation=(float(together[0]), float(together[1])),
        tail=(tails[0], tails[1]),
    )


def _band_power(residual: np.ndarray) -> np.ndarray:
    side = residual.shape[1]
    spectrum = (np.abs(np.fft.fft2(residual, axes=(1, 2))) ** 2).mean((0, 3))
    frequency = np.fft.fftfreq(side, 160 / side)
    radius = np.hypot(*np.meshgrid(frequency, frequency))
    edges = [0, 1 / 40, 1 / 20, 1 / 10, 1]
    inside = [(radius >= a) & (radius < b) for a, b in pairwise(edges)]
    return np.array([spectrum[mask].sum() for mask in inside])


def _correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    a, b = one.reshape(len(one), -1), other.reshape(len(other), -1)
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1) + 1e-12)


def sample(
    model: EstimatorModel, exact: Float[np.ndarray, "n r r 2"], name: str, *, seed: int = 0
) -> Float[np.ndarray, "n r r 2"]:
    """Sample what an estimator might have measured for these exact fields."""
    number = jnp.full(len(exact), model.index(name), jnp.int32)
    run = jax.jit(lambda key, exact: measured_fields(key, exact, model, estimator=number))
    return np.asarray(run(jax.random.key(seed), jnp.asarray(exact, jnp.float32)))
