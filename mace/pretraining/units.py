"""What is to be learnt of the action units of rendered pairs."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.datasets.synthetic.pairs.coding import PRESENT, UNIT_COLUMNS
from mace.losses.units import UnitTargets


def unit_targets(
    unit_px: Float[Array, "b a"], side: Float[Array, "b a"], *, deviation: Float[Array, " b"]
) -> UnitTargets:
    """Return what is to be learnt of `UNITS`; `deviation` is `motion_deviation` of the inputs."""
    px, side = unit_px[:, UNIT_COLUMNS], side[:, UNIT_COLUMNS]
    present = px > PRESENT * jnp.max(px, axis=1, keepdims=True)
    return UnitTargets(
        present=present.astype(jnp.float32),
        strength=jnp.maximum(px, 0.0) / jnp.maximum(deviation, 1e-3)[:, None],
        side=side,
    )
