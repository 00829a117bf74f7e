"""Orders and signs of the channels that motion images of others may come in."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Convention:
    """Order and signs of the first two channels, u (right) and v (down).

    Attributes:
        swapped: whether v comes first.
        u: sign of u, 1 to the right.
        v: sign of v, 1 downwards.
    """

    swapped: bool = False
    u: int = 1
    v: int = 1

    def matrix(self, channels: int) -> Float[np.ndarray, "c c"]:
        """Return what images times it are in the expected convention."""
        matrix = np.eye(channels, dtype=np.float32)
        matrix[:2, :2] = [[0, self.v], [self.u, 0]] if self.swapped else [[self.u, 0], [0, self.v]]
        return matrix

    def __str__(self) -> str:
        signs = f"{'left' if self.u < 0 else 'right'} and {'up' if self.v < 0 else 'down'}"
        return f"{'v before u' if self.swapped else 'u before v'}, {signs} positive"


CONVENTIONS = tuple(
    Convention(swapped, u, v) for swapped in (False, True) for u in (1, -1) for v in (1, -1)
)
"""The first is the expected one."""
