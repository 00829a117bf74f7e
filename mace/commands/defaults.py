"""Defaults of a command that depend on its other arguments, and numbers that are refused."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tyro

from mace.errors import ConfigError
from mace.recipes import default_recipe
from mace.workers import check_workers

DATASET = "synthetic/demo"
"""The data set that is read where none is named."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """The arguments of a command that decide its other defaults.

    Attributes:
        dataset: that is to be read.
        init: network to begin with.
        zero_shot: network to evaluate as it is.
    """

    dataset: str = DATASET
    init: str | None = None
    zero_shot: str | None = None


def check_counts(*, seeds: int, workers: int) -> None:
    """Refuse numbers that nothing can be done with, before anything takes time.

    Raises:
        ConfigError: naming the number.
    """
    if seeds < 1:
        raise ConfigError(f"{seeds} seeds were asked for, expected 1 or more")
    check_workers(workers)


def with_default_recipe(run: Callable[..., None], arguments: Sequence[str]) -> Callable[..., None]:
    """Return the command `run`, its recipe's defaults being those of what it is to read.

    That is a data set, and the network to begin with or to evaluate as it is, if there is one.

    Raises:
        CheckpointError: if there is no such network.
    """
    try:
        # The parser of the command itself, told of three of its options and passing over the rest.
        named, _ = tyro.cli(
            Named, args=arguments, return_unknown_args=True, add_help=False, console_outputs=False
        )
    except SystemExit:
        return run  # which is given the same arguments, and says what is wrong with them
    if named == Named():
        return run
    start = named.init if named.zero_shot is None else named.zero_shot
    return functools.partial(run, recipe=default_recipe(named.dataset, start))
