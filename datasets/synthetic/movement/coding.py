"""Which action units a pair shows, as a coder of the field would list them."""

import numpy as np
from jaxtyping import Array, Bool, Float

from mace.datasets.synthetic.movement.action_units import AU_NAMES, UNITS

UNIT_COLUMNS = np.array([AU_NAMES.index(name) for name in UNITS])
"""Where they are among `AU_NAMES`."""

PRESENT = 0.15
"""A unit that moves the skin less than this share of the pair's strongest is not listed."""


def present_units(
    unit_px: Float[np.ndarray | Array, "n a"],
) -> Bool[np.ndarray | Array, "n u"]:
    """Return which of `UNITS` each pair shows, from the px of each of `AU_NAMES`; NumPy or JAX."""
    px = unit_px[:, UNIT_COLUMNS]
    return px > PRESENT * px.max(axis=1, keepdims=True)
