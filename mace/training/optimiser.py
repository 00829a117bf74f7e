"""The optimiser and its schedule, which runs on progress so that all folds share one program."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from mace.config import switched_on
from mace.training.config import OptimiserConfig

# Of a run; below the resolution of float32.
SHORTEST = 1e-12


def learning_rate(
    step: Int[Array | np.ndarray, ""],
    total_steps: Int[Array | np.ndarray, ""],
    *,
    config: OptimiserConfig,
) -> Float[Array, ""]:
    """Return the learning rate of a step (from 0): warm-up, then cosine down to `final`.

    That of `optax.warmup_cosine_decay_schedule`, whose settings must be Python numbers: here
    learning rate, warm-up and final rate may be arguments of a compiled program.
    """
    progress = (step + 1).astype(jnp.float32) / total_steps.astype(jnp.float32)
    # Neither part may be without length, whatever the other's.
    rising = progress / jnp.maximum(config.warmup, SHORTEST)
    falling = (progress - config.warmup) / jnp.maximum(1.0 - config.warmup, SHORTEST)
    cosine = 0.5 * (1.0 + jnp.cos(jnp.pi * jnp.clip(falling, 0.0, 1.0)))
    decayed = config.final + (1.0 - config.final) * cosine
    share = jnp.where(progress < config.warmup, rising, decayed)
    return jnp.asarray(config.learning_rate * share, jnp.float32)


def make_optimiser(config: OptimiserConfig) -> optax.GradientTransformation:
    """Return AdamW without its learning rate, which the step multiplies in.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    clips = switched_on(config.clip_norm)
    clip = optax.clip_by_global_norm(config.clip_norm) if clips else optax.identity()
    return optax.chain(
        clip,
        optax.scale_by_adam(b1=config.b1, b2=config.b2),
        optax.add_decayed_weights(config.weight_decay, mask=_kernels),
    )


def _kernels(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
