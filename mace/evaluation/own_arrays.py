"""Anybody's arrays as a set of clips that can be evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mace.classifiers import as_images
from mace.data.motion_set import MotionSet
from mace.errors import DataError
from mace.evaluation.arrays import checked_array, clip_names, people_of
from mace.motion.config import MotionConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnArrays(MotionSet):
    """Arrays of the caller's.

    Attributes:
        rows: X as the classifier is given it.
        names: y as it was given, of the kind that the classifier predicts.
    """

    rows: Any
    names: np.ndarray

    @cached_property
    def distinct(self) -> np.ndarray:
        """The labels by class, of their own kind."""
        return np.unique(self.names)


def own_arrays(X: Any, y: Any, groups: Any = None, clips: Sequence[str] | None = None) -> OwnArrays:
    """Return the caller's arrays as a set of clips that can be evaluated.

    Args:
        X: (n, ...) numbers: images, or rows of a table or a data frame.
        y: (n,) labels of any kind.
        groups: (n,) the person of each; None makes everyone a person of their own.
        clips: (n,) their names; by default their positions.

    Raises:
        DataError: for other shapes, one class, a missing value, or a name given twice.
    """
    names = checked_array(y, "y")
    if names.ndim != 1 or not names.size:
        raise DataError(f"y has the shape {names.shape}, expected (n,), a label for each clip")
    if (count := len(X)) != len(names):
        raise DataError(f"X holds {count} clips and y {len(names)} labels; each needs one")
    try:
        images = as_images(np.asarray(X))
    except (TypeError, ValueError) as error:
        raise DataError(f"X cannot be read as numbers of images or a table: {error}") from error
    classes, labels = np.unique(names, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"y holds one class, {classes[0]}; a classifier needs two or more")
    people, index = people_of(groups, count)
    return OwnArrays(
        inputs=images[:, None],
        labels=labels.astype(np.int32),
        groups=index.astype(np.int32),
        subjects=people,
        clips=clip_names(people, index, clips),
        classes=tuple(map(str, classes)),
        motion=MotionConfig(representation="own"),
        rows=X if hasattr(X, "iloc") else np.asarray(X),
        names=names,
    )
