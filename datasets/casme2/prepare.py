"""Preparing CASME II from the folder that its authors give out."""

from functools import partial

from mace.datasets.casme2.casme2_dataset_builder import Builder
from mace.datasets.reading.preparing import prepare_clips

PRESETS = ("raw_selected", "raw", "cropped")

prepare = partial(prepare_clips, Builder)
"""Prepare a frame tree of CASME II, as `prepare_clips` does."""
