"""Which windows of a data set's images a pre-trained network is shown in a fold."""

import functools
from dataclasses import replace

import numpy as np

from mace.adaptation.config import AdaptConfig
from mace.adaptation.search import WindowFit, WindowSearch
from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.prediction import Adaptation, in_batches
from mace.protocols.folds import Fold

_BATCH = 256


def fit_window(bundle: Bundle, motion_set: MotionSet, fold: Fold, config: AdaptConfig) -> WindowFit:
    """Return what fits the clips of a fold's training subjects best, found without their labels."""
    return _search(bundle, motion_set, config).fit(fold.train_index)


def show(motion_set: MotionSet, adaptation: Adaptation) -> MotionSet:
    """Return a set whose images are what the network is shown of them."""
    flat = motion_set.inputs.reshape(-1, *motion_set.inputs.shape[2:])
    shown = in_batches(adaptation, flat, size=_BATCH)
    return replace(
        motion_set, inputs=np.asarray(shown).reshape(motion_set.inputs.shape), fingerprint=""
    )


@functools.lru_cache(maxsize=1)
def _search(bundle: Bundle, motion_set: MotionSet, config: AdaptConfig) -> WindowSearch:
    # All folds of a set look at the same images; each chooses by those of its training subjects.
    return WindowSearch(bundle, motion_set.inputs[:, 0], config=config)
