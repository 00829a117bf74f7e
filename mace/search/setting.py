"""A setting of the search applied to a recipe's training, every path and type checked."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mace.config import from_dict, to_dict
from mace.errors import ConfigError
from mace.search.space import SearchSpace, Setting, plain
from mace.training.config import TrainConfig

ROOT = "train"


def apply_setting(train: TrainConfig, setting: Setting) -> TrainConfig:
    """Return the training with the values of a setting in place of its own.

    Raises:
        ConfigError: for a path that does not exist, a value of the wrong type or out of range, or
            values that contradict each other.
    """
    values = to_dict(train)
    # Tables for a whole group first, then what is set within it.
    for path, value in sorted(setting.items(), key=lambda item: item[0].count(".")):
        check_path(train, path)
        group, (*_, name) = values, path.split(".")
        for part in path.split(".")[1:-1]:
            group = group[part]
        if isinstance(value, Mapping) and isinstance(group[name], dict):
            group[name] = _merged(group[name], value)
        else:
            group[name] = value
    return from_dict(TrainConfig, values, where=f"{ROOT}.")


def check_path(train: TrainConfig, path: str) -> None:
    """Refuse a path that a search cannot vary, and say the nearest one that it can.

    Raises:
        ConfigError: if it is none of `setting_paths`.
    """
    paths = setting_paths(train)
    if path in paths:
        return
    if path.partition(".")[0] in ("motion", "variants"):
        raise ConfigError(
            f"the search space names {path}, but the input is computed once for all settings and "
            f"only what begins with {ROOT}. can vary; run one search for each input"
        )
    near = difflib.get_close_matches(path, paths, n=1, cutoff=0.0)[0]
    last = path.rpartition(".")[2]
    same = [one for one in paths if one.rpartition(".")[2] == last]
    raise ConfigError(
        f"the search space names {path}, which does not exist; the nearest setting is "
        f"{same[0] if same else near}"
    )


def setting_paths(train: TrainConfig) -> list[str]:
    """Return the dotted path of every setting and group of settings of a training."""
    return [path for path, _ in _walk(to_dict(train), ROOT)]


def sweep_space(train: TrainConfig, configs: Iterable[TrainConfig]) -> SearchSpace:
    """Return the space that lists some configurations, each as its differences from `train`.

    For experiments whose `sweep()` yields what they compare.

    Raises:
        ConfigError: if there are none.
    """
    base = _leaves(train)
    listed = []
    for config in configs:
        leaves = _leaves(config)
        listed.append({path: plain(value) for path, value in leaves.items() if value != base[path]})
    return SearchSpace(listed=listed)


def _leaves(train: TrainConfig) -> dict[str, Any]:
    return {path: value for path, value in _walk(to_dict(train), ROOT) if not _is_group(value)}


def _walk(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        yield f"{prefix}.{name}", value
        if _is_group(value):
            yield from _walk(value, f"{prefix}.{name}")


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping)


def _merged(group: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(group)
    for name, value in values.items():
        inner = merged.get(name)
        if isinstance(inner, Mapping) and isinstance(value, Mapping):
            value = _merged(inner, value)
        merged[name] = value
    return merged
