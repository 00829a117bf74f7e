"""Optical strain: how much the skin stretches and shears, whatever its shift."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.motion.config import WHOLE_CROP
from mace.motion.resample import Framing, window
from mace.motion.stencils import derivative


def optical_strain(
    flow: Float[Array, "*b h w 2"], *, framing: Framing = WHOLE_CROP
) -> Float[Array, "*b i j"]:
    """Return the magnitude of the infinitesimal strain tensor of a flow field.

    With ε = ½(∇u + ∇uᵀ), that is ε_xx = ∂u/∂x, ε_yy = ∂v/∂y, ε_xy = ε_yx = ½(∂u/∂y + ∂v/∂x), this
    is the Frobenius norm |ε| = √(ε_xx² + ε_yy² + ε_xy² + ε_yx²) = √(ε_xx² + ε_yy² + 2 ε_xy²).
    Translation and infinitesimal rotation have none.

    Args:
        flow: displacement (u, v) in px, x to the right and y down.
        framing: window that is wanted, as `cut` has it; its border is a border of the flow's only
            where they coincide.

    Returns:
        Strain, a pure number (px per px), so it does not depend on the size of the crop.

    Source: M. Shreve, S. Godavarthy, D. Goldgof, S. Sarkar, "Macro- and micro-expression spotting
    in long videos using spatio-temporal strain", FG 2011; all four components under the root as in
    S.-T. Liong, J. See, R. C.-W. Phan, A. C. Le Ngo, Y.-H. Oh, K. Wong, "Subtle expression
    recognition using optical strain weighted features", ACCV Workshops 2014.
    """
    u, v = flow[..., 0], flow[..., 1]
    top, bottom, left, right = window(u, framing)

    def across(part: Float[Array, "*b h w"]) -> Float[Array, "*b i j"]:
        return derivative(part[..., top:bottom, :], -1, left, right)

    def down(part: Float[Array, "*b h w"]) -> Float[Array, "*b i j"]:
        return derivative(part[..., left:right], -2, top, bottom)

    xx, yy = across(u), down(v)
    xy = 0.5 * (down(u) + across(v))
    return jnp.sqrt(xx * xx + yy * yy + 2 * xy * xy)
