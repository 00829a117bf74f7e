"""Class probabilities of a trained network, for a validation set, a test fold or a bundle."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from mace.augment.image import flip
from mace.bundle import Normalisation, NormaliseKind
from mace.models.apply import apply_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig

# Inputs go through the network so many at a time, the last batch filled up: one shape, compiled
# once, whatever the size of the fold.
BATCH = 32


def normalise(
    images: Float[Array, "b h w c"],
    mean: Float[Array, " c"],
    std: Float[Array, " c"],
    *,
    kind: NormaliseKind,
) -> Float[Array, "b h w c"]:
    """Shift and scale each channel by the given statistics, by the image's own, or not at all."""
    if kind == "none":
        return images
    if kind == "image":
        mean = jnp.mean(images, axis=(1, 2), keepdims=True)
        std = jnp.std(images, axis=(1, 2), keepdims=True)
        # A still face has no motion to bring to unit deviation; it stays at zero.
        std = jnp.where(std > 1e-6, std, 1.0)
    return (images - mean) / std


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, eq=False)
class Adaptation:
    """What the network of a bundle does to normalised inputs first: x' = scale · x + offset."""

    scale: Float[Array, "h w c"] | Float[np.ndarray, "h w c"]
    offset: Float[Array, "h w c"] | Float[np.ndarray, "h w c"]

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return normalised images, adapted."""
        return images * self.scale + self.offset


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
