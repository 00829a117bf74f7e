"""What members learn from and are judged by: a set of clips, or a stream without end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

import jax
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.losses.units import listed_targets
from mace.motion.config import MotionConfig
from mace.motion.representation import channels
from mace.training.config import FineTuneConfig, TrainConfig
from mace.training.fine_tune import start_variables
from mace.training.fitted import Fitted, Row
from mace.training.member import Member
from mace.training.mixing import Mix, mixed_arrays, own_clips
from mace.training.program import Data, Take
from mace.training.state import FoldArrays, make_fold

# Sets on the devices, each as long as the set itself is there: its folds share one copy.
_COPIES: WeakKeyDictionary[Any, dict[Any, Data]] = WeakKeyDictionary()


class Clips:
    """Clips of a set, their labels known; some of them may be for validation.

    Raises:
        ConfigError: for settings that contradict each other.
        DataError: for an index out of range, or inputs that do not fit `motion_set.motion`.
    """

    take = None
    score = None

    def __init__(
        self, motion_set: MotionSet, members: list[Member], *, mix: Mix | None = None
    ) -> None:
        for member in members:
            _check(motion_set, member)
        config = members[0].config
        self.motion_set, self.mix, self.config = motion_set, mix, config
        self.motion, self.classes = motion_set.motion, motion_set.classes
        self.own = None if mix is None else own_clips(mix, config.batch_size)
        self.mixed = None if mix is None else mixed_arrays(mix, motion_set, config)
        _check_units([motion_set, *([] if mix is None else [mix.motion_set])], config)
        self.units = listed_targets(motion_set.units, config.model.units)

    @property
    def example(self) -> Float[np.ndarray, "1 h w c"]:
        """The annotated pair of the first clip."""
        return self.motion_set.inputs[:1, 0]

    def data(self, place: Any) -> Data:
        """Return inputs, labels and units of the set, and of the one that is mixed in."""
        arrays = self.motion_set.inputs, self.motion_set.labels, self.units
        named = self.config.model.units
        own = _on_device(self.motion_set, arrays, place, *named)
        if self.mix is None or self.mixed is None:
            return own
        return *own, *_on_device(self.mix, self.mixed, place, *self.classes, *named)

    def fold(self, member: Member) -> FoldArrays:
        """Return split and seed of a member as arrays."""
        return make_fold(
            self.motion_set,
            np.asarray(member.train_index),
            config=member.config,
            seed=member.seed,
            own=self.own,
        )

    def validation(self, member: Member) -> tuple[Int[np.ndarray, "v p"], Int[np.ndarray, " v"]]:
        """Return the pairs of each validation clip, as positions in the set laid flat, and classes.

        Probabilities of the p pairs of a clip are averaged.
        """
        index = () if member.validation_index is None else member.validation_index
        clips = np.unique(np.asarray(index, np.int32))
        pairs = self.motion_set.inputs.shape[1]
        used = np.arange(pairs if member.config.pair_average else 1, dtype=np.int32)
        return clips[:, None] * pairs + used, self.motion_set.labels[clips]

    def identity(self, member: Member) -> dict[str, Any]:
        """Return what names the clips on both sides of a member's split, and those mixed in."""

        def clips(index: Any) -> str:
            names = "\n".join(self.motion_set.clips[i] for i in np.unique(np.asarray(index)))
            return f"{len(np.unique(index))} clips ({sha256(names.encode()).hexdigest()[:8]})"

        validation, mix = member.validation_index, self.mix
        return {
            "data": self.motion_set.fingerprint,
            "training clips": clips(member.train_index),
            "validation clips": None if validation is None else clips(validation),
            "mix": mix and {"data": mix.motion_set.fingerprint, "share": mix.share},
        }


