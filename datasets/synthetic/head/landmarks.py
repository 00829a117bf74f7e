"""Vertices that sit where the 68-point mark-up puts its points.

For each point the vertex was chosen that lies nearest, over 24 identities, to where dlib's 68-point
model puts it; left and right are mirror images. On one face the mean distance is 2 % of the eye
distance at the eyes and up to 10 % along the jaw, where "the" contour is not one fixed place of the
skin. The vertices themselves move exactly with the skin, which is what truth is needed for.

Source of the mark-up: Gross, Matthews, Cohn et al., Multi-PIE, Image and Vision Computing 28(5),
2010; order as in Sagonas, Tzimiropoulos et al., 300 Faces in-the-Wild, ICCV workshops 2013.
"""

from functools import cache

import numpy as np

from mace.datasets.synthetic.head.mesh import head_mesh

_JAW = (
    9281, 2020, 9033, 910, 17024, 17091, 1820, 17086, 9063,
    19388, 4102, 19392, 19327, 3223, 13522, 4291, 13743,
)  # fmt: skip
_BROWS = (5818, 5736, 5693, 5694, 15563, 17877, 10500, 10499, 10539, 10604)
_NOSE = (132, 5525, 5599, 294, 6019, 5974, 5972, 10740, 10782)
_EYES = (17726, 5173, 16223, 9987, 5302, 7697, 14445, 18531, 10008, 20025, 12240, 10137)
_LIPS = (
    16720, 1947, 6292, 466, 11048, 4221, 19026, 18044, 11115, 6391, 6376, 15730,
    437, 15718, 6333, 18032, 2808, 18068, 6394, 15754,
)  # fmt: skip

LANDMARKS: tuple[int, ...] = _JAW + _BROWS + _NOSE + _EYES + _LIPS
# Outer and inner corner of the subject's right eye (image left), inner and outer of the left.
EYE_CORNERS: tuple[int, ...] = (_EYES[0], _EYES[3], _EYES[6], _EYES[9])
# Corners of the eyes, bridge and base of the nose: what the face correction follows.
RIGID: tuple[int, ...] = EYE_CORNERS + LANDMARKS[27:36]


@cache
def eye_unit() -> float:
    """Distance between the eye centres of the average head, in decimetres."""
    corners = head_mesh().fine_average[list(EYE_CORNERS)]
    return float(np.linalg.norm(corners[:2].mean(0) - corners[2:].mean(0)))
