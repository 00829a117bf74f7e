"""What it costs to name action units wrongly: presence, strength and side of each."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class UnitTargets:
    """What is true of each action unit; a mixture of two pairs has the mixture of both.

    Attributes:
        present: 1 where the unit is there, 0 where it is not.
        strength: displacement by the unit over the deviation of the input's motion before it is
            normalised, which a network that reads normalised images cannot know.
        side: 1 for the left half of the picture's person alone, 0 for both alike, -1 for the right.
    """

    present: Float[Array, "... a"]
    strength: Float[Array, "... a"]
    side: Float[Array, "... a"]


def read_units(
    outputs: Float[Array, "b a 3"], deviation: Float[Array, " b"]
) -> Float[Array, "b a 3"]:
    """Return probability of presence, strength and side from what a head says.

    Args:
        outputs: of the head.
        deviation: of the input's motion before it was normalised; strength comes in its unit.
    """
    presence = jax.nn.sigmoid(outputs[..., 0])
    strength = jnp.expm1(jnp.maximum(outputs[..., 1], 0.0)) * deviation[:, None]
    return jnp.stack([presence, strength, jnp.tanh(outputs[..., 2])], axis=-1)


def unit_loss(outputs: Float[Array, "b a 3"], targets: UnitTargets) -> Float[Array, " b"]:
    """Return the loss of each sample: half of the sum over the units.

    Presence costs binary cross-entropy; strength (as the logarithm of 1 + it) and side cost a
    quarter of the squared error where the unit is present, since they mean nothing elsewhere.
    """
    presence, strength, side = outputs[..., 0], outputs[..., 1], jnp.tanh(outputs[..., 2])
    named = jax.nn.softplus(presence) - targets.present * presence
    error = (strength - jnp.log1p(targets.strength)) ** 2 + (side - targets.side) ** 2
    return 0.5 * jnp.sum(named + 0.25 * targets.present * error, axis=-1)
