"""Preparing SMIC from the folder that its authors give out."""

from functools import partial

from mace.datasets.reading.preparing import prepare_clips
from mace.datasets.smic.smic_dataset_builder import Builder

PRESETS = ("hs", "vis", "nir", "hs_cropped", "vis_cropped", "nir_cropped", "hs_e", "vis_e", "nir_e")

prepare = partial(prepare_clips, Builder)
"""Prepare a variant of SMIC, as `prepare_clips` does."""
