"""Defaults of a command that depend on its other arguments."""

import functools
import itertools
from collections.abc import Callable, Sequence

from mace.recipes import default_recipe

DATASET = "synthetic/demo"
"""The data set that is read where none is named."""

OPTIONS = ("--dataset", "--init", "--zero-shot")


def with_default_recipe(run: Callable[..., None], arguments: Sequence[str]) -> Callable[..., None]:
    """Return the command `run`, its recipe's defaults being those of what it is to read.

    That is a data set, and the network to begin with or to evaluate as it is, if there is one.

    Raises:
        CheckpointError: if there is no such network.
    """
    words = [word for argument in arguments for word in argument.split("=", 1)]
    pairs = [(option.replace("_", "-"), value) for option, value in itertools.pairwise(words)]
    given = {option: value for option, value in pairs if option in OPTIONS}
    if not given:
        return run
    dataset = given.pop("--dataset", DATASET)
    start = next(iter(given.values()), None)
    return functools.partial(run, recipe=default_recipe(dataset, start))
