"""Preparing SAMM from the folder that its authors give out."""

from functools import partial

from mace.datasets.reading.preparing import prepare_clips
from mace.datasets.samm.samm_dataset_builder import Builder

PRESETS = ("raw", "cropped", "long")

prepare = partial(prepare_clips, Builder)
"""Prepare a variant of SAMM, as `prepare_clips` does."""
