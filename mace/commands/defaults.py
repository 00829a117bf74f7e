"""Defaults of a command that depend on its other arguments."""

import functools
import itertools
from collections.abc import Callable, Sequence

from mace.experiments.recipes import default_recipe


def with_default_recipe(run: Callable[..., None], arguments: Sequence[str]) -> Callable[..., None]:
    """Return the command `run`, its recipe's defaults being those of the data set it is to read."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    for option, value in itertools.pairwise(words):
        if option == "--dataset":
            return functools.partial(run, recipe=default_recipe(value))
    return run
