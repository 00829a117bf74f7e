"""The cameras of a pair: the geometry of `views`, in NumPy for one pair at a time.

1. A vertex p (dm) is placed at R(pose) (p - PIVOT) - (0, LOOK_AT_Y, 0) and seen at
   D / (D - z) * (x, -y), D being the camera's distance: a plane in dm, y down.
2. One similarity maps that plane onto the canvas, the same for both frames: it takes the eye
   centres (middle of the corners) of the resting face in its still pose to the canonical places.
3. The target's pose is the still pose plus head[:3]; its canvas position is then scaled by
   exp(head[5]) and shifted by head[3:5] eye distances.
4. Where `corrected`, the target is moved by the least-squares similarity that takes the rigid
   points of the resting face, as the target's camera sees them, to where the reference's does.
5. `registration` (dx, dy, rotation, log scale) is applied to the target, then `framing` to both.

Every rotation and scaling of 3 and 5 is about the middle of the crop, and a positive rotation turns
x (right) towards y (down). Positions have pixel centres at integers.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from mace.datasets.synthetic.geometry.camera import View, rotation
from mace.datasets.synthetic.pairs import canvas
from mace.face.similarity import fit_similarity


def about_centre(
    motion: Float64[np.ndarray, " 4"],
) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]]:
    """The similarity of (dx, dy, rotation, log scale) about the middle of the crop."""
    dx, dy, angle, log_scale = (float(v) for v in motion)
    c, s = np.cos(angle) * np.exp(log_scale), np.sin(angle) * np.exp(log_scale)
    linear = np.array([[c, -s], [s, c]])
    centre = np.array(canvas.CENTRE)
    return linear, centre - linear @ centre + [dx, dy]


def fit(
    source: Float64[np.ndarray, "n 2"], target: Float64[np.ndarray, "n 2"]
) -> tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]]:
    """The face correction's own least-squares similarity, as a linear part and an offset."""
    transform = fit_similarity(source, target)
    return transform[:, :2], transform[:, 2]


def still_view(
    corners: Float32[np.ndarray, "4 3"], *, pose: Float64[np.ndarray, " 3"], distance: float
) -> View:
    """The camera that puts the eyes of a still face in their place on the canvas.

    Args:
        corners: of the eyes in dm, outer and inner of the subject's right one, then of the left.
        pose: yaw, pitch, roll in radians.
        distance: of the camera in dm.
    """
    plain = View(rotation(pose), distance, np.eye(2), np.zeros(2))
    eyes = plain.on_plane(corners).reshape(2, 2, 2).mean(1)
    # Two points on two points: the least-squares similarity is exact.
    return View(plain.turn, distance, *fit(eyes, np.array(canvas.EYES)))


@dataclass(frozen=True)
class Views:
    """The cameras of a pair.

    Attributes:
        reference: of the reference's crop.
        target: of the target's crop.
        crop: what the correction has done to the target, as (linear, offset) on the canvas: from
            where a camera that stands still sees a point to where the crop shows it, beyond what
            the framing does to both.
    """

    reference: View
    target: View
    crop: tuple[Float64[np.ndarray, "2 2"], Float64[np.ndarray, " 2"]]


def look(
    anchors: Float32[np.ndarray, "k 3"],
    *,
    pose: Float64[np.ndarray, " 3"],
    distance: float,
    head: Float64[np.ndarray, " 6"],
    corrected: bool,
    registration: Float64[np.ndarray, " 4"],
    framing: Float64[np.ndarray, " 4"],
) -> Views:
    """The cameras of one planned pair.

    Args:
        anchors: rigid points of the resting face in dm, the four eye corners first.
        pose: still yaw, pitch, roll in radians.
        distance: of the camera in dm.
        head: as in `Plans`.
        corrected: as in `Plans`.
        registration: as in `Plans`.
        framing: as in `Plans`.
    """
    still = still_view(anchors[:4], pose=pose, distance=distance)
    motion = np.array([*(head[3:5] * canvas.EYE_DISTANCE), 0.0, head[5]])
    turned = View(rotation(pose + head[:3]), distance, still.linear, still.offset)
    moved = turned.then(*about_centre(motion))
    target = moved
    if corrected:
        target = moved.then(*fit(moved.project(anchors), still.project(anchors)))
    frame = about_centre(framing)
    target = target.then(*about_centre(registration)).then(*frame)
    uncorrected = moved.then(*frame)
    linear = target.linear @ np.linalg.inv(uncorrected.linear)
    return Views(still.then(*frame), target, (linear, target.offset - linear @ uncorrected.offset))
