"""The network of a live loop: compiled before the first frame, NumPy in and NumPy out."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32

from mace.bundle import Bundle, load_bundle
from mace.errors import ConfigError, DataError
from mace.export.layout import is_export
from mace.export.loading import Export, load_export
from mace.export.program import inference_program
from mace.models.runtime import Dtype, Options, inference_form, inference_options
from mace.motion.representation import channels
from mace.prediction import (
    Trained,
    in_batches,
    program_arguments,
    program_settings,
)
from mace.unit_prediction import make_unit_prediction

type Model = Bundle | Export
"""What the live loop can run: a trained network, or an exported one."""


def load_model(folder: Path) -> Model:
    """Read the trained or exported network in `folder`.

    Raises:
        CheckpointError: if there is none, or it is damaged.
    """
    return load_export(folder) if is_export(folder) else load_bundle(folder)


type Network = Callable[[Float32[np.ndarray, "b h w c"]], Float32[np.ndarray, "b k"]]


def make_network(
    model: Trained | Export,
    *,
    batch: int = 1,
    dtype: Dtype = "float32",
) -> Network:
    """Return raw motion images (b, h, w, c) to class probabilities (b, k), both float32.

    Compiled ahead of time for `batch` images, so that no frame waits for the compiler; call
    `mace.compilation.keep_compiled` before, and the next process finds the program on
    disk. Any number of images may be given: they are run `batch` at a time, the last run filled up.

    float32 gives the probabilities of `mace.prediction.predict` to 1e-5; bfloat16 to 0.02, and
    takes less time where the processor has bfloat16 arithmetic, more where it has not
    (benchmarks/README.md).

    XLA's threads start with the first JAX call and take as many cores as the process may use
    then. For one image one core is fastest: let the caller narrow `os.sched_setaffinity` to one
    core around its first JAX call (benchmarks/README.md has both).

    Args:
        model: a bundle, a fitted run, or what `load_export` returned.
        batch: images a run; 1 for one face.
        dtype: of the activations; an export has its own and takes float32 only.

    Raises:
        ConfigError: for a batch below 1, or bfloat16 of an export.
        DataError: when called with images of another shape.
    """
    if batch < 1:
        raise ConfigError(f"a network for batches of {batch} was asked for, expected 1 or more")
    program, shape = network_program(model, dtype=dtype)
    inputs = jax.ShapeDtypeStruct((batch, *shape), jnp.float32)
    compiled = jax.jit(program).lower(inputs).compile(network_options(model, dtype=dtype))

    def network(images: Float32[np.ndarray, "b h w c"]) -> Float32[np.ndarray, "b k"]:
        if images.shape[1:] != shape:
            raise DataError(f"motion images of shape {images.shape[1:]}, expected {shape}")
        if len(images) == batch:
            return np.asarray(compiled(images))
        return in_batches(compiled, images, size=batch)

    network(np.zeros((batch, *shape), np.float32))  # the first run allocates
    return network


def unit_names(model: Model) -> tuple[str, ...]:
    """Return the action units that a model names, FACS numbers; an export names none."""
    return () if isinstance(model, Export) else model.model.units


type UnitNetwork = Callable[[Float32[np.ndarray, "h w c"]], Float32[np.ndarray, "a 3"]]


def make_unit_network(model: Model) -> UnitNetwork | None:
    """Return one raw motion image to presence, px and side of each of `unit_names`.

    Compiled ahead of time, as `make_network` is; the numbers are those of
    `mace.unit_prediction.predict_units`. None for a model that names no units.
    """
    if isinstance(model, Export) or not model.model.units:
        return None
    program = make_unit_prediction(*program_settings(model))
    variables, mean, std = program_arguments(model)

    def of_image(image: Float[Array, "h w c"]) -> Float[Array, "a 3"]:
        return program(variables, image[None], mean, std)[0]

    size = model.motion.size
    shape = jax.ShapeDtypeStruct((size, size, channels(model.motion)), jnp.float32)
    compiled = jax.jit(of_image).lower(shape).compile(network_options(model))
    return lambda image: np.asarray(compiled(image))


def network_program(
    model: Trained | Export, *, dtype: Dtype = "float32"
) -> tuple[Callable[[Float[Array, "b h w c"]], Float[Array, "b k"]], tuple[int, int, int]]:
    """Return raw motion images to probabilities, to be traced, and the shape of an image.

    Raises:
        ConfigError: for bfloat16 of an export.
    """
    if not isinstance(model, Export):
        size = model.motion.size
        shape = (size, size, channels(model.motion))
        form = inference_form(model.model.widths[0], dtype=dtype)
        return inference_program(model, dtype=dtype, form=form), shape
    if dtype != "float32":
        raise ConfigError(
            "an exported network runs in the type it was exported in; load the model it was "
            f"exported from to run it in {dtype}"
        )
    return model.program.call, model.shape


def network_options(model: Trained | Export, *, dtype: Dtype = "float32") -> Options:
    """Return how to compile a program that holds the network."""
    width = model.width if isinstance(model, Export) else model.model.widths[0]
    return inference_options(width, dtype=dtype)
