"""A pre-trained network as it is, as a method beside baselines that are trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from mace.adaptation.search import WindowFit
from mace.bundle import Bundle
from mace.config import UNHASHED
from mace.data.motion_set import MotionSet
from mace.emfacs import emotion_probabilities
from mace.errors import ConfigError
from mace.evaluation.config import ZeroShotConfig
from mace.evaluation.methods.bundles import bundle_for
from mace.evaluation.methods.gradcam import heat_maps
from mace.evaluation.methods.method import DataUse, FoldPredictions
from mace.evaluation.methods.windows import fit_window
from mace.prediction import Adaptation, predict_clips
from mace.protocols.folds import Fold
from mace.protocols.labels import canonical_class, knows
from mace.unit_prediction import predict_units, unit_thresholds


@dataclass(frozen=True)
class ZeroShot:
    """Predicts with a network that learnt nothing from these people.

    Classes that are none of its own are read from the action units that it names. With
    `config.adapt` it is shown the windows of the images that fit the clips of the fold's
    training subjects, chosen without their classes.

    Attributes:
        config: the network and how it is asked.
        windows: what fits each fold, by its name, where that has been found already; it follows
            from the clips and `config`.
    """

    config: ZeroShotConfig
    windows: Mapping[str, WindowFit] = field(default_factory=dict, metadata=UNHASHED)

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        bundle = bundle_for(self.config.bundle, motion_set)
        fit = adaptation = None
        if self.config.adapt is not None:
            fit = self.windows.get(fold.name)
            fit = fit or fit_window(bundle, motion_set, fold, self.config.adapt)
            adaptation = fit.adaptation(motion_set.inputs.shape[-1])
        inputs, heat = motion_set.inputs[fold.test_index], None
        if self.config.unit is not None:
            column = bundle.model.units.index(self.config.unit)
            present = self._presence(bundle, inputs, adaptation)[:, column]
            probabilities = np.stack([1 - present, present], axis=1)
            predicted = (present > unit_thresholds(bundle)[column]).astype(np.int64)
        elif not knows(bundle.classes, motion_set.classes) and bundle.model.units:
            probabilities = emotion_probabilities(
                self._presence(bundle, inputs, adaptation),
                units=bundle.model.units,
                classes=motion_set.classes,
            )
            predicted = probabilities.argmax(axis=1)
        else:
            columns = class_columns(bundle, motion_set.classes)
            everything = predict_clips(
                bundle, inputs, pair_average=self.config.pair_average, adaptation=adaptation
            )
            probabilities = _among(everything, columns)
            predicted = probabilities.argmax(axis=1)
            if explain:
                heat = heat_maps(
                    bundle, inputs[:, 0], np.array(columns)[predicted], adaptation=adaptation
                )
        return FoldPredictions(
            predicted=predicted,
            probabilities=probabilities,
            heat=heat,
            history={} if fit is None else fit.figures(),
            data_use=DataUse(
                fitted=np.zeros(0, np.int64),
                normalised=None if fit is None else fold.train_index,
                selection="nothing" if fit is None else str(fit),
            ),
        )

    def _presence(
        self, bundle: Bundle, inputs: Float[np.ndarray, "n v h w c"], adaptation: Adaptation | None
    ) -> Float[np.ndarray, "n u"]:
        """Return the probability that each action unit is there, the mean over a clip's pairs."""
        pairs = inputs if self.config.pair_average else inputs[:, :1]
        units = predict_units(bundle, pairs.reshape(-1, *pairs.shape[2:]), adaptation=adaptation)
        return units.presence.reshape(*pairs.shape[:2], -1).mean(axis=1)


def class_columns(bundle: Bundle, classes: tuple[str, ...]) -> list[int]:
    """Return which output of a bundle stands for each of some classes, by name.

    Raises:
        ConfigError: for a class that the bundle does not know.
    """
    own = [canonical_class(name) for name in bundle.classes]
    unknown = [name for name in classes if canonical_class(name) not in own]
    if unknown:
        raise ConfigError(
            f"the network knows the classes {', '.join(bundle.classes)}, the data set has "
            f"{', '.join(unknown)} as well; choose a set of classes with --classes"
        )
    return [own.index(canonical_class(name)) for name in classes]


def _among(probabilities: Float[np.ndarray, "n k"], columns: list[int]) -> np.ndarray:
    chosen = probabilities[:, columns]
    if len(columns) == probabilities.shape[1]:
        return chosen
    # The data set may lack a class: what is left adds up to one again.
    return chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1e-12)
