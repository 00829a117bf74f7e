"""A search space is tried out as configurations before anything runs."""

import functools
import itertools
import json
import math
from collections.abc import Iterator, Mapping

from mace.errors import ConfigError, MaceError
from mace.search.setting import apply_setting, check_path
from mace.search.space import SearchSpace, Setting
from mace.training.config import FineTuneConfig, TrainConfig

# Up to so many corners all are built; beyond, every pair of dimensions is.
CORNERS = 2048
# Networks whose shapes are traced, each about a tenth of a second.
NETWORKS = 24


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
    paths = space.paths
    for path in paths:
        check_path(train, path)
    for one, other in itertools.permutations(paths, 2):
        if other.startswith(f"{one}.") and _sets_both(space, one, other):
            raise ConfigError(
                f"the search space varies {other} by itself and as a part of {one}; leave it out "
                "of one of the two"
            )
    found: dict[TrainConfig, None] = {}
    for setting in corners(space):
        try:
            config = apply_setting(train, setting)
        except ConfigError as error:
            raise ConfigError(f"the search space allows {text_of(setting)}: {error}") from error
        if config.fine_tune != FineTuneConfig():
            raise ConfigError("a search trains new networks; train.fine_tune cannot be varied")
        found[config] = None
    return list(found)


def check_networks(
    configs: list[TrainConfig], *, shape: tuple[int, int, int], classes: int
) -> None:
    """Trace the different networks of some configurations for an input (h, w, c), without weights.

    Raises:
        ConfigError: for a network that such an input does not fit.
    """
    import jax

    from mace.models.apply import init_model
    from mace.models.make import make_model

    networks = list(dict.fromkeys(config.model for config in configs))
    for network in networks[:NETWORKS]:
        try:
            jax.eval_shape(
                functools.partial(
                    init_model, make_model(network, classes), input_shape=(1, *shape)
                ),
                jax.random.key(0),
            )
        except (MaceError, ValueError, TypeError, ZeroDivisionError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise ConfigError(
                f"the search space allows a network of widths {network.widths} and depths "
                f"{network.depths} that an input of {shape[0]} x {shape[1]} x {shape[2]} does not "
                f"fit: {reason}"
            ) from error


def corners(space: SearchSpace) -> Iterator[Setting]:
    """Yield the settings at which a contradiction would show.

    All combinations of the ranges' ends and of all choices if there are not too many; otherwise
    those of every two dimensions, the others at their first value.
    """
    if space.listed:
        yield from space.listed
        return
    edges = {path: dimension.edges for path, dimension in space.dimensions.items()}
    if math.prod(map(len, edges.values())) <= CORNERS:
        for values in itertools.product(*edges.values()):
            yield dict(zip(edges, values, strict=True))
        return
    first = {path: values[0] for path, values in edges.items()}
    for one, other in itertools.combinations(edges, 2):
        for pair in itertools.product(edges[one], edges[other]):
            yield first | dict(zip((one, other), pair, strict=True))


def _sets_both(space: SearchSpace, group: str, path: str) -> bool:
    """Whether a table for `group` sets `path`, which has values of its own too."""
    if space.listed:
        tables = [setting[group] for setting in space.listed if {group, path} <= set(setting)]
    else:
        tables = list(space.dimensions[group].edges)
    for table in tables:
        for name in path.removeprefix(f"{group}.").split("."):
            if not isinstance(table, Mapping) or name not in table:
                break
            table = table[name]
        else:
            return True
    return False


def text_of(setting: Setting) -> str:
    """Return a setting for people: `learning_rate 0.003, widths [16, 32]`."""
    return ", ".join(
        f"{path.removeprefix('train.')} {short(value)}" for path, value in setting.items()
    )


def short(value: object) -> str:
    """Return a value for people, numbers with four digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
