"""How large a network is, without making it."""

import functools

import jax

from mace.models.apply import count_parameters, init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.motion.representation import channels


def count_weights(model: ModelConfig, motion: MotionConfig, *, classes: int) -> int:
    """Return the number of trained parameters for an input."""
    shape = (motion.size, motion.size, channels(motion))
    make = functools.partial(init_model, make_model(model, classes), input_shape=shape)
    return count_parameters(jax.eval_shape(make, jax.random.key(0)))
