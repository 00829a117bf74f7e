"""Preparing CAS(ME)^2 from the folder that its authors give out."""

from functools import partial

from mace.datasets.casme_squared.casme_squared_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("micro", "macro", "long")

prepare = partial(prepare_clips, Builder)
"""Prepare a configuration of CAS(ME)^2, as `prepare_clips` does."""
