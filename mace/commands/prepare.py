"""`mace prepare`: turn raw material into corrected faces that training reads."""

import importlib
from pathlib import Path
from typing import Annotated, Protocol, cast

import tyro

from mace.commands.places import DATA_DIR, installed_datasets
from mace.errors import ConfigError


class Builder(Protocol):
    """What the module of a data set offers: presets, and a function that prepares one."""

    PRESETS: tuple[str, ...]

    def prepare(self, preset: str, *, data_dir: Path, seed: int, workers: int | None) -> Path:
        """Prepare `preset` below `data_dir` unless it is there, and return its folder."""
        ...


def run(
    name: Annotated[str, tyro.conf.Positional],
    config: str = "demo",
    data_dir: Path = DATA_DIR,
    seed: int = 0,
    workers: int | None = None,
) -> None:
    """Prepare a data set; what is prepared already is left as it is.

    An interrupted preparation goes on where it was when it is started again.

    Args:
        name: the data set, such as `synthetic`; `mace doctor` lists them.
        config: which variant of it; for `synthetic` tiny, demo, full or long.
        data_dir: where prepared data sets lie.
        seed: of everything random in a synthetic data set.
        workers: processes; by default one for each CPU core.
    """
    folder = load_builder(name).prepare(config, data_dir=data_dir, seed=seed, workers=workers)
    print(f"{name}/{config} is in {folder}")


def load_builder(name: str) -> Builder:
    """Return the builder module of the data set `name`.

    Raises:
        ConfigError: if there is no such data set.
    """
    known = installed_datasets()
    if name not in known:
        raise ConfigError(f"there is no data set {name!r}; known: {', '.join(known)}")
    return cast(Builder, importlib.import_module(f"mace.datasets.{name}.prepare"))
