"""Fit `assets/estimators.npz`, the model of flow estimators, to rendered pairs, and show the fit.

    python -m mace.datasets.synthetic.pairs.fit_noise --people 300 --pairs-each 8

renders, measures with every estimator, fits on three quarters of the people, prints how sampled
errors compare with real ones on the others, and writes the asset (or the file after `--output`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Array, Float

from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.noise import (
    BLURS,
    COARSE,
    KINDS,
    NEARBY,
    PATTERN,
    EstimatorModel,
    blurred,
    measured_fields,
    predict,
    save_model,
    spread,
    vary,
)
from mace.datasets.synthetic.pairs.stored import make_pairs

_NAMES = ("dis", "dis-medium", "farneback", "tvl1")
# Cells whose residuals go up and down together, for the weight of a pair's own evidence.
_TOGETHER = 60.0
# Spread of the pairs' gains and extra blurs before their evidence is seen.
_PRIOR = np.array([0.35, 0.35])
_FLOOR_PX = 0.03
_ROUNDS = 3

type Fields = Float[np.ndarray, "n 2 r r"]


class _Residual(NamedTuple):
    """How one estimator's fields differ from the exact ones."""

    gain: np.ndarray
    floor: np.ndarray
    growth: np.ndarray
    pairs: np.ndarray
    patterns: np.ndarray
    kinds: np.ndarray


def fit_estimators(
    exact: Float[np.ndarray, "n r r 2"],
    measured: Mapping[str, Float[np.ndarray, "n r r 2"]],
    *,
    patterns: int = 64,
    table: int = 512,
) -> EstimatorModel:
    """Fit the model.

    Args:
        exact: exact fields of many pairs.
        measured: what each estimator measured for the same pairs.
        patterns: principal components of the residuals, shared by all estimators.
        table: pairs kept for each estimator.
    """
    truth = _components(exact)
    residuals = [_fit_one(truth, _components(fields)) for fields in measured.values()]
    stacked = np.concatenate([r.patterns for r in residuals])
    _, vectors = np.linalg.eigh(stacked.T @ stacked / len(stacked))
    basis = np.ascontiguousarray(vectors[:, ::-1][:, :patterns].T)
    mixing, rest, tail = [], [], []
    for residual in residuals:
        kinds = [residual.patterns[residual.kinds == kind] for kind in range(KINDS)]
        fitted = [_fit_patterns(flat, basis) for flat in kinds]
        mixing.append(np.stack([lower for lower, _, _ in fitted]))
        rest.append(np.array([left for _, left, _ in fitted]))
        tail.append(np.mean([heavy for _, _, heavy in fitted]))
    keep = [np.linspace(0, len(r.pairs) - 1, table).astype(int) for r in residuals]
    return EstimatorModel(
        gain=_single([r.gain for r in residuals]),
        floor=_single([r.floor for r in residuals]),
        growth=_single([r.growth for r in residuals]),
        pairs=_single([r.pairs[k] for r, k in zip(residuals, keep, strict=True)]),
        basis=basis.reshape(patterns, 2, PATTERN, PATTERN).astype(np.float32),
        mixing=_single(mixing),
        rest=_single(rest),
        tail=_single(tail),
        names=tuple(measured),
    )


