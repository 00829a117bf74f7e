"""The option `--mix`: what is mixed into the training clips, and how much of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mace.commands.places import prepared_dataset
from mace.errors import ConfigError

if TYPE_CHECKING:
    from mace.data import MotionSet
    from mace.experiments.recipes import Recipe
    from mace.training import MixConfig

PAIRS = "synthetic/pairs"
"""What the word `synthetic` alone names."""


@dataclass(frozen=True, kw_only=True)
class MixOption:
    """A prepared data set of rendered faces and its share of every batch."""

    dataset: str
    share: float
    folder: Path


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
    dataset = PAIRS if name == "synthetic" else name
    folder = prepared_dataset(dataset, data_dir=data_dir)
    return MixOption(dataset=dataset, share=share, folder=folder)


def make_mix(
    option: MixOption | None, inputs: "MotionSet", recipe: "Recipe", *, cache_dir: Path
) -> "MixConfig | None":
    """Compute what an option names, for the training on `inputs`.

    Raises:
        DataError: if it has none of the classes, or is damaged.
    """
    from mace.experiments.mixing import PreparedPairs, mix_for

    if option is None:
        return None
    source = PreparedPairs(folder=option.folder, recipe=recipe, cache_dir=cache_dir)
    return mix_for(inputs, source, share=option.share, seed=0, cache_dir=cache_dir)
