"""Hyper-parameters as a pytree: the numbers of a `TrainConfig` are leaves, the rest is structure.

A configuration whose numbers are arrays, one value a member, is an argument of a compiled program
like any other tree: `jax.vmap` maps over it, and members that differ in numbers alone share a
program. `mace.config.number` says of a setting that it is one.
"""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from mace.augment.config import AugmentConfig
from mace.config import switched_on
from mace.losses.config import LossConfig
from mace.models.config import ModelConfig
from mace.models.own import OwnModel
from mace.training.config import FineTuneConfig, OptimiserConfig, TrainConfig

CONFIGS = (
    TrainConfig, ModelConfig, OwnModel, LossConfig, OptimiserConfig, AugmentConfig, FineTuneConfig,
)  # fmt: skip

# What a run does between its epochs, and how it is judged, is no part of the compiled program.
_BETWEEN: Mapping[str, Any] = {
    "epochs": 1,
    "selection": "last",
    "patience": None,
    "pair_average": False,
    "checkpoint_every": 1,
    "devices": 1,
}


def stacked(configs: Sequence[TrainConfig]) -> TrainConfig:
    """Return configurations of one shape as one whose numbers are arrays, float32 (m,).

    Where 0 switches a part of the program off, and it is 0 for all, the part is left out; where
    somebody has another value, the others have the value that means the same in that part.
    """
    return _stacked([dataclasses.replace(config, **_BETWEEN) for config in configs])


def same_shape(first: TrainConfig, second: TrainConfig) -> bool:
    """Return whether two configurations differ in numbers alone and may share a program."""
    return _shape(first) == _shape(second)


def group_by_shape(configs: Sequence[TrainConfig]) -> list[list[int]]:
    """Return the positions of configurations of the same shape, in order of their first."""
    groups: dict[Hashable, list[int]] = {}
    for position, config in enumerate(configs):
        groups.setdefault(_shape(config), []).append(position)
    return list(groups.values())


def _stacked(configs: Sequence[Any]) -> Any:
    values = {}
    for field in dataclasses.fields(configs[0]):
        each = [getattr(config, field.name) for config in configs]
        values[field.name] = each[0]
        if isinstance(each[0], CONFIGS):
            values[field.name] = _stacked(each)
        elif "number" in field.metadata:
            off = field.metadata["number"]
            if off is None or any(each):
                numbers = [value if off is None or value else off for value in each]
                values[field.name] = np.array(numbers, np.float32)
    return _made(type(configs[0]), values)


def _shape(config: TrainConfig) -> Hashable:
    def rest(config: Any) -> Hashable:
        values = {field: getattr(config, field.name) for field in dataclasses.fields(config)}
        return type(config), *(
            rest(value) if isinstance(value, CONFIGS) else value
            for field, value in values.items()
            if "number" not in field.metadata
        )

    return rest(dataclasses.replace(config, **_BETWEEN))


def _made(cls: type[Any], values: Mapping[str, Any]) -> Any:
    # As JAX asks of a pytree: without `__init__`, whose checks are for people's numbers and were
    # passed by them, and which leaves of any kind (arrays, shapes, axes) would not pass.
    config = object.__new__(cls)
    vars(config).update(values)
    return config


def _flatten(config: Any) -> tuple[list[Any], Hashable]:
    leaves, names, rest = [], [], []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        number = "number" in field.metadata
        off = number and field.metadata["number"] is not None and not switched_on(value)
        if isinstance(value, CONFIGS) or (number and not off):
            leaves.append(value)
            names.append(field.name)
        else:
            rest.append((field.name, value))
    return leaves, (tuple(names), tuple(rest))


def _register(cls: type[Any]) -> None:
    def unflatten(structure: Any, leaves: Any) -> Any:
        names, rest = structure
        return _made(cls, dict(zip(names, leaves, strict=True)) | dict(rest))

    jax.tree_util.register_pytree_node(cls, _flatten, unflatten)


for _cls in CONFIGS:
    _register(_cls)
