"""What every method under evaluation has in common, the network and the shallow baselines alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from mace.data.motion_set import MotionSet
from mace.protocols.folds import Fold


@dataclass(frozen=True, eq=False, kw_only=True)
class Origin:
    """What an answer was learnt from, as positions in the motion set; `mace audit` reads it.

    `validation` are the clips that an epoch or a setting was chosen on, None if nothing was chosen
    or inner folds over `fitted` chose; `normalised` those the normalisation's statistics are of,
    None if it needs none; `selection` says what was chosen how.
    """

    fitted: Int[np.ndarray, " m"]
    validation: Int[np.ndarray, " v"] | None = None
    normalised: Int[np.ndarray, " m"] | None = None
    selection: str = "nothing"


@dataclass(frozen=True, eq=False, kw_only=True)
class Answer:
    """What a method says about the test clips of one fold.

    `probabilities` is None for a method that has none. `history` holds curves over the epochs
    and single figures worth keeping, by name. `heat` is a map in [0, 1] of where the method
    looked, for each test clip. `origin` is what it was learnt from.
    """

    prediction: Int[np.ndarray, " m"]
    probabilities: Float[np.ndarray, "m k"] | None = None
    history: Mapping[str, list[float]] = field(default_factory=dict)
    heat: Float[np.ndarray, "m h w"] | None = None
    origin: Origin | None = None


class Learner(Protocol):
    """Learns from the training clips of a fold and answers for its test clips.

    Learners are frozen dataclasses: their fields say all about them, name their results by hash,
    and travel to worker processes. Everything they choose, they choose on training subjects.
    """

    def __call__(self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool) -> Answer:
        """Answer for `fold.test_index`; with `explain`, also say where the method looked."""
        ...
