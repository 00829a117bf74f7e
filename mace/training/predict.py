"""Class probabilities of a trained network, for a validation set, a test fold or a bundle."""

import functools
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from mace.augment import flip
from mace.models import ModelConfig, apply_model, make_model
from mace.motion import MotionConfig
from mace.training.adapt import Adaptation
from mace.training.normalise import Normalisation, NormaliseKind, normalise

# Inputs go through the network so many at a time, the last batch filled up: one shape, compiled
# once, whatever the size of the fold.
BATCH = 32


@runtime_checkable
class Trained(Protocol):
    """What prediction needs; a `Fitted` run and a `Bundle` both have it."""

    @property
    def model(self) -> ModelConfig:
        """The network."""
        ...

    @property
    def motion(self) -> MotionConfig:
        """What its inputs are."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its outputs."""
        ...

    @property
    def normalisation(self) -> Normalisation:
        """Of its inputs."""
        ...

    @property
    def variables(self) -> PyTree[Any]:
        """Its parameters and batch statistics."""
        ...

    @property
    def flip_average(self) -> bool:
        """Whether to average with the mirror image."""
        ...


def predict(
    trained: Trained,
    inputs: Float[np.ndarray, "n h w c"],
    *,
    adaptation: Adaptation | None = None,
) -> Float[np.ndarray, "n k"]:
    """Return the probability of each class, float32, rows summing to 1.

    With `flip_average` it is the mean of the probabilities of each input and its mirror image;
    `adaptation` changes the normalised inputs first, in one program for all adaptations.
    """
    program = prediction_program(
        trained.model,
        trained.motion,
        len(trained.classes),
        trained.normalisation.kind,
        trained.flip_average,
    )
    mean = np.asarray(trained.normalisation.mean, np.float32)
    std = np.asarray(trained.normalisation.std, np.float32)
    variables = jax.device_put(trained.variables, jax.local_devices()[0])
    results = [np.zeros((0, len(trained.classes)), np.float32)]
    for start in range(0, len(inputs), BATCH):
        index = np.minimum(np.arange(start, start + BATCH), len(inputs) - 1)
        found = program(variables, inputs[index], mean, std, adaptation)
        results.append(np.asarray(found)[: len(inputs) - start])
    return np.concatenate(results)


def predict_clips(
    trained: Trained,
    inputs: Float[np.ndarray, "n v h w c"],
    *,
    pair_average: bool,
    adaptation: Adaptation | None = None,
) -> Float[np.ndarray, "n k"]:
    """Return the probability of each class for clips with v frame pairs each.

    With `pair_average` it is the mean over the pairs, otherwise that of the annotated pair.
    """
    if not pair_average:
        return predict(trained, inputs[:, 0], adaptation=adaptation)
    clips, pairs = inputs.shape[:2]
    flat = inputs.reshape(clips * pairs, *inputs.shape[2:])
    each = predict(trained, flat, adaptation=adaptation)
    return each.reshape(clips, pairs, each.shape[1]).mean(axis=1)


@functools.lru_cache(maxsize=8)
def prediction_program(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "b k"]]:
    """Return the jitted `(variables, inputs, mean, std[, adaptation]) -> probabilities`."""
    return jax.jit(make_prediction(model, motion, classes, kind, flip_average))


def make_prediction(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "b k"]]:
    """Return what `prediction_program` compiles."""
    network = make_model(model, classes)

    def probabilities(
        variables: PyTree[Array],
        images: Float[Array, "b h w c"],
        mean: Float[Array, " c"],
        std: Float[Array, " c"],
        adaptation: Adaptation | None = None,
    ) -> Float[Array, "b k"]:
        def once(images: Float[Array, "b h w c"]) -> Float[Array, "b k"]:
            normal = normalise(images, mean, std, kind=kind)
            if adaptation is not None:
                normal = adaptation(normal)
            logits, _ = apply_model(network, variables, normal)
            return jax.nn.softmax(logits.astype(jnp.float32))

        straight = once(images)
        if not flip_average:
            return straight
        mirrored = once(jax.vmap(functools.partial(flip, motion=motion))(images))
        return (straight + mirrored) / 2

    return probabilities
