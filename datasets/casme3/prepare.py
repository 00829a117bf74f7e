"""Preparing CAS(ME)^3 from the folder that its authors give out."""

from functools import partial

from mace.datasets.casme3.casme3_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("part_a", "long", "long_c")

prepare = partial(prepare_clips, Builder)
"""Prepare a configuration of CAS(ME)^3, as `prepare_clips` does."""
