"""What a trained network says: class probabilities and action units, of any number of inputs."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree, Shaped

from mace.augment.image import flip
from mace.bundle import Bundle, Normalisation, NormaliseKind
from mace.errors import ConfigError
from mace.losses.units import read_units
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
        window: left, top, right and bottom of what the network is shown, in shares of the image;
            beyond 0 and 1 the edge is repeated.
        channels: the image's channels times this matrix are the network's: another order, other
            signs.
    """

    window: Float[Array, "4"] | Float[np.ndarray, "4"]
    channels: Float[Array, "c c"] | Float[np.ndarray, "c c"]

    def __call__(self, images: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the images as the network expects them, of the same size."""
        windows = jnp.broadcast_to(self.window, (images.shape[0], 4))
        # An accelerator would round a flow to the eleven bits of TF32 here.
        turned = jnp.einsum("bhwc,cd->bhwd", images, self.channels, precision="highest")
        return cut_windows(turned, windows, size=images.shape[1])


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
    `adaptation` changes the inputs first, in one program for all adaptations.
    """
    program = prediction_program(*program_settings(trained))
    variables, mean, std = program_arguments(trained)
    return in_batches(lambda images: program(variables, images, mean, std, adaptation), inputs)


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


def in_batches(
    run: Callable[..., Array],
    *rows: Shaped[np.ndarray, "n ..."],
    size: int = BATCH,
    axis: int = 0,
) -> Shaped[np.ndarray, "..."]:
    """Return what `run` says of all rows, `size` of them at a time.

    The last batch is filled up with its last row, and no rows are a batch of zeros that is dropped:
    one shape, compiled once, whatever their number.

    Args:
        run: takes `size` rows of each array; its result has them along `axis`.
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
        part = np.asarray(run(*(array[index] for array in rows)))
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


@dataclass(frozen=True, kw_only=True, eq=False)
class UnitPrediction:
    """What a network says about the action units of some inputs.

    Attributes:
        names: of the units, FACS numbers.
        presence: probability that a unit is there.
        px: largest displacement of the skin by it, if it is there, in the unit of the inputs' flow:
            px of the 128-px crop where MACE has measured it, nothing that means anything of images
            that others have stretched; NaN for a network that was trained on such images.
        side: 1 for the left half of the face alone (the person's own left), 0 for both alike, -1
            for the right.
        thresholds: from what probability on each unit is called.
    """

    names: tuple[str, ...]
    presence: Float[np.ndarray, "n a"]
    px: Float[np.ndarray, "n a"]
    side: Float[np.ndarray, "n a"]
    thresholds: Float[np.ndarray, " a"]

    @property
    def called(self) -> Bool[np.ndarray, "n a"]:
        """Which units are called: those whose probability is above their threshold."""
        return self.presence > self.thresholds


def unit_thresholds(trained: "Trained") -> Float[np.ndarray, " a"]:
    """Return from what probability on each unit of a network is called."""
    fitted = trained.unit_thresholds if isinstance(trained, Bundle) else ()
    return np.asarray(fitted or [0.5] * len(trained.model.units), np.float32)


def predict_units(
    trained: Trained,
    inputs: Float[np.ndarray, "n h w c"],
    *,
    adaptation: Adaptation | None = None,
) -> UnitPrediction:
    """Return which action units the network sees in motion images, how strong and where.

    Raises:
        ConfigError: if the network has not learnt to name any.
    """
    names = trained.model.units
    if not names:
        raise ConfigError(
            "this network names no action units; use the pre-trained one, or one trained with "
            "rendered pairs (mace pretrain)"
        )
    program = unit_program(*program_settings(trained))
    variables, mean, std = program_arguments(trained)
    outputs = in_batches(lambda images: program(variables, images, mean, std, adaptation), inputs)
    presence, strength, side = np.moveaxis(outputs, -1, 0)
    stretched = trained.motion.flow == "images"
    return UnitPrediction(
        names=names,
        presence=presence,
        px=np.full_like(strength, np.nan) if stretched else strength,
        side=side,
        thresholds=unit_thresholds(trained),
    )


@functools.lru_cache(maxsize=8)
def unit_program(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "b a 3"]]:
    """Return the jitted `(variables, inputs, mean, std[, adaptation]) -> presence, px, side`."""
    return jax.jit(make_unit_prediction(model, motion, classes, kind, flip_average))


def make_unit_prediction(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "b a 3"]]:
    """Return what `unit_program` compiles."""

    def read(
        images: Float[Array, "b h w c"], logits: Float[Array, "b k"], out: Mapping[str, Array]
    ) -> Float[Array, "b a 3"]:
        return read_units(out["units"], motion_deviation(images))

    def unmirror(units: Float[Array, "b a 3"]) -> Float[Array, "b a 3"]:
        return units * jnp.asarray([1.0, 1.0, -1.0])

    return _averaged(model, motion, classes, kind, flip_average, read=read, unmirror=unmirror)


def predict_features(
    trained: Trained,
    inputs: Float[np.ndarray, "n h w c"],
    *,
    adaptation: Adaptation | None = None,
) -> Float[np.ndarray, "n d"]:
    """Return what the head of a network reads of motion images: its last map, pooled.

    Mirror images are not averaged: a feature has a side.
    """
    program = feature_program(*program_settings(trained)[:-1])
    variables, mean, std = program_arguments(trained)
    return in_batches(lambda images: program(variables, images, mean, std, adaptation), inputs)


@functools.lru_cache(maxsize=8)
def feature_program(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind
) -> Callable[..., Float[Array, "b d"]]:
    """Return the jitted `(variables, inputs, mean, std[, adaptation]) -> features`."""

    def read(
        images: Float[Array, "b h w c"], logits: Float[Array, "b k"], out: Mapping[str, Array]
    ) -> Float[Array, "b d"]:
        return out["pooled"]

    return jax.jit(_averaged(model, motion, classes, kind, flip_average=False, read=read))


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

    return _averaged(model, motion, classes, kind, flip_average, read=read, form=form)


def _averaged(
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
    """Return images to what `read(images, logits, out)` makes of the network's outputs.

    With `flip_average` it is the mean with that of the mirror image, which `unmirror` turns back.
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

        if adaptation is not None:
            images = adaptation(images)
        straight = once(images)
        if not flip_average:
            return straight
        mirrored = once(jax.vmap(functools.partial(flip, motion=motion))(images))
        return (straight + unmirror(mirrored)) / 2

    return predicted
