"""Do shortcuts make deeper networks learn faster?

He et al. 2016, "Deep residual learning for image recognition", section 4.2: without shortcuts a
deeper network trains slower and to a higher loss. Lai, Chen, Jia and Qian 2020 build their
micro-expression network on that. The network of the studies gets 1, 2 and 4 blocks a stage, each
depth with and without shortcuts, all else equal. Speed of convergence is the number of epochs until
the mean training loss of an epoch falls below 0.5 (five classes at chance: 1.61), averaged over the
folds; "not reached" if it does not in every fold.

Expected: no difference with one block a stage; with four blocks the network without shortcuts needs
more epochs. Group norm softens this. The score on unseen people may well not differ: 28 px and 216
clips do not need depth.

Cost: six settings of 2 to 8 s a fold, 8 minutes on one core for two seeds.
Command: `python -m mace.experiments.residual`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mace.errors import ConfigError
from mace.evaluation.config import NETWORK
from mace.evaluation.results import Evaluation
from mace.experiments.study import STUDY, Setting, Study
from mace.experiments.study_command import main
from mace.experiments.study_figures import draw_dots
from mace.experiments.study_results import Pooled

DEPTHS = (1, 2, 4)
_SHORTCUTS = {True: "with shortcuts", False: "without shortcuts"}


@dataclass(frozen=True, kw_only=True)
class Config(Setting):
    """A network (in the recipe), and the training loss to reach.

    Attributes:
        goal: mean training loss of an epoch.
    """

    goal: float = 0.5

    def __post_init__(self) -> None:
        if not self.goal > 0:
            raise ConfigError(f"setting goal is {self.goal}, expected a loss above 0")

    def measure(self, evaluation: Evaluation, *, seed: int) -> Mapping[str, float | None]:
        """Return the epochs until the goal, None if a fold does not reach it; the last loss."""
        folds = evaluation.methods[NETWORK].histories[seed].values()
        curves = [np.asarray(history["loss"]) for history in folds]
        reached = [first_below(curve, self.goal) for curve in curves]
        known = [epoch for epoch in reached if epoch is not None]
        return {
            "epochs": float(np.mean(known)) if len(known) == len(reached) else None,
            "last_loss": float(np.mean([curve[-1] for curve in curves])),
        }


def first_below(curve: np.ndarray, goal: float) -> int | None:
    """Return the first epoch, from 1, whose loss is below `goal`; None if there is none."""
    below = np.flatnonzero(curve < goal)
    return int(below[0]) + 1 if below.size else None


def setting_name(depth: int, residual: bool) -> str:
    """Return what a setting is called."""
    return f"{2 * depth} blocks {_SHORTCUTS[residual]}"


def sweep() -> tuple[Config, ...]:
    """Return every depth with and without shortcuts."""
    settings = []
    for depth in DEPTHS:
        for residual in _SHORTCUTS:
            model = replace(STUDY.train.model, depths=(depth, depth), residual=residual)
            recipe = replace(STUDY, train=replace(STUDY.train, model=model))
            settings.append(Config(name=setting_name(depth, residual), recipe=recipe))
    return tuple(settings)


def draw(settings: Mapping[str, Pooled]) -> bytes:
    """Draw UF1 of each network, with the epochs it needed."""
    shown = {}
    for name, pooled in settings.items():
        epochs = pooled.extra("epochs")
        needed = "goal not reached" if epochs is None else f"{epochs:.1f} epochs to loss 0.5"
        shown[f"{name} ({needed})"] = pooled
    return draw_dots(shown)


STUDY_OF = Study(
    name="residual",
    about=__doc__ or "",
    sweep=sweep,
    draw=draw,
    pairs=tuple((setting_name(depth, False), setting_name(depth, True)) for depth in DEPTHS),
    reading="with 2 and 4 blocks the network without shortcuts reaches the goal up to half an "
    "epoch earlier, against expectation, with 8 an epoch later, as expected; in two seeds "
    "that is little. The score is not seen to differ at any depth. Nothing here needs "
    "depth.",
    extras={"epochs": "epochs to a training loss of 0.5", "last_loss": "last training loss"},
)

if __name__ == "__main__":
    main(STUDY_OF)
