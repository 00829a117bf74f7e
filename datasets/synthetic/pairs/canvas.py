"""Where the head lies in a pair: the canvas and its cells.

The canvas is a square of 160 px at the scale of the face correction's 128-px crop (eye distance
51.2 px), which is its part `CROP`. It reaches from above the brows to below the chin. Positions are
in px with pixel centres at integers.
"""

import cv2
import numpy as np
from jaxtyping import Float16, Float32

from mace.motion.conventions import CANVAS, EYE_DISTANCE, EYE_HEIGHT

SIZE = CANVAS
CELLS = 64
CELL = SIZE / CELLS
_MIDDLE = (SIZE - 1) / 2
# Image left (the subject's right) first.
EYES = ((_MIDDLE - EYE_DISTANCE / 2, EYE_HEIGHT), (_MIDDLE + EYE_DISTANCE / 2, EYE_HEIGHT))
# The crop of the face correction: rows and columns of the canvas.
CROP = (slice(12, 140), slice(16, 144))
# Middle of that crop, about which errors of registration and framing turn and scale.
CENTRE = (79.5, 75.5)


def on_cells(motion: Float32[np.ndarray, "n h w 2"]) -> Float16[np.ndarray, "n r r 2"]:
    """Average fields over the cells of the canvas."""
    size = (CELLS, CELLS)
    cells = [cv2.resize(field, size, interpolation=cv2.INTER_AREA) for field in motion]
    return np.stack(cells).astype(np.float16)
