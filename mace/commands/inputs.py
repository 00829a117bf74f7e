"""From the name of a data set on the command line to the arrays a network learns from."""

from pathlib import Path

from mace.commands.places import prepared_datasets
from mace.data import Clip, MotionSet, load_clips
from mace.errors import DataError
from mace.experiments.recipes import Recipe, motion_set


def read_clips(dataset: str, *, data_dir: Path) -> list[Clip]:
    """Return the clips of the prepared data set `dataset`, such as `synthetic/demo`.

    Raises:
        DataError: if it is not prepared; the message lists what is.
    """
    prepared = prepared_datasets(data_dir)
    if dataset not in prepared:
        name, _, config = dataset.partition("/")
        how = f"mace prepare {name}" + (f" --config {config}" if config else "")
        there = ", ".join(prepared) or "nothing"
        raise DataError(
            f"{dataset} is not prepared in {data_dir} ({there} is there); `{how}` prepares it"
        )
    return load_clips(prepared[dataset])


def read_motion(
    dataset: str, recipe: Recipe, *, data_dir: Path, cache_dir: Path | None
) -> MotionSet:
    """Return the recipe's inputs for every clip of a prepared data set."""
    return motion_set(read_clips(dataset, data_dir=data_dir), recipe, cache_dir=cache_dir)
