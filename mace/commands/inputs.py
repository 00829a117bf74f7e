"""From the name of a data set on the command line to the arrays a network learns from."""

import functools
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from mace.annotation import ClassSet
from mace.commands.classes import choose_classes
from mace.commands.places import prepared_datasets
from mace.data import Clip, MotionSet, load_clips
from mace.errors import ConfigError, DataError
from mace.experiments.recipes import Recipe, default_recipe, motion_set
from mace.flow_images import holds_flow_images, load_flow_images


def with_default_recipe(run: Callable[..., None], arguments: Sequence[str]) -> Callable[..., None]:
    """Return the command `run`, its recipe's defaults being those of the data set it is to read."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    for option, value in itertools.pairwise(words):
        if option == "--dataset":
            return functools.partial(run, recipe=default_recipe(value))
    return run


def prepared_folder(dataset: str, *, data_dir: Path) -> Path:
    """Return the folder of the prepared data set `dataset`, such as `synthetic/demo`.

    The configuration may be left out where only one is prepared.

    Raises:
        DataError: if it is not prepared, or several are meant; the message lists what is there.
    """
    prepared = prepared_datasets(data_dir)
    name, _, config = dataset.partition("/")
    meant = [
        one for one in prepared if one == dataset or (not config and one.startswith(f"{name}/"))
    ]
    if len(meant) > 1:
        raise DataError(f"{dataset} is prepared as {', '.join(meant)}; name one of them")
    if not meant:
        how = f"mace prepare {name}" + (f" --config {config}" if config else "")
        there = ", ".join(prepared) or "nothing"
        raise DataError(
            f"{dataset} is not prepared in {data_dir} ({there} is there); `{how}` prepares it"
        )
    return prepared[meant[0]]


def read_clips(dataset: str, *, data_dir: Path) -> list[Clip]:
    """Return the clips of the prepared data set `dataset`, such as `synthetic/demo`.

    Raises:
        DataError: if it is not prepared, or holds no clips but ready-made images.
    """
    folder = prepared_folder(dataset, data_dir=data_dir)
    if holds_flow_images(folder):
        raise DataError(
            f"{dataset} holds ready-made flow images, no clips; choose another data set"
        )
    return load_clips(folder)


def read_motion(
    dataset: str,
    recipe: Recipe,
    *,
    data_dir: Path,
    cache_dir: Path | None,
    classes: ClassSet | None = None,
) -> MotionSet:
    """Return the recipe's inputs for every clip of a prepared data set, computed or ready-made.

    With `classes` only for the clips that have a class in this set, which is what is learnt then.

    Raises:
        ConfigError: if the recipe's input is not what ready-made images hold, or they are to have
            other classes than their own.
        DataError: if the data set is not prepared, or damaged.
    """
    folder = prepared_folder(dataset, data_dir=data_dir)
    if not holds_flow_images(folder):
        clips = load_clips(folder)
        chosen = clips if classes is None else choose_classes(clips, classes)
        return motion_set(chosen, recipe, cache_dir=cache_dir)
    if classes is not None:
        raise ConfigError(f"{dataset} has classes of its own; leave out --classes")
    images = load_flow_images(folder)
    if recipe.motion != images.motion:
        raise ConfigError(
            f"{dataset} holds ready-made flow images of {images.motion.size} px, and nothing else "
            "can be computed from them; leave out what begins with --recipe.motion"
        )
    return images
