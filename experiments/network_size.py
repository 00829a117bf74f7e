"""How large a network is, without making it."""

import functools

import jax

from mace.models import ModelConfig, count_parameters, init_model, make_model
from mace.motion import MotionConfig, channels


def count_weights(model: ModelConfig, motion: MotionConfig, *, classes: int) -> int:
    """Return the number of trained parameters for an input."""
    shape = (motion.size, motion.size, channels(motion))
    make = functools.partial(init_model, make_model(model, classes), input_shape=shape)
    return count_parameters(jax.eval_shape(make, jax.random.key(0)))
