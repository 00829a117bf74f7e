"""Bi-WOOF and LBP-TOP with a linear SVM as baselines, under the same folds as the network."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from sklearn.svm import SVC

from mace.data.motion_set import MotionSet
from mace.descriptors.bi_woof import BiWOOF
from mace.errors import ConfigError, DataError
from mace.evaluation.config import DescriptorConfig
from mace.evaluation.methods.baselines import Candidate, best_predictions
from mace.evaluation.methods.method import FoldPredictions
from mace.motion.config import MotionConfig
from mace.protocols.folds import Fold


@dataclass(frozen=True)
class BiWoofMachine:
    """Bi-WOOF of the annotated pair, and a linear SVM with balanced class weights.

    Attributes:
        config: what it chooses from.
    """

    config: DescriptorConfig = field(default_factory=DescriptorConfig)

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`.

        Raises:
            ConfigError: where the input is no flow with its strain.
        """
        check_bi_woof(motion_set.motion)
        features = BiWOOF().transform(motion_set.inputs[:, 0])
        return _linear_machine(features, motion_set, fold, self.config)


@dataclass(frozen=True)
class LbpTopMachine:
    """LBP-TOP of the clips' frames, and a linear SVM with balanced class weights.

    Attributes:
        config: what it chooses from.
    """

    config: DescriptorConfig = field(default_factory=DescriptorConfig)

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`.

        Raises:
            DataError: where the set has no histograms (`mace.inputs.read_motion`).
        """
        if motion_set.lbp_top is None:
            raise DataError("LBP-TOP needs the frames of clips, and this set has none")
        return _linear_machine(motion_set.lbp_top, motion_set, fold, self.config)


def check_bi_woof(motion: MotionConfig) -> None:
    """Refuse what Bi-WOOF cannot be computed from.

    Raises:
        ConfigError: where the input is no flow with its strain.
    """
    if motion.representation != "flow":
        raise ConfigError(
            f"Bi-WOOF is of optical flow and its strain, and the input is {motion.representation}; "
            "leave out bi_woof, or --recipe.motion.representation"
        )


def _linear_machine(
    features: Float[np.ndarray, "n d"], motion_set: MotionSet, fold: Fold, config: DescriptorConfig
) -> FoldPredictions:
    wide = features.astype(np.float64)
    products = wide @ wide.T
    candidates = [
        Candidate(None, c, products, SVC(C=c, kernel="precomputed", class_weight="balanced"))
        for c in config.space.strengths
    ]
    return best_predictions(candidates, motion_set, fold, config.space)
