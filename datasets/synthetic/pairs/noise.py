"""What flow estimators make of an exact motion: the error of route 2, sampled in JAX.

A measured field is taken to be

    measured = predicted + scale * deviation * pattern,

where `predicted` mixes the exact field at several blurs by maps of gain (an estimator smooths, and
sees little where the skin has no texture), `deviation` grows with the motion nearby and differs
from place to place, and `pattern` is a random field of unit variance with the correlations of real
residuals: principal components with heavy tails, and finer noise. Gain, extra blur and scale of a
pair are those of a rendered pair of about the same strength, since they depend on each other (a
blurred, noisy picture has a low gain and a large error). Fitted by `fit_noise`.
"""

from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from mace.datasets.synthetic.pairs import canvas
from mace.errors import ConfigError
from mace.files import atomic_path

BLURS = (0.0, 1.0, 2.5, 6.0)
"""Standard deviations in cells at which the exact field is mixed."""
NEARBY = 2
"""Index of the blur that says how much moves nearby, and of a pair's extra blur."""
COARSE, PATTERN = 16, 32
"""Cells along each side of the maps, and of the patterns."""

KINDS = 3
"""Kinds of pairs by the size of their residuals: large ones are also smoother."""

# A pair takes after a rendered one whose strength differs by at most this share of all ranks.
_WINDOW = 0.04


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EstimatorModel:
    """E estimators, fitted.

    Attributes:
        gain: of the exact field at each of `BLURS`, per component and place.
        floor: deviation of the residual in px where nothing moves.
        growth: deviation per px of motion nearby; their squares add.
        pairs: rendered pairs sorted by strength: strength (root mean square of the prediction, px),
            gain, extra blur, scale, kind.
        basis: patterns, orthonormal.
        mixing: their coefficients are this lower triangle times independent ones of unit variance,
            for each of `KINDS` kinds of pairs.
        rest: deviation of the finer noise, per kind.
        tail: spread (log) of the independent coefficients' deviations: heavy tails.
        names: of the estimators.
    """

    gain: Float[Array | np.ndarray, "e s 2 c c"]
    floor: Float[Array | np.ndarray, "e 2 c c"]
    growth: Float[Array | np.ndarray, "e 2 c c"]
    pairs: Float[Array | np.ndarray, "e t 5"]
    basis: Float[Array | np.ndarray, "k 2 p p"]
    mixing: Float[Array | np.ndarray, "e q k k"]
    rest: Float[Array | np.ndarray, "e q"]
    tail: Float[Array | np.ndarray, " e"]
    names: tuple[str, ...] = field(metadata={"static": True})

    def index(self, name: str) -> int:
        """Number of an estimator; `exact`, which leaves a field as it is, comes after the last.

        Raises:
            ConfigError: for an unknown name.
        """
        names = (*self.names, "exact")
        if name not in names:
            raise ConfigError(f"unknown estimator {name!r}; fitted are {', '.join(names)}")
        return names.index(name)


def measured_fields(
    key: Key[Array, ""],
    exact: Float[Array, "b r r 2"],
    model: EstimatorModel,
    *,
    estimator: Int[Array, " b"],
) -> Float[Array, "b r r 2"]:
    """Turn exact fields into what estimators would have measured; to be jitted.

    Args:
        key: of all noise.
        exact: fields in crop px on the canvas's cells, 0 beside the head.
        model: the estimators.
        estimator: `model.index` of the estimator of each pair.
    """
    keys = jax.random.split(key, exact.shape[0])

    def one(key: Array, exact: Array, estimator: Array) -> Array:
        return measured_field(key, exact, model, estimator=estimator)

    if jax.default_backend() == "cpu":
        return jax.lax.map(lambda args: one(*args), (keys, exact, estimator), batch_size=8)
    return jax.vmap(one)(keys, exact, estimator)


def measured_field(
    key: Key[Array, ""],
    exact: Float[Array, "r r 2"],
    model: EstimatorModel,
    *,
    estimator: Int[Array, ""],
) -> Float[Array, "r r 2"]:
    """Turn one exact field into what an estimator would have measured."""
    keys = jax.random.split(key, 2)
    number = jnp.minimum(estimator, len(model.names) - 1)
    motion = predict(jnp.moveaxis(exact, -1, 0), jnp.asarray(model.gain)[number])
    table = jnp.asarray(model.pairs)[number]
    gain, blur, scale, kind = _like_a_rendered_pair(keys[0], _strength(motion), table)
    motion = vary(motion, gain, blur)
    deviation = spread(motion, jnp.asarray(model.floor)[number], jnp.asarray(model.growth)[number])
    error = scale * deviation * _pattern(keys[1], model, number, kind)
    measured = jnp.moveaxis(motion + error, 0, -1)
    return jnp.where(estimator < len(model.names), measured, exact)


def predict(exact: Float[Array, "2 r r"], gain: Float[Array, "s 2 c c"]) -> Float[Array, "2 r r"]:
    """The mean of what is measured: the exact field at several blurs, mixed by maps."""
    parts = jnp.stack([blurred(exact, sigma) for sigma in BLURS])
    return jnp.sum(parts * _stretched(gain, exact.shape[-1]), 0)


