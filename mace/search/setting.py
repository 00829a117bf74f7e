"""A setting applied to a recipe's training, and a space tried out before anything runs."""

import difflib
import functools
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from mace.config import flattened, from_dict, to_dict
from mace.errors import ConfigError, MaceError, first_line
from mace.models.own_module import source_of
from mace.search.space import AS_IN_RECIPE, SearchSpace, Setting, edges
from mace.training.config import FineTuneConfig, TrainConfig

ROOT = "train"
# Up to so many corners all are built; beyond, every pair of dimensions is.
CORNERS = 2048
# Networks whose shapes are traced, each about a tenth of a second.
NETWORKS = 24


def apply_setting(train: TrainConfig, setting: Setting) -> TrainConfig:
    """Return the training with the values of a setting in place of its own.

    Raises:
        ConfigError: for a path that does not exist, a value of the wrong type or out of range, or
            values that contradict each other.
    """
    tree: dict[str, Any] = {ROOT: to_dict(train)}
    set_by: dict[str, str] = {}
    for path, value in setting.items():
        _check_path(train, path)
        for leaf, leaf_value in flattened({path: value}).items():
            if leaf in set_by:
                raise ConfigError(
                    f"{leaf} is set by {set_by[leaf]} and by {path}; leave it out of one of the two"
                )
            set_by[leaf] = path
            branch, (*groups, name) = tree, leaf.split(".")
            for group in groups:
                if not isinstance(branch.get(group), dict):
                    branch[group] = {}
                branch = branch[group]
            branch[name] = leaf_value
    return from_dict(TrainConfig, tree[ROOT], where=f"{ROOT}.")


def _check_path(train: TrainConfig, path: str) -> None:
    """Refuse what is neither a setting of the training nor a group of them; say the nearest."""
    parts = [leaf.split(".") for leaf in flattened({ROOT: to_dict(train)})]
    paths = [".".join(part[:end]) for part in parts for end in range(2, len(part) + 1)]
    if path in paths:
        return
    if path.partition(".")[0] in ("motion", "variants"):
        raise ConfigError(
            f"the search space names {path}, but the input is computed once for all settings and "
            f"only what begins with {ROOT}. can vary; run one search for each input"
        )
    near = difflib.get_close_matches(path, paths, n=1, cutoff=0.0)
    last = path.rpartition(".")[2]
    same = [other for other in paths if other.rpartition(".")[2] == last]
    raise ConfigError(
        f"the search space names {path}, which does not exist; the nearest setting is "
        f"{(same or near)[0]}"
    )


def check_space(space: SearchSpace, train: TrainConfig) -> list[TrainConfig]:
    """Build every corner of a space as a configuration, and return the different ones.

    Raises:
        ConfigError: for a path that does not exist, a value of the wrong type or out of range, or
            values that contradict each other; one sentence.
    """
    if train.fine_tune != FineTuneConfig():
        raise ConfigError(
            "a search trains new networks; leave out what begins with --recipe.train.fine-tune"
        )
    for path in space.paths:
        _check_path(train, path)
    configs: dict[TrainConfig, None] = {}
    for setting in corners(space):
        try:
            config = apply_setting(train, setting)
        except ConfigError as error:
            raise ConfigError(f"the search space allows {text_of(setting)}: {error}") from error
        if config.fine_tune != FineTuneConfig():
            raise ConfigError("a search trains new networks; train.fine_tune cannot be varied")
        configs[config] = None
    return list(configs)


def check_networks(
    configs: list[TrainConfig], *, shape: tuple[int, int, int], classes: int
) -> None:
    """Trace the different networks of some configurations for an input (h, w, c), without weights.

    Raises:
        ConfigError: for a network that such an input does not fit.
    """
    # Late, since a mistake in the space is said before JAX is loaded.
    import jax

    from mace.models.apply import init_model
    from mace.models.make import make_model

    networks = list(dict.fromkeys(config.model for config in configs))
    for network in networks[:NETWORKS]:
        try:
            begin = functools.partial(init_model, make_model(network, classes))
            jax.eval_shape(functools.partial(begin, input_shape=(1, *shape)), jax.random.key(0))
        except (MaceError, ValueError, TypeError, ZeroDivisionError) as error:
            what = f"a network of widths {network.widths} and depths {network.depths}"
            if ":" in network.arch:  # one's own, of which these say nothing
                what = network.arch
            raise ConfigError(
                f"the search space allows {what}, which an input of {shape[0]} x {shape[1]} x "
                f"{shape[2]} does not fit: {first_line(error)}"
            ) from error


def corners(space: SearchSpace) -> Iterator[Setting]:
    """Yield the settings at which a contradiction would show.

    All combinations of the ranges' ends and of all choices if there are not too many; otherwise
    those of every two dimensions, the others at their first value.
    """
    if space.listed:
        yield from space.listed
        return
    ends = {path: edges(distribution) for path, distribution in space.ranges.items()}
    everything = math.prod(map(len, ends.values())) <= CORNERS
    first = {path: values[0] for path, values in ends.items()}
    for together in [tuple(ends)] if everything else itertools.combinations(ends, 2):
        for values in itertools.product(*(ends[path] for path in together)):
            yield first | dict(zip(together, values, strict=True))


def own_networks(space: SearchSpace, train: TrainConfig) -> dict[str, str]:
    """Return the networks of somebody's own that are searched, with digests of their files."""
    paths = {flattened(setting).get("train.model.arch", "") for setting in corners(space)}
    return {path: source_of(path) for path in sorted({*paths, train.model.arch}) if ":" in path}


def refuse_edited(networks: Mapping[str, str]) -> None:
    """Refuse to go on with networks whose files are not what they were when a search began.

    Raises:
        ConfigError: naming the first.
    """
    for place, source in networks.items():
        if source_of(place) != source:
            raise ConfigError(
                f"the file of {place}, or what it imports, has changed since the search began; put "
                "it back, or search anew with another --out"
            )


def text_of(setting: Setting) -> str:
    """Return a setting for people: `learning_rate 0.003, widths [16, 32]`."""
    values = [f"{path.removeprefix('train.')} {short(value)}" for path, value in setting.items()]
    return ", ".join(values) or AS_IN_RECIPE


def short(value: object) -> str:
    """Return a value for people, numbers with four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