def _on_device(owner: Any, arrays: PyTree[np.ndarray], place: Any, *which: str) -> Any:
    copies = _COPIES.setdefault(owner, {})
    if (place, which) not in copies:
        copies[place, which] = jax.device_put(arrays, place)
    return copies[place, which]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Batches made as they are needed; a source of members as `Clips` is.

    Attributes:
        take: `(data, fold, step) -> batch`, pure JAX; equal for equal programs.
        arrays: what `take` draws from, on the device.
        example: one input.
        motion: what the inputs are.
        classes: names of the labels.
        fingerprint: names the content of `arrays`.
        steps_per_epoch: batches that count as an epoch.
        score: of a network between two epochs, by name, where `validation_uf1` counts; None for
            none.
    """

    take: Take
    arrays: PyTree[Any]
    example: Float[Array | np.ndarray, "1 h w c"]
    motion: MotionConfig
    classes: tuple[str, ...]
    fingerprint: str
    steps_per_epoch: int
    score: Callable[[Fitted], Row] | None = None
    own: None = None

    def data(self, place: Any) -> Data:
        """Return what batches are drawn from, on the device or devices `place`."""
        return jax.device_put(self.arrays, place)

    def fold(self, member: Member) -> FoldArrays:
        """Return a member's seed and length as arrays."""
        return self.seeded(member.seed, epochs=member.config.epochs)

    def seeded(self, seed: int, *, epochs: int = 1) -> FoldArrays:
        """Return a seed and a length as `take` wants them; there are no clips to deal to folds."""
        channels = self.example.shape[-1]
        return FoldArrays(
            seed=np.asarray(seed, np.uint32),
            member=np.ones(1, np.float32),
            size=np.asarray(1, np.int32),
            steps_per_epoch=np.asarray(self.steps_per_epoch, np.int32),
            total_steps=np.asarray(self.steps_per_epoch * epochs, np.int32),
            class_counts=np.ones(len(self.classes), np.float32),
            mean=np.zeros(channels, np.float32),
            std=np.ones(channels, np.float32),
        )

    def validation(self, member: Member) -> tuple[Int[np.ndarray, "v p"], Int[np.ndarray, " v"]]:
        """Return nothing, as a stream has no clips to judge a network by."""
        return np.zeros((0, 1), np.int32), np.zeros(0, np.int32)

    def identity(self, member: Member) -> dict[str, Any]:
        """Return what names the content of the stream, and how much of it is an epoch."""
        return {"data": self.fingerprint, "steps per epoch": self.steps_per_epoch}


type Source = Clips | Stream
"""What members learn from."""


def checked_start(
    motion: MotionConfig, classes: tuple[str, ...], config: TrainConfig, start: Bundle | None
) -> Any:
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
    if start.motion.representation != motion.representation:
        raise ConfigError(
            f"the network to begin with reads {start.motion.representation}, the data set holds "
            f"{motion.representation}; use its input"
        )
    return start_variables(start, model=config.model, classes=classes)


def _indices(index: Any, motion_set: MotionSet, name: str) -> Int[np.ndarray, " m"]:
    positions = np.unique(np.asarray(index, np.int64))
    if not positions.size:
        raise DataError(f"{name} is empty; a run needs at least one clip there")
    if positions[0] < 0 or positions[-1] >= len(motion_set):
        raise DataError(
            f"{name} has the position {positions[0] if positions[0] < 0 else positions[-1]}, "
            f"expected 0 to {len(motion_set) - 1}"
        )
    return positions


def _check(motion_set: MotionSet, member: Member) -> None:
    config = member.config
    train = _indices(member.train_index, motion_set, "train_index")
    validation = None
    if member.validation_index is not None:
        validation = _indices(member.validation_index, motion_set, "validation_index")
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


def _check_units(sets: Sequence[MotionSet], config: TrainConfig) -> None:
    """Refuse to learn units that nobody has annotated."""
    listed = frozenset().union(*(units for motion_set in sets for units in motion_set.units))
    if config.model.units and not listed.intersection(config.model.units):
        raise DataError(
            f"unit_weight is above 0, but no clip lists any of the action units "
            f"{', '.join(config.model.units)} that the network names (the clips list "
            f"{', '.join(sorted(listed, key=int)) or 'none'}); name a table that does with "
            "--units-from, or leave out --recipe.train.unit-weight"
        )


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
