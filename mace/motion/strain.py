"""Optical strain: how much the skin stretches and shears, whatever its shift."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.motion.stencils import derivative


def optical_strain(flow: Float[Array, "*b h w 2"]) -> Float[Array, "*b h w"]:
    """Return the magnitude of the infinitesimal strain tensor of a flow field.

    With ε = ½(∇u + ∇uᵀ), that is ε_xx = ∂u/∂x, ε_yy = ∂v/∂y, ε_xy = ε_yx = ½(∂u/∂y + ∂v/∂x), this
    is the Frobenius norm |ε| = √(ε_xx² + ε_yy² + ε_xy² + ε_yx²) = √(ε_xx² + ε_yy² + 2 ε_xy²).
    Translation and infinitesimal rotation have none.

    Args:
        flow: displacement (u, v) in px, x to the right and y down.

    Returns:
        Strain, a pure number (px per px), so it does not depend on the size of the crop.

    Source: M. Shreve, S. Godavarthy, D. Goldgof, S. Sarkar, "Macro- and micro-expression spotting
    in long videos using spatio-temporal strain", FG 2011; all four components under the root as in
    S.-T. Liong, J. See, R. C.-W. Phan, A. C. Le Ngo, Y.-H. Oh, K. Wong, "Subtle expression
    recognition using optical strain weighted features", ACCV Workshops 2014.
    """
    u, v = flow[..., 0], flow[..., 1]
    xx, yy = derivative(u, -1), derivative(v, -2)
    xy = 0.5 * (derivative(u, -2) + derivative(v, -1))
    return jnp.sqrt(xx * xx + yy * yy + 2 * xy * xy)
