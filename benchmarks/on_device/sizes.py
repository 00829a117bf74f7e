"""How much is measured, without a framework, so that PyTorch's parts need none of ours."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class PopulationSize:
    """How much a population trains.

    Attributes:
        clips: of the set; `subjects` share them.
        subjects: folds leave one out each.
        settings: learning rates, each trained on all folds.
        epochs: of each training.
        batch: clips a step.
    """

    clips: int = 442
    subjects: int = 68
    settings: int = 8
    epochs: int = 25
    batch: int = 32


FULL = PopulationSize()
"""Of the composite of MEGC 2019: 442 clips of 68 people."""
ON_CPU = PopulationSize(settings=1, epochs=10)
"""What a CPU trains in a minute or two."""
TOY = PopulationSize(clips=24, subjects=4, settings=2, epochs=2, batch=8)


def size_of(*, tiny: bool, cpu: bool) -> PopulationSize:
    """Return how much a device trains."""
    if tiny:
        return TOY
    return ON_CPU if cpu else FULL


def random_arrays(size: PopulationSize) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return float32 images (n, 28, 28, 3), int32 labels of three classes, int32 subjects."""
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(size.clips, 28, 28, 3)).astype(np.float32),
        (np.arange(size.clips) % 3).astype(np.int32),
        (np.arange(size.clips) % size.subjects).astype(np.int32),
    )
