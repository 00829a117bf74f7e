"""The optimiser and its schedule, which runs on progress so that all folds share one program."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from mace.training.config import OptimiserConfig

# Folds differ in their number of steps. A schedule over so many ticks from start to end is the
# same for all of them, so the number of steps is an array and no fold compiles anew.
TICKS = 10_000


def learning_rate(
    step: Int[Array, ""], total_steps: Int[Array, ""], *, config: OptimiserConfig
) -> Float[Array, ""]:
    """Return the learning rate of a step (from 0): warm-up, then cosine down to `final`."""
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=config.learning_rate,
        warmup_steps=round(config.warmup * TICKS),
        # The cosine needs at least one tick of its own.
        decay_steps=TICKS + (config.warmup == 1),
        end_value=config.learning_rate * config.final,
    )
    progress = (step + 1).astype(jnp.float32) / total_steps.astype(jnp.float32)
    return jnp.asarray(schedule(progress * TICKS), jnp.float32)


def make_optimiser(config: OptimiserConfig) -> optax.GradientTransformation:
    """Return AdamW without its learning rate, which the step multiplies in.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    clip = optax.clip_by_global_norm(config.clip_norm) if config.clip_norm else optax.identity()
    return optax.chain(
        clip,
        optax.scale_by_adam(b1=config.b1, b2=config.b2),
        optax.add_decayed_weights(config.weight_decay, mask=_kernels),
    )


def _kernels(params: optax.Params) -> optax.Params:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
