"""One training: a split, a seed and a configuration, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int

from mace.errors import TrainingError
from mace.training.config import TrainConfig
from mace.training.fitted import Fitted, Row

type Status = Literal["finished", "stopped", "diverged"]

_ADVICE = (
    "try a lower optimiser.learning_rate or a smaller optimiser.clip_norm, and look for NaN in the "
    "inputs"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """One training of a population; those that differ in split, seed and numbers share a program.

    Attributes:
        config: the run.
        train_index: positions of the clips to learn from; their order does not matter.
        validation_index: positions of clips of training subjects, for `selection = "best"` and
            the history; None for none.
        seed: of all that is random.
        name: what messages call it.
        run_dir: where its checkpoints, `config.json`, `metrics.jsonl` and TensorBoard's files go;
            a member found there goes on where it was. None writes nothing.
    """

    config: TrainConfig
    train_index: Int[np.ndarray, " m"] | Sequence[int]
    validation_index: Int[np.ndarray, " v"] | Sequence[int] | None = None
    seed: int = 0
    name: str = ""
    run_dir: Path | None = None

    def __post_init__(self) -> None:
        if not self.config.unit_weight and self.config.model.units:
            # Nothing would teach the layer, and it would name units all the same.
            model = replace(self.config.model, units=())
            object.__setattr__(self, "config", replace(self.config, model=model))


@dataclass(frozen=True, kw_only=True, eq=False)
class MemberResult:
    """What became of a member.

    Attributes:
        member: the member.
        fitted: its network; None of one that diverged.
        status: `finished` after its last epoch or when its patience was over; `stopped` if
            `Population.keep` left it out; `diverged` if its loss was no number.
        reason: of the status, such as the step of the loss.
        history: a row for each epoch that was completed.
    """

    member: Member
    fitted: Fitted | None
    status: Status
    reason: str
    history: tuple[Row, ...]

    def network(self) -> Fitted:
        """Return the trained network.

        Raises:
            TrainingError: if there is none, as the training diverged.
        """
        if self.fitted is None:
            name = f"{self.member.name}: " if self.member.name else ""
            raise TrainingError(f"{name}{self.reason}; {_ADVICE}")
        return self.fitted
