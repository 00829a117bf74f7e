"""Whether a split and a start fit the set and the configuration, said before a run begins."""

from typing import Any

import numpy as np
from jaxtyping import Int

from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.motion.representation import channels
from mace.training.config import FineTuneConfig, TrainConfig
from mace.training.fine_tune import start_variables


def checked_indices(
    motion_set: MotionSet, train_index: Any, validation_index: Any, config: TrainConfig
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " v"] | None]:
    """Return both sides of a split, sorted.

    Raises:
        ConfigError: if the configuration needs validation clips, and there are none.
        DataError: for an index out of range, or inputs that do not fit `motion_set.motion`.
    """
    train = _indices(train_index, motion_set, "train_index")
    validation = None
    if validation_index is not None:
        validation = _indices(validation_index, motion_set, "validation_index")
    _check(motion_set, train, validation, config)
    return train, validation


def checked_start(motion_set: MotionSet, config: TrainConfig, start: Bundle | None) -> Any:
    """Return the variables to begin with, None for new ones.

    Raises:
        ConfigError: for a start that does not fit the run.
    """
    if start is None:
        if config.fine_tune != FineTuneConfig():
            raise ConfigError(
                "fine_tune holds back a pre-trained network, and this run begins with a new one; "
                "give one (--init) or leave out what begins with --recipe.train.fine-tune"
            )
        return None
    if start.motion.representation != motion_set.motion.representation:
        raise ConfigError(
            f"the network to begin with reads {start.motion.representation}, the data set holds "
            f"{motion_set.motion.representation}; use its input"
        )
    return start_variables(start, model=config.model, classes=motion_set.classes)


def _indices(index: Any, motion_set: MotionSet, name: str) -> Int[np.ndarray, " m"]:
    found = np.unique(np.asarray(index, np.int64))
    if not found.size:
        raise DataError(f"{name} is empty; a run needs at least one clip there")
    if found[0] < 0 or found[-1] >= len(motion_set):
        raise DataError(
            f"{name} has the position {found[0] if found[0] < 0 else found[-1]}, expected 0 to "
            f"{len(motion_set) - 1}"
        )
    return found


def _check(
    motion_set: MotionSet, train: np.ndarray, validation: np.ndarray | None, config: TrainConfig
) -> None:
    if motion_set.motion.representation == "own":
        _check_own(config)
    elif motion_set.inputs.shape[-1] != (expected := channels(motion_set.motion)):
        raise DataError(
            f"the inputs have {motion_set.inputs.shape[-1]} channels, but "
            f"{motion_set.motion.representation} has {expected}; compute the set again"
        )
    if validation is None:
        if config.selection == "best":
            raise ConfigError('selection = "best" needs validation clips; give some or use "last"')
    elif np.intersect1d(train, validation).size:
        raise DataError("validation clips are among the training clips; separate them")


def _check_own(config: TrainConfig) -> None:
    """Refuse what needs to know what the channels mean."""
    augment = config.augment
    needing = {
        "augment.flip": augment.flip,
        "augment.rotation": augment.rotation,
        "augment.scale": augment.scale,
        "flip_average": config.flip_average,
    }
    switched = [name for name, value in needing.items() if value]
    if switched:
        raise ConfigError(
            f"{', '.join(switched)} would mirror, turn or enlarge arrays whose channels are not "
            "known: a mirrored flow changes a sign, a picture does not; say what they are "
            '(channels="flow"), or switch it off'
        )