def _fit_patterns(flat: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Mixing of the coefficients, deviation of the finer noise, and heaviness of the tails."""
    part = flat @ basis.T
    # A little is added for the sake of few pairs.
    lower = np.linalg.cholesky(part.T @ part / len(part) + 1e-4 * np.eye(len(basis)))
    single = np.linalg.solve(lower, part.T)
    kurtosis = np.mean(single**4) / np.mean(single**2) ** 2
    left = (flat**2).mean() - (part**2).sum(1).mean() / flat.shape[1]
    # Stretching to the cells smooths the finer noise; the factor makes up for it.
    return lower, np.sqrt(max(left, 0)) * 1.68, np.sqrt(np.log(max(kurtosis, 3) / 3)) / 2


def _components(fields: Float[np.ndarray, "n r r 2"]) -> Fields:
    return np.ascontiguousarray(np.moveaxis(fields, -1, 1), np.float32)


def _single(parts: list[np.ndarray]) -> np.ndarray:
    return np.stack(parts).astype(np.float32)


def _blocks(values: np.ndarray) -> np.ndarray:
    """Cells of (..., r, r) as (..., c, c, cells in each place of a map)."""
    *lead, side, _ = values.shape
    inner = side // COARSE
    split = values.reshape(*lead, COARSE, inner, COARSE, inner)
    return np.moveaxis(split, -3, -2).reshape(*lead, COARSE, COARSE, inner * inner)


def _fit_one(exact: Fields, measured: Fields) -> _Residual:
    parts = np.stack([np.asarray(_blur_all(exact, sigma=sigma)) for sigma in BLURS], 1)
    weight = 1 / (0.05**2 + (exact**2).mean((1, 2, 3)))
    gain = _fit_gain(parts, measured, weight / weight.mean())
    motion = np.asarray(_predict_all(exact, gain))
    floor = np.full((2, COARSE, COARSE), measured.std() + _FLOOR_PX)
    growth = np.zeros_like(floor)
    scale = np.ones(len(exact))
    own = np.tile([1.0, 0.0], (len(exact), 1))
    varied = motion
    for _ in range(_ROUNDS):
        deviation = np.asarray(_spread_all(varied, floor, growth))
        own = _fit_own(motion, measured, deviation * scale[:, None, None, None])
        varied = np.asarray(_vary_all(motion, own))
        residual = measured - varied
        scale = np.sqrt(((residual / deviation) ** 2).mean((1, 2, 3)))
        floor, growth = _fit_spread(varied, residual / scale[:, None, None, None])
    deviation = np.asarray(_spread_all(varied, floor, growth))
    scale = np.sqrt((((measured - varied) / deviation) ** 2).mean((1, 2, 3)))
    patterns = (measured - varied) / deviation / scale[:, None, None, None]
    side = patterns.shape[-1] // PATTERN
    patterns = patterns.reshape(len(exact), 2, PATTERN, side, PATTERN, side).mean((3, 5))
    strength = np.sqrt((motion**2).mean((1, 2, 3)))
    size = np.sqrt(((measured - varied) ** 2).mean((1, 2, 3)))
    kinds = np.searchsorted(np.quantile(size, np.arange(1, KINDS) / KINDS), size)
    pairs = np.column_stack([strength, own, scale, kinds])[np.argsort(strength)]
    return _Residual(gain, floor, growth, pairs, patterns.reshape(len(exact), -1), kinds)


def _fit_gain(parts: np.ndarray, measured: Fields, weight: np.ndarray) -> np.ndarray:
    """Maps of gain (s, 2, c, c) by ridge regression towards one gain for all places."""
    kinds = parts.shape[1]
    squares = np.zeros((2, COARSE, COARSE, kinds, kinds))
    products = np.zeros((2, COARSE, COARSE, kinds))
    for k in range(len(parts)):
        x, y = _blocks(parts[k]), _blocks(measured[k])
        squares += weight[k] * np.einsum("scijp,tcijp->cijst", x, x, optimize=True)
        products += weight[k] * np.einsum("scijp,cijp->cijs", x, y, optimize=True)
    gains = np.empty((kinds, 2, COARSE, COARSE))
    for c in range(2):
        whole = squares[c].sum((0, 1))
        ridge = np.trace(whole) / kinds * np.eye(kinds)
        overall = np.linalg.solve(whole + 1e-4 * ridge, products[c].sum((0, 1)))
        ridge *= 0.1 / COARSE**2
        goal = products[c] + ridge @ overall
        gains[:, c] = np.moveaxis(
            np.linalg.solve(squares[c] + ridge, goal[..., None])[..., 0], -1, 0
        )
    return gains


def _fit_own(motion: Fields, measured: Fields, deviation: np.ndarray) -> np.ndarray:
    """Each pair's gain and extra blur, drawn to 1 and 0 where it says little."""
    extra = np.asarray(_blur_all(motion, sigma=BLURS[NEARBY])) - motion
    x = np.stack([motion / deviation, extra / deviation], 1).reshape(len(motion), 2, -1)
    y = ((measured - motion) / deviation).reshape(len(motion), -1)
    squares = np.einsum("nsp,ntp->nst", x, x, optimize=True) / _TOGETHER
    products = np.einsum("nsp,np->ns", x, y, optimize=True) / _TOGETHER
    change = np.linalg.solve(squares + np.diag(1 / _PRIOR**2), products[..., None])[..., 0]
    return change + np.array([1.0, 0.0])


def _fit_spread(motion: Fields, residual: Fields) -> tuple[np.ndarray, np.ndarray]:
    """Maps of floor and growth: squared residuals against the motion nearby, both positive."""
    nearby = np.asarray(_blur_all((motion**2).sum(1, keepdims=True), sigma=BLURS[NEARBY]))
    q = _blocks(nearby)[:, 0].mean(-1)
    floor, growth = np.empty((2, COARSE, COARSE)), np.empty((2, COARSE, COARSE))
    for c in range(2):
        y = (_blocks(residual[:, c]) ** 2).mean(-1)
        a, b = y.mean(0), np.zeros_like(q[0])
        for _ in range(4):
            w = 1 / (a + b * q + _FLOOR_PX**2 / 100) ** 2
            s, sq, sqq = w.sum(0), (w * q).sum(0), (w * q * q).sum(0)
            sy, sqy = (w * y).sum(0), (w * q * y).sum(0)
            slope = (s * sqy - sq * sy) / np.maximum(s * sqq - sq * sq, 1e-12)
            b = np.clip(slope, 0, sqy / np.maximum(sqq, 1e-12))
            a = np.maximum((sy - b * sq) / s, 1e-6)
        floor[c], growth[c] = np.sqrt(a), np.sqrt(b)
    return floor, growth


@partial(jax.jit, static_argnames="sigma")
def _blur_all(values: Float[Array, "n k r r"], *, sigma: float) -> Float[Array, "n k r r"]:
    return jax.vmap(lambda maps: blurred(maps, sigma))(values)


_predict_all = jax.jit(jax.vmap(predict, (0, None)))
_spread_all = jax.jit(jax.vmap(spread, (0, None, None)))
_vary_all = jax.jit(jax.vmap(lambda motion, own: vary(motion, own[0], own[1])))


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


@dataclass(frozen=True)
class FitConfig:
    """What to fit on.

    Attributes:
        people: number of people; the last quarter is held out and compared.
        pairs_each: pairs a person.
        first: seed of the first person.
        workers: processes, as many as there are cores by default.
        cache_dir: where rendered pairs are kept.
        output: the file to write.
    """

    people: int = 300
    pairs_each: int = 8
    first: int = 5_000_000
    workers: int | None = None
    cache_dir: Path | None = None
    output: Path = Path(__file__).parent / "assets" / "estimators.npz"


def sample(
    model: EstimatorModel, exact: Float[np.ndarray, "n r r 2"], name: str, *, seed: int = 0
) -> Float[np.ndarray, "n r r 2"]:
    """Sample what an estimator might have measured for these exact fields."""
    number = jnp.full(len(exact), model.index(name), jnp.int32)
    run = jax.jit(lambda key, exact: measured_fields(key, exact, model, estimator=number))
    return np.asarray(run(jax.random.key(seed), jnp.asarray(exact, jnp.float32)))


def main(config: FitConfig) -> None:
    """Render, fit, compare, write."""
    pairs = make_pairs(
        range(config.first, config.first + config.people), config.pairs_each,
        config=PairConfig(classes="7"), estimators=("exact", *_NAMES),
        workers=config.workers, cache_dir=config.cache_dir,
    )  # fmt: skip
    held_out = pairs.person >= config.first + config.people * 3 // 4
    fields = {name: pairs.of(name).astype(np.float32) for name in ("exact", *_NAMES)}
    exact = fields.pop("exact")
    model = fit_estimators(exact[~held_out], {n: f[~held_out] for n, f in fields.items()})
    for name, real in fields.items():
        result = compare(exact[held_out], real[held_out], sample(model, exact[held_out], name))
        print(name, *(f"{key}={value}" for key, value in result._asdict().items()))
    save_model(model, config.output)
    print(f"{config.output}: {config.output.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(tyro.cli(FitConfig))
