"""Preparing 4DME from the folder that its authors give out."""

from functools import partial

from mace.datasets.four_dme.four_dme_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("gray",)

prepare = partial(prepare_clips, Builder)
"""Prepare a configuration of 4DME, as `prepare_clips` does."""
