"""What every method under evaluation has in common, the network and the shallow baselines alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from mace.data.motion_set import MotionSet
from mace.protocols.folds import Fold


@dataclass(frozen=True, eq=False, kw_only=True)
class DataUse:
    """Which clips a method used for what, as positions in the motion set; `mace audit` reads it.

    Attributes:
        fitted: clips that it was fitted to.
        validation: clips that an epoch or a setting was chosen on; None if nothing was chosen, or
            inner folds over `fitted` chose.
        normalised: clips that the normalisation's statistics are of; None if it needs none.
        selection: what was chosen how, in words.
    """

    fitted: Int[np.ndarray, " m"]
    validation: Int[np.ndarray, " v"] | None = None
    normalised: Int[np.ndarray, " m"] | None = None
    selection: str = "nothing"


@dataclass(frozen=True, eq=False, kw_only=True)
class FoldPredictions:
    """What a method predicts for the test clips of one fold.

    Attributes:
        predicted: the class of each, as an index of the set's classes.
        probabilities: of each class; None for a method that has none.
        history: curves over the epochs and single figures worth keeping, by name.
        heat: maps in [0, 1] of where the method looked; None without `explain`.
        data_use: which clips the method used for what; None where nobody says.
    """

    predicted: Int[np.ndarray, " m"]
    probabilities: Float[np.ndarray, "m k"] | None = None
    history: Mapping[str, list[float]] = field(default_factory=dict)
    heat: Float[np.ndarray, "m h w"] | None = None
    data_use: DataUse | None = None


class Method(Protocol):
    """Fits on the training clips of a fold and predicts its test clips.

    Methods are frozen dataclasses: their fields say all about them, name their results by hash,
    and travel to worker processes. Everything they choose, they choose on training subjects.
    """

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict `fold.test_index`; with `explain`, also say where the method looked."""
        ...
