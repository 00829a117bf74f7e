"""Preparing DFME from the folder that its authors give out."""

from functools import partial

from mace.datasets.dfme.dfme_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("clips",)

prepare = partial(prepare_clips, Builder)
"""Prepare a configuration of DFME, as `prepare_clips` does."""
