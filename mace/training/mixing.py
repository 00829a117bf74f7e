"""A second set of clips, such as rendered pairs, that shares every batch with a fold's own clips.

The fold decides all but the images: an epoch is a pass through its own training clips, the class
counts of the loss and the statistics of `normalise = "training"` are of them alone. So the two sets
must be of one kind of input, and a fold with mixed-in clips predicts as one without them does.
"""

import functools
import json
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mace.config import from_dict, to_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.files import atomic_path
from mace.losses.units import UnitTargets, listed_targets
from mace.motion.config import MotionConfig
from mace.protocols.labels import canonical_class
from mace.protocols.names import person_key
from mace.training.config import MixConfig, TrainConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class Mix:
    """Clips that are drawn at random, uniformly, into every batch.

    Attributes:
        motion_set: the clips.
        share: of every batch that they fill, above 0 and below 1.
    """

    motion_set: MotionSet
    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ConfigError(
                f"the share of mixed-in clips is {self.share}, expected more than 0 and less than 1"
            )


def own_clips(mix: Mix | None, batch_size: int) -> int:
    """Return how many clips of a batch are the fold's own; at least one, at most all but one.

    Raises:
        ConfigError: if a batch is too small to be shared.
    """
    if mix is None:
        return batch_size
    if batch_size < 2:
        raise ConfigError(f"batch_size {batch_size} cannot be shared by two sets; choose 2 or more")
    return min(max(round(batch_size * (1 - mix.share)), 1), batch_size - 1)


def mixed_arrays(
    mix: Mix, motion_set: MotionSet, config: TrainConfig
) -> tuple[Float[np.ndarray, "m v h w c"], Int[np.ndarray, " m"], UnitTargets | None]:
    """Return inputs, labels and units of the mixed-in clips with a class of `motion_set`, by name.

    Raises:
        ConfigError: if the inputs are of another kind.
        DataError: if no class is in both, or a person.
    """
    mixed = mix.motion_set
    images = motion_set.motion.flow == "images" and config.normalise == "image"
    same = mixed.motion == motion_set.motion or images
    if mixed.inputs.shape[2:] != motion_set.inputs.shape[2:] or not same:
        raise ConfigError(
            f"mixed-in clips of {mixed.inputs.shape[2:]} ({mixed.motion.flow}) do not go with "
            f"clips of {motion_set.inputs.shape[2:]} ({motion_set.motion.flow}); both need one "
            "input, and ready-made flow images --recipe.train.normalise image"
        )
    here, there = ({person_key(name): name for name in s.subjects} for s in (motion_set, mixed))
    people = sorted(here[person] for person in here.keys() & there.keys())
    if people:
        raise DataError(
            f"{people[0]} is in the data set and in what is mixed in, where nobody can hold the "
            "person out; mix in other people"
        )
    known = {canonical_class(name): label for label, name in enumerate(motion_set.classes)}
    label_of = np.array([known.get(canonical_class(name), -1) for name in mixed.classes])
    labels = label_of[mixed.labels]
    usable = np.flatnonzero(labels >= 0)
    if not usable.size:
        raise DataError(
            f"none of the mixed-in classes {', '.join(mixed.classes)} is among "
            f"{', '.join(motion_set.classes)}; choose another set of classes"
        )
    units = listed_targets([mixed.units[i] for i in usable], config.model.units)
    return mixed.inputs[usable], labels[usable].astype(np.int32), units


def save_mix(config: MixConfig, motion_set: MotionSet) -> None:
    """Keep a mixed-in set where `load_mix`, in whatever process, will find it.

    Raises:
        OutputError: if the place cannot be written to.
    """
    notes = {
        "subjects": motion_set.subjects,
        "clips": motion_set.clips,
        "classes": motion_set.classes,
        "motion": to_dict(motion_set.motion),
        "units": [sorted(listed) for listed in motion_set.units],
    }
    with atomic_path(config.path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            inputs=motion_set.inputs,
            labels=motion_set.labels,
            groups=motion_set.groups,
            notes=np.array(json.dumps(notes)),
        )


@functools.lru_cache(maxsize=1)
def load_mix(config: MixConfig) -> Mix:
    """Read a mixed-in set, once a process.

    Raises:
        DataError: if it is missing, damaged, or another one.
    """
    try:
        with np.load(config.path) as stored:
            notes = json.loads(str(stored["notes"]))
            motion_set = MotionSet(
                inputs=stored["inputs"],
                labels=stored["labels"],
                groups=stored["groups"],
                subjects=tuple(notes["subjects"]),
                clips=tuple(notes["clips"]),
                classes=tuple(notes["classes"]),
                motion=from_dict(MotionConfig, notes["motion"]),
                units=tuple(map(frozenset, notes["units"])),
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{config.path} is damaged ({error}); delete it and start again") from error
    if motion_set.fingerprint != config.fingerprint:
        raise DataError(f"{config.path} is another set than at the start; delete it, start again")
    return Mix(motion_set=motion_set, share=config.share)
