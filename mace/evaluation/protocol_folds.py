"""The folds that a protocol deals people to."""

from collections.abc import Sequence

import numpy as np

from mace.data.motion_set import MotionSet
from mace.evaluation.config import ProtocolConfig
from mace.protocols.folds import (
    Fold,
    grouped_kfold,
    held_out_partition,
    leave_one_database_out,
    loso,
)


def make_folds(motion_set: MotionSet, protocol: ProtocolConfig) -> list[Fold]:
    """Return the folds of a protocol over the subjects of a motion set.

    Raises:
        ConfigError: for an impossible number of folds.
        DataError: if there are too few subjects.
    """
    if protocol.kind == "loso":
        return loso(motion_set.groups, names=motion_set.subjects)
    if protocol.kind == "database":
        databases = [motion_set.subjects[group].split("/")[0] for group in motion_set.groups]
        return leave_one_database_out(databases, motion_set.groups)
    if protocol.kind == "partition":
        return held_out_partition(motion_set.partitions, motion_set.groups, protocol.partition)
    return grouped_kfold(motion_set.groups, protocol.folds, protocol.seed)


def check_people(people: Sequence[str], protocol: ProtocolConfig) -> None:
    """Refuse folds that the people of some clips, `database/subject`, cannot be dealt to.

    Before their motion is computed, which may take an hour.

    Raises:
        ConfigError: for an impossible number of folds.
        DataError: if there are too few people, or databases.
    """
    groups = np.unique(people, return_inverse=True)[1]
    if protocol.kind == "kfold":
        grouped_kfold(groups, protocol.folds, protocol.seed)
    if protocol.kind == "database":
        leave_one_database_out([person.split("/")[0] for person in people], groups)
