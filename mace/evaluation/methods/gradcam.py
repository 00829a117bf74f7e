"""Where the network looked: Grad-CAM at the last feature map.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, section 3. The map of class c is ReLU(Σ_k g_k A_k), A_k being channel k
of the feature map and g_k the gradient of the logit of c with respect to it. Grad-CAM averages
g_k over the picture first, because it was made for heads that pool globally. Our heads may weigh
places differently (`head = "grid"`), which that average would erase; so by default the gradient
is kept as it is at each place (Draelos & Carin, "Use HiResCAM instead of Grad-CAM for faithful
explanations of convolutional neural networks", arXiv 2011.08891, 2020). For a head that pools by
averages the two agree up to a factor, and for the grid the map is then exactly what each place
adds to the logit.

The gradient is taken at the map the head reads, so only the head is differentiated.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from mace.models.apply import apply_model
from mace.models.config import ModelConfig
from mace.models.head import make_head
from mace.models.make import make_model
from mace.models.networks import network_of
from mace.models.own import OwnModel
from mace.prediction import Adaptation, Trained, in_batches, normalise, program_arguments


def heat_maps(
    trained: Trained,
    inputs: Float[np.ndarray, "n h w c"],
    targets: Int[np.ndarray, " n"],
    *,
    averaged: bool = False,
    adaptation: Adaptation | None = None,
) -> Float[np.ndarray, "n i j"]:
    """Return what each place of the last feature map says for class `targets` of each input.

    Each map is scaled to a maximum of 1, so maps of two clips do not compare in strength; a map
    is 0 throughout where nothing speaks for the class.

    Args:
        trained: the network.
        inputs: motion images as `predict` takes them.
        targets: the class to explain, for each input.
        averaged: average the gradient over the picture, as the original Grad-CAM does.
        adaptation: of the inputs, as in prediction; maps are of the best window.
    """
    program = _program(trained.model, len(trained.classes), trained.normalisation.kind, averaged)
    variables, mean, std = program_arguments(trained)
    maps = in_batches(
        lambda images, classes: program(variables, images, classes, mean, std, adaptation),
        inputs,
        targets,
    ).astype(np.float32)
    highest = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(highest > 0, highest, 1)


def explains(model: ModelConfig) -> bool:
    """Return whether a network is one dense layer behind a pooled map, which the maps are for."""
    return not isinstance(model, OwnModel) and network_of(model.arch).explains


def head_logits(
    config: ModelConfig,
    classes: int,
    variables: PyTree[Any],
    features: Float[Array, "b i j k"],
) -> Float[Array, "b c"]:
    """Return the logits of a network from its last feature map, as at inference."""
    head = make_head(config, classes, train=False)
    logits, _ = head.apply({"params": variables["params"]["head"]}, features)  # pyright: ignore[reportGeneralTypeIssues]
    return logits


@functools.lru_cache(maxsize=8)
def _program(
    config: ModelConfig, classes: int, kind: Any, averaged: bool
) -> Callable[..., Float[Array, "b i j"]]:
    network = make_model(config, classes)

    def maps(
        variables: PyTree[Array],
        images: Float[Array, "b h w c"],
        targets: Int[Array, " b"],
        mean: Float[Array, " c"],
        std: Float[Array, " c"],
        adaptation: Adaptation | None,
    ) -> Float[Array, "b i j"]:
        if adaptation is not None:
            images = adaptation(images)
        normal = normalise(images, mean, std, kind=kind)
        _, out = apply_model(network, variables, normal)
        features = out["features"].astype(jnp.float32)

        def target_logits(features: Float[Array, "b i j k"]) -> Float[Array, ""]:
            logits = head_logits(config, classes, variables, features)
            return jnp.take_along_axis(logits, targets[:, None], axis=1).sum()

        gradient = jax.grad(target_logits)(features)
        if averaged:
            gradient = gradient.mean((1, 2), keepdims=True)
        return jax.nn.relu((gradient * features).sum(-1))

    return jax.jit(maps)
