"""One training of a population: a split, a seed and a configuration, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from mace.training.config import TrainConfig
from mace.training.fitted import Fitted, Row

type Status = Literal["finished", "stopped", "diverged"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """What `fit` takes: members that differ in split, seed and scalars share one program.

    Attributes:
        config: the run; `devices` is the plan's affair and ignored.
        train_index: positions of the clips to learn from.
        validation_index: positions of clips of training subjects, for `selection = "best"` and
            the history; None for none.
        seed: of all that is random.
        name: what messages call it.
    """

    config: TrainConfig
    train_index: Int[np.ndarray, " m"] | Sequence[int]
    validation_index: Int[np.ndarray, " v"] | Sequence[int] | None = None
    seed: int = 0
    name: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class MemberResult:
    """What became of a member.

    `finished` after its last epoch or when its patience was over; `stopped` if `Population.keep`
    left it out; `diverged` if its loss was no number: then `fitted` is None, and `reason` says
    where. `history` has a row for each epoch that was completed, as that of `fit`.
    """

    member: Member
    fitted: Fitted | None
    status: Status
    reason: str
    history: tuple[Row, ...]
