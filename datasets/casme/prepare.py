"""Preparing CASME from the folder that its authors give out."""

from functools import partial

from mace.datasets.casme.casme_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("raw", "cropped")

prepare = partial(prepare_clips, Builder)
"""Prepare a variant of CASME, as `prepare_clips` does."""
