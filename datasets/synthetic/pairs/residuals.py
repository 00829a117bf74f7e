"""Fit the model of flow estimators to how their fields differ from the exact ones."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from mace.datasets.synthetic.pairs.noise import (
    BLURS,
    COARSE,
    KINDS,
    NEARBY,
    PATTERN,
    EstimatorModel,
    blurred,
    predict,
    spread,
    vary,
)

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
