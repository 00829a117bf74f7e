"""The network under evaluation, as a method beside its baselines."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from mace.adaptation.config import AdaptConfig
from mace.adaptation.search import WindowFit
from mace.data.motion_set import MotionSet
from mace.evaluation.methods.bundles import bundle_for
from mace.evaluation.methods.gradcam import explains, heat_maps
from mace.evaluation.methods.method import DataUse, FoldPredictions
from mace.evaluation.methods.windows import fit_window, show
from mace.prediction import predict_clips
from mace.pretrained.bundle_files import BundleFile
from mace.protocols.folds import Fold
from mace.protocols.inner import inner_split
from mace.training.config import MixConfig, TrainConfig
from mace.training.fit import fit
from mace.training.fitted import Fitted
from mace.training.mixing import load_mix

type Split = tuple[Int[np.ndarray, " m"], Int[np.ndarray, " v"] | None]


@dataclass(frozen=True, kw_only=True)
class Network:
    """Trains on a fold's training clips; the test clips are read once, at the end.

    Attributes:
        train: the network and its training.
        validation: share of the training clips, by subject, that the epoch is chosen on with
            `train.selection = "best"`; those are then not learnt from.
        start: the pre-trained network that every fold goes on from; None begins anew.
        adapt: what windows of the images are tried for `start` on the clips of the training
            subjects, without their labels, before it learns; None shows the images as they are.
        mix: clips of other people that share every batch; None for the fold's own alone.
    """

    train: TrainConfig
    validation: float = 0.2
    start: BundleFile | None = None
    adapt: AdaptConfig | None = None
    mix: MixConfig | None = None

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        start = None if self.start is None else bundle_for(self.start, motion_set)
        window = None
        if start is not None and self.adapt is not None:
            window = fit_window(start, motion_set, fold, self.adapt).best()
            motion_set = show(motion_set, window.adaptation(motion_set.inputs.shape[-1]))
        train_index, validation_index = split = self.split(motion_set, fold, seed=seed)
        fitted = fit(
            motion_set,
            train_index,
            config=self.train,
            seed=seed,
            validation_index=validation_index,
            start=start,
            mix=None if self.mix is None else load_mix(self.mix),
            label=f"  seed {seed}, without {fold.name}",
        )
        predictions = self.predict(motion_set, fold, fitted, split, explain=explain)
        return predictions if window is None else _with_window(predictions, window, fold)

    def split(self, motion_set: MotionSet, fold: Fold, *, seed: int) -> Split:
        """Return what to learn from and, where an epoch is to be chosen, what to choose it on."""
        if self.train.selection != "best":
            return fold.train_index, None
        return inner_split(
            fold.train_index,
            motion_set.groups,
            motion_set.labels,
            fraction=self.validation,
            seed=seed,
        )

    def predict(
        self, motion_set: MotionSet, fold: Fold, fitted: Fitted, split: Split, *, explain: bool
    ) -> FoldPredictions:
        """Return what a network trained on a split of a fold predicts for the fold's test clips."""
        train_index, validation_index = split
        inputs = motion_set.inputs[fold.test_index]
        probabilities = predict_clips(fitted, inputs, pair_average=self.train.pair_average)
        predicted = probabilities.argmax(axis=1)
        names = fitted.history[0] if fitted.history else {}
        history = {name: [float(row[name]) for row in fitted.history] for name in names}
        return FoldPredictions(
            predicted=predicted,
            probabilities=probabilities,
            history=history | {"chosen_epoch": [float(fitted.chosen_epoch)]},
            heat=heat_maps(fitted, inputs[:, 0], predicted)
            if explain and explains(fitted.model)
            else None,
            data_use=DataUse(
                fitted=train_index,
                validation=validation_index,
                normalised=train_index if self.train.normalise == "training" else None,
                selection=f"{self.train.selection} epoch",
            ),
        )


def _with_window(predictions: FoldPredictions, window: WindowFit, fold: Fold) -> FoldPredictions:
    """Return predictions that say which window the network was shown, and whose clips chose it."""
    used = predictions.data_use
    assert used is not None
    return replace(
        predictions,
        history={**predictions.history, **window.figures()},
        data_use=replace(
            used, normalised=fold.train_index, selection=f"{used.selection}; {window}"
        ),
    )
