"""Kernel ridge that is told what the pre-trained network sees and thinks of each clip.

A few hundred clips teach a kernel what is particular to a data set, the pre-trained network knows
what moves in any face; their mistakes differ. The kernel compares clips by their pixels and by the
network's features, the network's log-probabilities, weighed, are added to the scores of the ridge.
Features or not, weight, width and strength are chosen by the pooled UF1 of inner folds over the
training subjects, among them no features and the weight 0.
"""

import functools
from dataclasses import dataclass, field, replace
from itertools import product

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from mace.augment.image import flip
from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.evaluation.config import KernelRidgeConfig, ZeroShotConfig
from mace.evaluation.methods.baselines import Majority, mirrored_distances
from mace.evaluation.methods.bundles import bundle_for
from mace.evaluation.methods.method import DataUse, FoldPredictions
from mace.evaluation.methods.windows import fit_window, show
from mace.evaluation.methods.zero_shot import ZeroShot
from mace.kernel_ridge import (
    BalancedRidge,
    Distances,
    mean_squared_distances,
    mirrored_kernel,
)
from mace.metrics import confusion_matrix, uf1
from mace.motion.config import MotionConfig
from mace.prediction import in_batches, predict_features
from mace.protocols.folds import Fold
from mace.protocols.inner import inner_folds

WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Of log-probabilities, beside scores that lie between about 0 and 1."""

_LEAST = 1e-3  # a probability; below it the network's certainty says no more


@dataclass(frozen=True)
class InformedRidge:
    """Class-balanced kernel ridge, and a network that has not learnt here.

    Attributes:
        network: the network, which is asked as it is.
        config: settings of the ridge.
        features: whether inner folds may choose to compare clips by the network's features too.
    """

    network: ZeroShotConfig
    config: KernelRidgeConfig = field(default_factory=KernelRidgeConfig)
    features: bool = True

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        train, test, labels = fold.train_index, fold.test_index, motion_set.labels
        if np.unique(labels[train]).size < 2:
            return Majority()(motion_set, fold, seed=seed, explain=explain)
        opinion = self._opinion(motion_set, fold, seed=seed)
        features = self.feature_distances(motion_set, fold) if self.features else None
        choices = (None, features) if self.features else (None,)
        folds = self.config.space.inner_folds
        inner = inner_folds(train, motion_set.groups, labels, folds=folds)
        classes = len(motion_set.classes)
        best, chosen = -1.0, None
        for shape, distances in mirrored_distances(motion_set, self.config.space):
            for width, strength, of_features in product(
                self.config.widths, self.config.space.strengths, choices
            ):
                kernel = mirrored_kernel(distances, width)
                if of_features is not None:
                    kernel = (kernel + mirrored_kernel(of_features, width)) / 2
                held_out = [
                    (part, _scores(kernel, labels, fitted, part, strength, classes))
                    for fitted, part in inner
                ]
                for weight in WEIGHTS:
                    score = _pooled(held_out, opinion, labels, weight=weight)
                    if score > best:
                        best, chosen = score, (shape, width, strength, of_features, weight, kernel)
        assert chosen is not None
        shape, width, strength, of_features, weight, kernel = chosen
        scores = _scores(kernel, labels, train, test, strength, classes) + weight * opinion[test]
        return FoldPredictions(
            predicted=scores.argmax(axis=1),
            history={
                "averaged": [float(shape.averaged)],
                "size": [float(shape.size)],
                "strength": [strength],
                "gamma": [width],
                "features": [float(of_features is not None)],
                "weight": [weight],
            },
            data_use=DataUse(
                fitted=train, normalised=train, selection="settings and weight by inner folds"
            ),
        )

    def feature_distances(self, motion_set: MotionSet, fold: Fold) -> Distances:
        """Return mean squared distances of features, scaled by those of the training clips."""
        bundle = bundle_for(self.network.bundle, motion_set)
        if self.network.adapt is not None:
            window = fit_window(bundle, motion_set, fold, self.network.adapt)
            motion_set = show(motion_set, window.adaptation(motion_set.inputs.shape[-1]))
        both = _features(bundle, motion_set, pair_average=self.network.pair_average)
        mean = both[0][fold.train_index].mean(axis=0)
        # A feature that no training clip shows says nothing.
        deviation = both[0][fold.train_index].std(axis=0)
        scale = np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0.0)
        own, mirrored = ((features - mean) * scale for features in both)
        return mean_squared_distances(own, own), mean_squared_distances(own, mirrored)

    def _opinion(self, motion_set: MotionSet, fold: Fold, *, seed: int) -> Float[np.ndarray, "n k"]:
        """Return the network's log-probabilities of all clips; a window fits training clips."""
        everybody = replace(fold, test_index=np.arange(len(motion_set)))
        asked = ZeroShot(self.network)(motion_set, everybody, seed=seed, explain=False)
        assert asked.probabilities is not None
        return np.log(np.maximum(asked.probabilities, _LEAST))


def _features(
    bundle: Bundle, motion_set: MotionSet, *, pair_average: bool
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
    """Return the network's features of all clips and of their mirror images, means over pairs."""
    inputs = motion_set.inputs if pair_average else motion_set.inputs[:, :1]
    pairs = inputs.reshape(-1, *inputs.shape[2:])
    mirrored = in_batches(functools.partial(_mirror, motion=bundle.motion), pairs)
    own, turned = (
        predict_features(bundle, images)
        .reshape(*inputs.shape[:2], -1)
        .mean(axis=1, dtype=np.float64)
        for images in (pairs, mirrored)
    )
    return own, turned


@functools.partial(jax.jit, static_argnames="motion")
def _mirror(images: Float[Array, "n h w c"], *, motion: MotionConfig) -> Float[Array, "n h w c"]:
    return jax.vmap(functools.partial(flip, motion=motion))(images)


def _scores(
    kernel: Float[np.ndarray, "n n"],
    labels: Int[np.ndarray, " n"],
    fitted: Int[np.ndarray, " m"],
    index: Int[np.ndarray, " t"],
    strength: float,
    classes: int,
) -> Float[np.ndarray, "t k"]:
    ridge = BalancedRidge(strength)
    ridge.fit(kernel[np.ix_(fitted, fitted)], labels[fitted])
    # A class without a training clip has no score, and the network alone does not call it.
    scores = np.full((len(index), classes), -np.inf)
    scores[:, ridge.classes_] = ridge.scores(kernel[np.ix_(index, fitted)])
    return scores


def _pooled(
    held_out: list[tuple[np.ndarray, np.ndarray]],
    opinion: Float[np.ndarray, "n k"],
    labels: Int[np.ndarray, " n"],
    *,
    weight: float,
) -> float:
    counts = np.zeros((opinion.shape[1],) * 2, np.int64)
    for part, scores in held_out:
        predicted = (scores + weight * opinion[part]).argmax(axis=1)
        counts += confusion_matrix(labels[part], predicted, opinion.shape[1])
    return float(uf1(counts)) if counts.sum() else 0.0
