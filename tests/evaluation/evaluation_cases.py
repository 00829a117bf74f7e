"""What the evaluation tests share; worker processes import it, so its name must be unique."""

from dataclasses import dataclass

import numpy as np

from mace.data.motion_set import MotionSet
from mace.evaluation.methods.method import FoldPredictions
from mace.protocols.folds import Fold


def make_set(*, subjects: int = 6, clips: int = 6, size: int = 32, noise: float = 1.0) -> MotionSet:
    """Three classes whose motion is in three places of the face, one after the other."""
    rng = np.random.default_rng(0)
    n = subjects * clips
    labels = np.tile(np.arange(3), n // 3)
    inputs = rng.normal(0, noise, (n, 1, size, size, 3))
    for clip, label in enumerate(labels):
        top = 2 + label * size // 3
        inputs[clip, 0, top : top + size // 4, size // 4 : size // 2] += 1.0
    return MotionSet(
        inputs=inputs.astype(np.float32),
        labels=labels.astype(np.int32),
        groups=np.repeat(np.arange(subjects), clips).astype(np.int32),
        subjects=tuple(f"synthetic/s{i:02d}" for i in range(subjects)),
        clips=tuple(f"synthetic/s{i // clips:02d}/c{i % clips}" for i in range(n)),
        classes=("negative", "positive", "surprise"),
    )


@dataclass(frozen=True)
class Guess:
    """Right with the given probability; depends on seed and fold alone, as a method must."""

    right: float = 0.7

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        rng = np.random.default_rng([seed, *fold.test_index])
        truth = motion_set.labels[fold.test_index]
        classes = len(motion_set.classes)
        miss = rng.random(truth.size) > self.right
        prediction = np.where(miss, (truth + rng.integers(1, classes, truth.size)) % classes, truth)
        probabilities = np.full((truth.size, classes), 0.3 / (classes - 1))
        probabilities[np.arange(truth.size), prediction] = 0.7
        loss = (np.exp(-np.arange(8) / 4) + rng.random(8) / 20).tolist()
        return FoldPredictions(
            predicted=prediction,
            probabilities=probabilities,
            history={"epoch": list(range(1, 9)), "loss": loss},
            heat=rng.random((truth.size, 4, 4)) if explain else None,
        )
