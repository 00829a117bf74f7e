"""Emotions read from action units: by how well the units that are listed for each agree with them.

So a network that names action units predicts any emotions, whatever classes it was trained on.
Every emotion is a mixture of prototypes, sets of units that occur together; the units are taken to
be independent given the prototype, and all classes to be equally likely.

Source: the prototypes and theirs, in `mace/datasets/synthetic/movement/prototypes.py`: Ekman,
Friesen and Hager, FACS Investigator's Guide, 2002, EMFACS, and the coding criteria of CASME II.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.movement.prototypes import (
    CLASS_SETS,
    EMOTION_NAMES,
    emotion_shares,
    prototype_table,
)
from mace.errors import ConfigError
from mace.protocols.labels import canonical_class

_POLARITIES = CLASS_SETS["3"]
_SURE = 1e-3  # no unit is ever taken to be surer than this


def reads(classes: Iterable[str]) -> bool:
    """Say whether all of some classes can be read from action units."""
    return all(canonical_class(name) in (*EMOTION_NAMES, *_POLARITIES) for name in classes)


def emotion_probabilities(
    presence: Float[np.ndarray, "n u"], *, units: tuple[str, ...], classes: tuple[str, ...]
) -> Float[np.ndarray, "n k"]:
    """Return the probability of each class, rows summing to 1.

    Args:
        presence: probability that each unit is there.
        units: FACS numbers of its columns.
        classes: emotions, or `positive` and `negative`, which then is every unpleasant emotion that
            is no class of its own.

    Raises:
        ConfigError: for a class that has no prototypes, or none that is not another class's.

    Examples:
        >>> import numpy as np
        >>> seen = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> read = emotion_probabilities(seen, units=("12", "4"), classes=("happiness", "anger"))
        >>> print(read.round(2))
        [[0.96 0.04]
         [0.09 0.91]]
    """
    names = [canonical_class(name) for name in classes]
    unknown = [name for name in names if not reads([name])]
    if unknown:
        raise ConfigError(
            f"no action units are listed for {', '.join(unknown)}; there are prototypes of "
            f"{', '.join((*EMOTION_NAMES, *_POLARITIES))}"
        )
    table = prototype_table()
    shown = table.aus[:, [AU_NAMES.index(unit) for unit in units]]
    chance = np.clip(presence, _SURE, 1 - _SURE)
    likelihood = np.exp(np.log(chance) @ shown.T + np.log(1 - chance) @ (1 - shown).T)
    weights = np.stack([_weights(name, names) for name in names])
    agreement = likelihood @ weights.T
    return (agreement / agreement.sum(axis=1, keepdims=True)).astype(np.float32)


def _weights(name: str, names: list[str]) -> Float[np.ndarray, " p"]:
    """Return the share of each prototype among those of a class; the sum is 1."""
    members = tuple(_POLARITIES.get(name, (name,)))
    others = {other for other in names if other != name}
    if others.issuperset(members):
        raise ConfigError(
            f"{name} is nothing but {', '.join(members)}, which are classes too; leave out either"
        )
    shares = np.sum(
        [emotion_shares(emotion) for emotion in members if emotion not in others], axis=0
    )
    return shares / shares.sum()
