"""The network as one function of motion images, in the form that predicts fastest."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.augment.image import flip
from mace.models.apply import apply_model
from mace.models.conv import Form
from mace.models.fold import fold_norm
from mace.models.make import make_model
from mace.models.runtime import Dtype
from mace.prediction import Trained, normalise


def inference_program(
    trained: Trained, *, dtype: Dtype | None = None, form: Form = "native"
) -> Callable[[Float[Array, "b h w c"]], Float[Array, "b k"]]:
    """Return raw motion images to class probabilities, not yet jitted, weights and all inside.

    The numbers are those of `mace.prediction.predict` to 1e-5 (float32); what differs is the form.
    Batch norm is folded into the kernels, an image and its mirror image go through the network as
    one batch, and weights are constants, which XLA may lay out as its convolutions want them. On
    one core that saves a seventh to a fifth of the time of one image (benchmarks/README.md).

    Args:
        trained: a bundle or a fitted run.
        dtype: of the activations; that of the network if None.
        form: how convolutions are written.
    """
    config, variables = fold_norm(trained.model, trained.variables)
    if dtype is not None:
        config = dataclasses.replace(config, dtype=dtype)
    network = make_model(config, len(trained.classes), form=form)
    mean = jnp.asarray(trained.normalisation.mean, jnp.float32)
    std = jnp.asarray(trained.normalisation.std, jnp.float32)
    kind, average = trained.normalisation.kind, trained.flip_average
    mirror = jax.vmap(functools.partial(flip, motion=trained.motion))

    def probabilities(images: Float[Array, "b h w c"]) -> Float[Array, "b k"]:
        both = jnp.concatenate([images, mirror(images)]) if average else images
        logits, _ = apply_model(network, variables, normalise(both, mean, std, kind=kind))
        found = jax.nn.softmax(logits.astype(jnp.float32))
        # Not `len(images)`: an exported program's batch has no size yet.
        return found.reshape(-1, images.shape[0], found.shape[1]).mean(0) if average else found

    return probabilities
