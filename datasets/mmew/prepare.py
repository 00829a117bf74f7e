"""Preparing MMEW from the folder that its authors give out."""

from functools import partial

from mace.datasets.mmew.mmew_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("micro",)

prepare = partial(prepare_clips, Builder)
"""Prepare a configuration of MMEW, as `prepare_clips` does."""
