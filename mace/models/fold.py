"""Batch statistics taken into the convolutions before them, for a network that only predicts."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mace.models.apply import Variables
from mace.models.config import ModelConfig
from mace.models.networks import network_of
from mace.models.norm import EPSILON


def fold_norm(config: ModelConfig, variables: Variables) -> tuple[ModelConfig, Variables]:
    """Return the same network, at inference, without its batch norms; others come back unchanged.

    (w * x) · slope + offset = (w · slope) * x + offset, computed once, in float64. XLA folds the
    statistics into a multiply-add behind each convolution; folded into the kernel they cost
    nothing, and the convolution's bias and ReLU can become part of it. Group statistics depend on
    the input and cannot be folded, and neither is what the zoo's networks have behind a ReLU or a
    maximum.
    """
    if config.norm != "batch" or network_of(config.arch).settings is not None:
        return config, variables
    params = _fold(variables["params"], variables["batch_stats"])
    return dataclasses.replace(config, norm="none"), {"params": params}


def _fold(params: Mapping[str, Any], statistics: Mapping[str, Any]) -> dict[str, Any]:
    folded: dict[str, Any] = {}
    if "norm" in params:
        norm = {name: np.asarray(value, np.float64) for name, value in params["norm"].items()}
        kept = {name: np.asarray(value, np.float64) for name, value in statistics["norm"].items()}
        slope = norm["scale"] / np.sqrt(kept["var"] + EPSILON)
        offset = norm["bias"] - kept["mean"] * slope
        names = [name for name in params if name == "conv" or name.startswith("branch")]
        start, summed = 0, len(slope) == _width(params[names[0]]) and len(names) > 1
        for name in sorted(names, key=lambda name: (len(name), name)):  # branch10 after branch2
            part = slice(start, start + _width(params[name]))
            # Summed branches share one norm, and its offset counts once.
            share = offset[part] / (len(names) if summed else 1)
            folded[name] = _scale(params[name], slope[part], share)
            start = part.start if summed else part.stop
    for name, value in params.items():
        if name in folded or name == "norm":
            continue
        inner = isinstance(value, Mapping)
        folded[name] = _fold(value, statistics.get(name, {})) if inner else value
    return folded


def _width(conv: Mapping[str, Any]) -> int:
    return conv.get("pointwise", conv)["kernel"].shape[-1]


def _scale(conv: Mapping[str, Any], slope: np.ndarray, offset: np.ndarray) -> dict[str, Any]:
    if "pointwise" in conv:  # a separable branch ends in a convolution of its own
        return {**conv, "pointwise": _scale(conv["pointwise"], slope, offset)}
    kernel = np.asarray(conv["kernel"], np.float64) * slope
    return {"kernel": kernel.astype(np.float32), "bias": offset.astype(np.float32)}
