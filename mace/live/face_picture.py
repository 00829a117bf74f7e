"""The corrected face as a person looks at it: in the frame's own colours, its motion multiplied."""

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from mace.face.similarity import Transform, apply, invert
from mace.live.results import FaceResult, Moving
from mace.live.sources.frame import Frame
from mace.motion.config import REFERENCE_SIZE
from mace.motion.exaggeration import NOISE_PX, move, on_crop, worth_multiplying
from mace.spotting.signal import region_mask

FACTORS = (1.0, 5.0, 10.0, 20.0)
"""What a key goes through."""

SIDE = 64
"""Of the motion that is multiplied, px: a network's 28 hold no more detail than that."""

# Where the motion's colour is full, px of the 128-px crop.
_FULL_PX = 1.0
_HOT = (40, 110, 255)
_MOST_HEAT = 0.6
_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


def face_picture(
    frame: Frame, face: FaceResult, *, side: int, factor: float = 1.0
) -> UInt8[np.ndarray, "side side 3"] | None:
    """Return a face as the correction has it, `side` px a side; None where there is none.

    Its motion since the neutral reference is multiplied by `factor`.
    """
    if face.transform is None or face.face.crop is None:
        return None
    transform = enlarged(face.transform, side / face.face.crop.shape[0])
    picture = cv2.warpAffine(frame.image, transform, (side, side), borderMode=cv2.BORDER_REPLICATE)
    moving = face.moving
    if factor > 1 and moving is not None and moving.regions and moving.motion is not None:
        picture = move(picture, moving_field(moving), factor=factor)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return np.asarray(picture, np.uint8)


def paint_heat(image: UInt8[np.ndarray, "h w 3"], face: FaceResult) -> None:
    """Colour what moves of a face in its frame, in place: the farther, the hotter, up to 1 px."""
    moving, transform = face.moving, face.transform
    if moving is None or not moving.regions or moving.motion is None or transform is None:
        return
    field = moving_field(moving) * np.float32(REFERENCE_SIZE / SIDE)
    length = np.hypot(field[..., 0], field[..., 1])
    # The root, or half a pixel could hardly be seen.
    heat = _MOST_HEAT * np.sqrt(np.clip((length - NOISE_PX) / (_FULL_PX - NOISE_PX), 0, 1))
    hot = cv2.boundingRect((heat > 0).astype(np.uint8))
    crop = face.face.crop
    assert crop is not None
    back = invert(enlarged(transform, SIDE / crop.shape[0]))
    corners = apply(back, np.array([[hot[0], hot[1]]]) + _CORNERS * hot[2:])
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    size = image.shape[1::-1]
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)) + 1, size).astype(int)
    if right <= left or bottom <= top:
        return
    back[:, 2] -= left, top
    shape = int(right - left), int(bottom - top)
    share = cv2.warpAffine(heat.astype(np.float32), back, shape)[..., None]
    area = image[top:bottom, left:right]
    area[:] = (area + share * (np.array(_HOT, np.float32) - area)).astype(np.uint8)


def enlarged(transform: Transform, scale: float) -> Float[np.ndarray, "2 3"]:
    """Return the transform (frame px to crop px) to a crop that is `scale` times as large."""
    larger = transform * scale
    larger[:, 2] += (scale - 1) / 2  # pixel centres are at whole numbers
    return larger


def moving_field(moving: Moving) -> Float32[np.ndarray, "n n 2"]:
    """Return the motion of the regions that move and of nothing else, in px of `SIDE` a side."""
    assert moving.motion is not None
    mask = region_mask(tuple(sorted(region.name for region in moving.regions)), SIDE)
    field = on_crop(moving.motion, size=SIDE, framing=moving.framing)
    return worth_multiplying(field * mask[..., None].astype(np.float32), noise_px=NOISE_PX)
