"""Settings that are numbers and nothing else: arguments of a compiled program, not part of it."""

import copy
import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from mace.training.config import TrainConfig

SCALARS: Mapping[str, float | None] = MappingProxyType(
    {
        "optimiser.learning_rate": None,
        "optimiser.warmup": None,
        "optimiser.final": None,
        "optimiser.weight_decay": None,
        "optimiser.clip_norm": math.inf,
        "model.dropout": 0.0,
        "loss.smoothing": None,
        "loss.gamma": None,
        "loss.beta": None,
        "loss.tau": None,
        "augment.shift": 0.0,
        "augment.rotation": 0.0,
        "augment.scale": 0.0,
        "augment.magnitude": 0.0,
        "augment.noise": 0.0,
        "fine_tune.anchor": 0.0,
        "ema": 0.0,
    }
)
"""By dotted path in `TrainConfig`; where 0 leaves a part of the program out, what it means there.

A population whose members all have 0 is compiled without that part; one with a single other value
has it for all.
"""

# What a run does between its epochs, and how it is judged, is no part of the compiled program.
_BETWEEN: Mapping[str, Any] = {
    "epochs": 1, "selection": "last", "patience": None, "checkpoint_every": 1, "devices": 1,
}  # fmt: skip


def shape_of(configs: Sequence[TrainConfig]) -> TrainConfig:
    """Return what configurations of one shape have in common, each scalar being on or off."""
    shape = dataclasses.replace(configs[0], **_BETWEEN)
    return _with(
        shape,
        {
            path: 0.0
            if off is not None and not any(_get(config, path) for config in configs)
            else 1.0
            for path, off in SCALARS.items()
        },
    )


def same_shape(one: TrainConfig, other: TrainConfig) -> bool:
    """Return whether two configurations differ in scalars alone and may share a program."""
    return _bare(one) == _bare(other)


def group_by_shape(configs: Sequence[TrainConfig]) -> list[list[int]]:
    """Return the positions of configurations of the same shape, in order of their first."""
    groups: dict[TrainConfig, list[int]] = {}
    for position, config in enumerate(configs):
        groups.setdefault(_bare(config), []).append(position)
    return list(groups.values())


def scalar_arrays(
    configs: Sequence[TrainConfig], shape: TrainConfig
) -> dict[str, Float[np.ndarray, " m"]]:
    """Return the scalars that are on in `shape`, one value a member, by path."""
    arrays = {}
    for path, off in SCALARS.items():
        if not _get(shape, path):
            continue
        values = [float(_get(config, path)) for config in configs]
        arrays[path] = np.array([off if v == 0 and off is not None else v for v in values], "f4")
    return arrays


def with_scalars(
    shape: TrainConfig, values: Mapping[str, Float[Array | np.ndarray, ""]]
) -> TrainConfig:
    """Return a configuration that holds arguments of a program in place of its scalars.

    Their values were checked when the members' own configurations were made. It is for making a
    step inside of a traced function, and for nothing else: it cannot be hashed or compared.
    """
    return _with(shape, values)


def _bare(config: TrainConfig) -> TrainConfig:
    return _with(dataclasses.replace(config, **_BETWEEN), dict.fromkeys(SCALARS, 0.0))


def _get(config: Any, path: str) -> Any:
    for name in path.split("."):
        config = getattr(config, name)
    return config


def _with(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    # Around the checks of the dataclasses, which no traced value passes.
    config = copy.copy(config)
    for path, value in values.items():
        *parents, last = path.split(".")
        owner: Any = config
        for name in parents:
            child = copy.copy(getattr(owner, name))
            object.__setattr__(owner, name, child)
            owner = child
        object.__setattr__(owner, last, value)
    return config
