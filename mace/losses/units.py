"""What it costs to name action units wrongly: presence, strength and side of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class UnitTargets:
    """What is true of each action unit; a mixture of two pairs has the mixture of both.

    Attributes:
        known: 1 where somebody has said which units are there; 0 where nobody has, and whatever a
            network says costs nothing.
        present: 1 where the unit is there; 0 where it is not, or nothing is known.
        strength: displacement by the unit over the deviation of the input's motion before it is
            normalised, which a network that reads normalised images cannot know; None where nobody
            has measured it, as of real people.
        side: 1 for the left half of the picture's person alone, 0 for both alike, -1 for the right;
            None with `strength`.
    """

    known: Float[Array | np.ndarray, "... 1"]
    present: Float[Array | np.ndarray, "... a"]
    strength: Float[Array, "... a"] | None = None
    side: Float[Array, "... a"] | None = None


def listed_targets(listed: Sequence[frozenset[str]], names: Sequence[str]) -> UnitTargets | None:
    """Return what annotations say of the units `names`, float32 on the host; None without names.

    A unit that is listed is there, every other is not; of a clip that lists none at all nothing is
    known.

    Args:
        listed: FACS numbers that each clip lists.
        names: FACS numbers that a network names.
    """
    if not names:
        return None
    present = [[name in units for name in names] for units in listed]
    return UnitTargets(
        known=np.array([[bool(units)] for units in listed], np.float32),
        present=np.array(present, np.float32),
    )


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

    Presence costs binary cross-entropy where it is known; strength (as the logarithm of 1 + it) and
    side cost a quarter of the squared error where they are and the unit is present, since they mean
    nothing elsewhere.
    """
    presence, strength, side = outputs[..., 0], outputs[..., 1], jnp.tanh(outputs[..., 2])
    named = targets.known * jax.nn.softplus(presence) - targets.present * presence
    if targets.strength is not None and targets.side is not None:
        error = (strength - jnp.log1p(targets.strength)) ** 2 + (side - targets.side) ** 2
        named = named + 0.25 * targets.present * error
    return 0.5 * jnp.sum(named, axis=-1)
