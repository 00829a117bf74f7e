"""The option `--mix`: what is mixed into the training clips, and how much of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mace.errors import ConfigError
from mace.places import prepared_dataset

if TYPE_CHECKING:
    from mace.data.motion_set import MotionSet
    from mace.recipes import Recipe
    from mace.training.config import MixConfig

STORE = ".rendered-pairs"
"""Folder below the data sets' where the motion of pairs rendered for `synthetic` is kept."""


@dataclass(frozen=True, kw_only=True)
class MixOption:
    """Rendered faces and their share of every batch.

    Attributes:
        name: as on the command line: `synthetic`, or a prepared data set.
        share: of every batch.
        folder: of the prepared data set; None for pairs that are rendered for the input.
        store: where rendered pairs are kept.
    """

    name: str
    share: float
    folder: Path | None
    store: Path


def read_mix(text: str | None, *, data_dir: Path) -> MixOption | None:
    """Return what `--mix synthetic:WEIGHT` or `--mix synthetic/CONFIGURATION:WEIGHT` says.

    Raises:
        ConfigError: if it says something else.
        DataError: if the data set is not prepared.
    """
    if text is None:
        return None
    name, _, weight = text.rpartition(":")
    try:
        share = float(weight)
    except ValueError:
        share = -1.0
    if name.partition("/")[0] != "synthetic" or not 0 < share < 1:
        raise ConfigError(
            f"--mix {text} names no rendered faces and their share of every batch; write "
            "synthetic:0.5 for half of it, the share above 0 and below 1"
        )
    folder = None if name == "synthetic" else prepared_dataset(name, data_dir=data_dir)
    return MixOption(name=name, share=share, folder=folder, store=data_dir / STORE)


def make_mix(
    option: MixOption | None,
    inputs: "MotionSet",
    recipe: "Recipe",
    *,
    cache_dir: Path,
    workers: int | None = None,
) -> "MixConfig | None":
    """Render or compute what an option names, for the training on `inputs`.

    Raises:
        ConfigError: if rendered pairs cannot be this input.
        DataError: if it has none of the classes, or is damaged.
    """
    from mace.pretraining.mixing import PreparedPairs, RenderedPairs, mix_for

    if option is None:
        return None
    if option.folder is None:
        source = RenderedPairs(workers=workers, cache_dir=option.store)
    else:
        source = PreparedPairs(folder=option.folder, recipe=recipe, cache_dir=cache_dir)
    return mix_for(inputs, source, share=option.share, seed=0, cache_dir=cache_dir)