def vary(
    motion: Float[Array, "2 r r"], gain: Float[Array, ""], blur: Float[Array, ""]
) -> Float[Array, "2 r r"]:
    """One pair's gain, and its share of extra blur."""
    return gain * motion + blur * (blurred(motion, BLURS[NEARBY]) - motion)


def spread(
    motion: Float[Array, "2 r r"], floor: Float[Array, "2 c c"], growth: Float[Array, "2 c c"]
) -> Float[Array, "2 r r"]:
    """Deviation of the residual."""
    nearby = blurred(jnp.sum(motion * motion, 0, keepdims=True), BLURS[NEARBY])
    side = motion.shape[-1]
    growth = _stretched(growth, side)
    return jnp.sqrt(_stretched(floor, side) ** 2 + growth * growth * nearby)


def blurred(values: Float[Array, "k r r"], sigma: float) -> Float[Array, "k r r"]:
    """Gaussian blur of maps, whose outside is 0."""
    if not sigma:
        return values
    kernel = jnp.asarray(_blur_matrix(values.shape[-1], sigma))
    return jnp.einsum("yh,khw,xw->kyx", kernel, values, kernel, precision="highest")


def _like_a_rendered_pair(
    key: Array, strength: Float[Array, ""], table: Float[Array, "t 5"]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""], Int[Array, ""]]:
    ranks = len(table)
    rank = jnp.searchsorted(table[:, 0], strength).astype(jnp.float32)
    reach = max(_WINDOW * ranks, 1.0)
    # Clipped before the draw: the strongest pairs, too, take after several.
    rank = jnp.clip(rank, reach, ranks - 1 - reach)
    rank = rank + reach * jax.random.uniform(key, minval=-1.0, maxval=1.0)
    row = table[jnp.clip(jnp.round(rank), 0, ranks - 1).astype(jnp.int32)]
    return row[1], row[2], row[3], row[4].astype(jnp.int32)


def _pattern(
    key: Array, model: EstimatorModel, number: Array, kind: Int[Array, ""]
) -> Float[Array, "2 r r"]:
    basis, keys = jnp.asarray(model.basis), jax.random.split(key, 3)
    count = basis.shape[0]
    tail = jnp.asarray(model.tail)[number]
    # Log-normal deviations with a mean square of 1.
    heavy = jnp.exp(tail * jax.random.normal(keys[0], (count,)) - tail * tail)
    independent = heavy * jax.random.normal(keys[1], (count,))
    mixing = jnp.asarray(model.mixing)[number, kind]
    coefficients = jnp.matmul(mixing, independent, precision="highest")
    smooth = jnp.tensordot(coefficients, basis, 1, precision="highest")
    fine = jnp.asarray(model.rest)[number, kind] * jax.random.normal(keys[2], basis.shape[1:])
    return _stretched(smooth + fine, canvas.CELLS)


def _strength(motion: Float[Array, "2 r r"]) -> Float[Array, ""]:
    return jnp.sqrt(jnp.mean(motion * motion))


def _stretched(maps: Float[Array, "*k c c"], side: int) -> Float[Array, "*k r r"]:
    """Interpolate maps linearly to more cells."""
    matrix = jnp.asarray(stretch_matrix(maps.shape[-1], side))
    return jnp.einsum("yh,...hw,xw->...yx", matrix, maps, matrix, precision="highest")


@cache
def stretch_matrix(few: int, many: int) -> Float[np.ndarray, "many few"]:
    """Linear interpolation from the middles of few cells to those of many."""
    place = np.clip((np.arange(many) + 0.5) * few / many - 0.5, 0, few - 1)
    distance = np.abs(place[:, None] - np.arange(few))
    return np.maximum(1 - distance, 0).astype(np.float32)


@cache
def _blur_matrix(side: int, sigma: float) -> Float[np.ndarray, "r r"]:
    distance = np.arange(side)[:, None] - np.arange(side)
    reach = np.arange(-4 * side, 4 * side + 1)
    total = np.exp(-0.5 * (reach / sigma) ** 2).sum()
    return (np.exp(-0.5 * (distance / sigma) ** 2) / total).astype(np.float32)


def save_model(model: EstimatorModel, path: Path) -> None:
    """Write a model: half precision, and bytes for the basis; whole or not at all."""
    arrays = {f.name: np.asarray(getattr(model, f.name)) for f in fields(model)}
    names, basis = arrays.pop("names"), arrays.pop("basis")
    step = np.abs(basis).max((1, 2, 3), keepdims=True) / 127
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            names=names,
            step=step.astype(np.float32),
            basis=np.round(basis / step).astype(np.int8),
            **{name: value.astype(np.float16) for name, value in arrays.items()},  # pyright: ignore[reportArgumentType]
        )


def load_model(path: Path) -> EstimatorModel:
    """Read a model."""
    with path.open("rb") as stream, np.load(stream) as archive:
        stored = dict(archive)
    names = tuple(str(name) for name in stored.pop("names"))
    step = stored.pop("step")
    arrays = {name: value.astype(np.float32) for name, value in stored.items()}
    arrays["basis"] = arrays["basis"] * step
    return EstimatorModel(**arrays, names=names)


@cache
def estimator_model() -> EstimatorModel:
    """The model that comes with the package, loaded once per process."""
    return load_model(Path(str(files(__package__).joinpath("assets", "estimators.npz"))))
