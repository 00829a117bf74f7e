"""`mace prepare`: turn raw material into corrected faces that training reads."""

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import tyro

from mace.errors import ConfigError
from mace.places import DATA_DIR, installed_datasets


def run(
    name: Annotated[str, tyro.conf.Positional],
    config: str | None = None,
    manual_dir: Path | None = None,
    annotations: Path | None = None,
    coder: str | None = None,
    coding: int | None = None,
    strict: bool = False,
    data_dir: Path = DATA_DIR,
    seed: int | None = None,
    workers: int | None = None,
) -> None:
    """Prepare a data set; what is prepared already is left as it is.

    An interrupted preparation goes on where it was when it is started again. A report says what
    was read, mended and left out.

    Args:
        name: the data set, such as `synthetic` or `casme2`; `mace doctor` lists them.
        config: which variant of it, such as demo of `synthetic` or raw_selected of `casme2`; each
            data set has a default.
        manual_dir: for a licensed data set, the folder that holds its sheet and its frames.
        annotations: for `folder`, the table of your own clips.
        coder: for `folder`, whose events of a table that several people have coded.
        coding: for `casme2`, which of the codings of 2014 and 2019 is read; by default the later of
            those that are there.
        strict: refuse data that need a repair, lose a clip or leave open which of several tables,
            folders or frames is meant, instead of reporting it.
        data_dir: where prepared data sets lie.
        seed: of everything random in a synthetic data set, 0 by default.
        workers: processes; by default one for each CPU core.
    """
    builder = load_builder(name)
    chosen = default_config(builder) if config is None else config
    options = {
        "manual_dir": manual_dir,
        "annotations": annotations,
        "coder": coder,
        "coding": coding,
        "strict": strict or None,
        "seed": seed,
        "workers": workers,
    }
    known = inspect.signature(builder.prepare).parameters
    for option, value in options.items():
        if value is not None and option not in known:
            raise ConfigError(f"{name} has no use for --{option.replace('_', '-')}; leave it out")
    given: Mapping[str, Any] = {key: value for key, value in options.items() if value is not None}
    folder = builder.prepare(chosen, data_dir=data_dir, **given)
    print(f"{name}/{folder.parent.name} is in {folder}")


def load_builder(name: str) -> ModuleType:
    """Return the module of the data set `name`.

    It offers PRESETS, the names of its variants, the first or DEFAULT being the default, and
    `prepare(preset, *, data_dir, ...) -> Path` with those of the options manual_dir, annotations,
    coder, coding, strict, seed and workers that it has a use for, all of them optional.

    Raises:
        ConfigError: if there is no such data set.
    """
    known = installed_datasets()
    if name not in known:
        raise ConfigError(f"there is no data set {name!r}; known: {', '.join(known)}")
    return importlib.import_module(f"mace.datasets.{name}.prepare")


def default_config(builder: ModuleType) -> str:
    """Return the variant that a data set prepares when none is named."""
    return getattr(builder, "DEFAULT", None) or next(iter(builder.PRESETS))
