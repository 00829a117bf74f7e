"""What a trained network says of any number of inputs: class probabilities, features."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree, Shaped

from mace.augment.image import flip
from mace.bundle import Normalisation, NormaliseKind
from mace.errors import ConfigError
from mace.models.apply import apply_model
from mace.models.config import ModelConfig
from mace.models.conv import Form
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.motion.resample import cut_windows

BATCH = 32
"""Inputs go through the network so many at a time."""


def normalise(
    images: Float[Array, "b h w c"],
    mean: Float[Array | np.ndarray, " c"],
    std: Float[Array | np.ndarray, " c"],
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


def typical_images(
    trained: "Trained",
    inputs: Float[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "k h w c"]:
    """Return the mean of the normalised images of each class; zeros for one without an image."""
    mean = jnp.asarray(trained.normalisation.mean, jnp.float32)
    std = jnp.asarray(trained.normalisation.std, jnp.float32)
    normal = np.asarray(normalise(jnp.asarray(inputs), mean, std, kind=trained.normalisation.kind))
    return np.stack(
        [
            normal[labels == label].mean(axis=0)
            if (labels == label).any()
            else np.zeros(inputs.shape[1:], np.float32)
            for label in range(len(trained.classes))
        ]
    )


def motion_deviation(images: Float[Array, "b h w c"]) -> Float[Array, " b"]:
    """Return how much u and v of motion images vary over the face, in the units of u and v."""
    return jnp.sqrt(jnp.sum(jnp.var(images[..., :2], axis=(1, 2)), axis=-1))


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True, eq=False)
class Adaptation:
    """What is done first to motion images that were made in another way than those trained on.

    Attributes:
        windows: left, top, right and bottom of what the network is shown, in shares of the image,
            the best first; beyond 0 and 1 the edge is repeated.
        channels: the image's channels times this matrix are the network's: another order, other
            signs.
    """

    windows: Float[Array, "k 4"] | Float[np.ndarray, "k 4"]
    channels: Float[Array, "c c"] | Float[np.ndarray, "c c"]

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the images in the best window as the network expects them, of the same size."""
        return self.shown(self.turned(images), self.windows[0])

    def turned(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the whole images with their channels as the network expects them."""
        # An accelerator would round a flow to the eleven bits of TF32 here.
        images = images.astype(jnp.float32)
        return jnp.einsum("bhwc,cd->bhwd", images, self.channels, precision="highest")

    @staticmethod
    def shown(
        images: Float[Array, "b h w c"], window: Float[Array, "4"]
    ) -> Float[Array, "b h w c"]:
        """Return what of the images lies in one window, of the same size."""
        windows = jnp.broadcast_to(window, (images.shape[0], 4))
        return cut_windows(images, windows, size=images.shape[1])


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
    `adaptation` changes the inputs first, in one program for all adaptations of as many windows,
    and the mean over its windows is returned.
    """
    return run(prediction_program(*program_settings(trained)), trained, inputs, adaptation)


def program_settings(
    trained: Trained,
) -> tuple[ModelConfig, MotionConfig, int, NormaliseKind, bool]:
    """Return what decides the program of a network: the arguments of `make_prediction`."""
    kind = trained.normalisation.kind
    return trained.model, trained.motion, len(trained.classes), kind, trained.flip_average


def program_arguments(
    trained: Trained,
) -> tuple[PyTree[Array], Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """Return what a program is given beside images: variables on the device, mean, deviation."""
    mean = np.asarray(trained.normalisation.mean, np.float32)
    std = np.asarray(trained.normalisation.std, np.float32)
    return jax.device_put(trained.variables, jax.local_devices()[0]), mean, std


def run(
    program: Callable[..., Array],
    trained: Trained,
    inputs: Float[np.ndarray, "n h w c"],
    adaptation: Adaptation | None = None,
) -> Float[np.ndarray, "n ..."]:
    """Return what a program of a network, as `make_outputs` makes it, says of inputs."""
    variables, mean, std = program_arguments(trained)
    return in_batches(lambda images: program(variables, images, mean, std, adaptation), inputs)


def in_batches(
    function: Callable[..., Array],
    *rows: Shaped[np.ndarray, "n ..."],
    size: int = BATCH,
    axis: int = 0,
) -> Shaped[np.ndarray, "..."]:
    """Return what `function` says of all rows, `size` of them at a time.

    The last batch is filled up with its last row, and no rows are a batch of zeros that is dropped:
    one shape, compiled once, whatever their number.

    Args:
        function: takes `size` rows of each array; its result has them along `axis`.
        rows: arrays of the same length.
        size: of a batch.
        axis: of the result.
    """
    count = len(rows[0])
    if not count:
        rows = tuple(np.zeros((1, *array.shape[1:]), array.dtype) for array in rows)
    parts = []
    for start in range(0, max(count, 1), size):
        index = np.minimum(np.arange(start, start + size), max(count, 1) - 1)
        part = np.asarray(function(*(array[index] for array in rows)))
        parts.append(part.take(range(max(min(size, count - start), 0)), axis=axis))
    return np.concatenate(parts, axis=axis)


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


def predict_features(
    trained: Trained, inputs: Float[np.ndarray, "n h w c"]
) -> Float[np.ndarray, "n d"]:
    """Return what the head of a network reads of motion images: its last map, pooled.

    Mirror images are not averaged: a feature has a side.
    """
    return run(feature_program(*program_settings(trained)[:-1]), trained, inputs)


@functools.lru_cache(maxsize=8)
def feature_program(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind
) -> Callable[..., Float[Array, "b d"]]:
    """Return the jitted `(variables, inputs, mean, std) -> features`."""

    def read(
        images: Float[Array, "b h w c"], logits: Float[Array, "b k"], out: Mapping[str, Array]
    ) -> Float[Array, "b d"]:
        return out["pooled"]

    return jax.jit(make_outputs(model, motion, classes, kind, flip_average=False, read=read))


@functools.lru_cache(maxsize=8)
def prediction_program(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "b k"]]:
    """Return the jitted `(variables, inputs, mean, std[, adaptation]) -> probabilities`."""
    return jax.jit(make_prediction(model, motion, classes, kind, flip_average))


def make_prediction(
    model: ModelConfig,
    motion: MotionConfig,
    classes: int,
    kind: NormaliseKind,
    flip_average: bool,
    *,
    form: Form = "native",
) -> Callable[..., Float[Array, "b k"]]:
    """Return what `prediction_program` compiles; `form` is that of the convolutions."""

    def read(
        images: Float[Array, "b h w c"], logits: Float[Array, "b k"], out: Mapping[str, Array]
    ) -> Float[Array, "b k"]:
        return jax.nn.softmax(logits.astype(jnp.float32))

    return make_outputs(model, motion, classes, kind, flip_average, read=read, form=form)


def make_outputs(
    model: ModelConfig,
    motion: MotionConfig,
    classes: int,
    kind: NormaliseKind,
    flip_average: bool,
    *,
    read: Callable[..., Array],
    unmirror: Callable[[Array], Array] = lambda outputs: outputs,
    form: Form = "native",
) -> Callable[..., Array]:
    """Return `(variables, inputs, mean, std[, adaptation])` to what is read of a network's outputs.

    Args:
        model: the network.
        motion: what its inputs are, which says what mirroring does to them.
        classes: how many.
        kind: how inputs are normalised.
        flip_average: whether the result is the mean with that of the mirror image.
        read: takes images, logits and intermediates; its result has one row an image.
        unmirror: turns what was read of a mirror image back.
        form: of the convolutions.
    """
    network = make_model(model, classes, form=form)

    def predicted(
        variables: PyTree[Array],
        images: Float[Array, "b h w c"],
        mean: Float[Array, " c"],
        std: Float[Array, " c"],
        adaptation: Adaptation | None = None,
    ) -> Array:
        def once(images: Float[Array, "b h w c"]) -> Array:
            logits, out = apply_model(network, variables, normalise(images, mean, std, kind=kind))
            return read(images, logits, out)

        def of_both_sides(images: Float[Array, "b h w c"]) -> Array:
            straight = once(images)
            if not flip_average:
                return straight
            mirrored = once(jax.vmap(functools.partial(flip, motion=motion))(images))
            return (straight + unmirror(mirrored)) / 2

        if adaptation is None:
            return of_both_sides(images)
        if jnp.ndim(adaptation.windows) != 2 or not len(adaptation.windows):
            raise ConfigError(
                f"an adaptation has windows of shape {jnp.shape(adaptation.windows)}, expected "
                "one row or more of left, top, right and bottom"
            )
        turned = adaptation.turned(images)
        return jax.lax.map(
            lambda window: of_both_sides(adaptation.shown(turned, window)), adaptation.windows
        ).mean(axis=0)

    return predicted
