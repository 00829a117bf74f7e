"""Drawing on frames: the face's box and landmarks, the motion, the probabilities, the notice."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from mace.live.results import FaceResult, Result, crop_corners

_TRACKED = (120, 220, 120)
_DOUBTFUL = (80, 180, 255)
_TEXT = (245, 245, 245)
_DIM = (170, 170, 170)
_BAR = (230, 170, 90)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Text and panels are laid out for a frame of this height, in px, and grow with the frame.
_DESIGN_HEIGHT = 480
_MARGIN = 10
_ROW = 22
_PANEL = 210
_INSET = 96
# Motion of this many px of the 128-px crop is drawn in full colour.
_FULL_MOTION_PX = 2.0


def draw_result(
    result: Result, *, classes: Sequence[str], notice: str
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the frame of `result`, grey or colour, with all its faces drawn on a copy of it.

    Probabilities, corrected face and motion are those of the first person.

    Args:
        result: the frame and who is in it.
        classes: names of the probabilities.
        notice: the line at the bottom that says what the model was trained on.

    Returns:
        Blue, green, red.
    """
    image, faces = result.frame.colour().copy(), result.faces
    unit = max(image.shape[0] / _DESIGN_HEIGHT, 0.5)
    for face in faces:
        _face(image, face)
        if len(faces) > 1:
            _name(image, face, unit)
    if faces:
        _panel(image, faces[0], classes, unit)
        _doubts(image, faces[0], unit)
        _insets(image, faces[0], unit)
    height, width = image.shape[:2]
    _shade(image, 0, height - round((_ROW + 4) * unit), width, height)
    _write(image, notice, (_MARGIN, height / unit - _MARGIN), size=0.42, unit=unit)
    return image


def motion_picture(inputs: Float32[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a network input as colours: flow by hue and strength, other inputs as grey.

    Flow to the right is red, down is green, left is cyan, up is violet.
    """
    if inputs.shape[-1] < 2:
        low, high = float(inputs.min()), float(inputs.max())
        grey = (inputs[..., 0] - low) * (255 / max(high - low, 1e-6))
        return cv2.cvtColor(grey.astype(np.uint8), cv2.COLOR_GRAY2BGR)
    strength, angle = cv2.cartToPolar(inputs[..., 0].copy(), inputs[..., 1].copy())
    hsv = np.empty((*inputs.shape[:2], 3), np.uint8)
    hsv[..., 0] = angle * (90 / np.pi)
    hsv[..., 1] = 220
    hsv[..., 2] = np.clip(strength * (255 / _FULL_MOTION_PX), 0, 255)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def _face(image: np.ndarray, frame: FaceResult) -> None:
    corners = crop_corners(frame.face)
    if corners is None:
        return
    colour = _TRACKED if frame.tracked else _DOUBTFUL
    cv2.polylines(image, [np.round(corners).astype(np.int32)], True, colour, 1, cv2.LINE_AA)
    for x, y in _points(frame.face.landmarks):
        cv2.circle(image, (x, y), 2, colour, -1, cv2.LINE_AA)


def _name(image: np.ndarray, frame: FaceResult, unit: float) -> None:
    if frame.box is not None:
        left, top = frame.box[0] / unit, frame.box[1] / unit - 6
        _write(image, f"person {frame.identity}", (left, top), size=0.42, unit=unit)


def _doubts(image: np.ndarray, frame: FaceResult, unit: float) -> None:
    """Say above the notice what speaks against the first person's face."""
    if frame.quality is not None and not frame.quality.ok:
        text = f"doubtful: {', '.join(frame.quality.reasons)}"
        at = (_MARGIN, image.shape[0] / unit - _MARGIN - _ROW)
        _write(image, text, at, size=0.42, unit=unit, colour=_DOUBTFUL)


def _points(landmarks: Float[np.ndarray, "n 2"] | None) -> list[tuple[int, int]]:
    if landmarks is None:
        return []
    return [(round(x), round(y)) for x, y in landmarks.tolist()]


def _panel(image: np.ndarray, frame: FaceResult, classes: Sequence[str], unit: float) -> None:
    rows = len(classes) + 1 if frame.smoothed is not None else 1
    _shade(image, 0, 0, round(_PANEL * unit), round((2 * _MARGIN + rows * _ROW) * unit))
    heading = f"{frame.time:7.3f} s  {frame.label or frame.status.replace('_', ' ')}"
    _write(image, heading, (_MARGIN, _MARGIN + 14), size=0.48, unit=unit)
    if frame.smoothed is None:
        return
    for row, (name, probability) in enumerate(zip(classes, frame.smoothed, strict=True), start=1):
        top = _MARGIN + row * _ROW
        colour = _TEXT if name == frame.label else _DIM
        _write(image, f"{name[:11]:<11}", (_MARGIN, top + 14), size=0.42, unit=unit, colour=colour)
        right = 95 + float(probability) * (_PANEL - 105)
        corners = (95 * unit, (top + 5) * unit), (right * unit, (top + 15) * unit)
        (x0, y0), (x1, y1) = ((round(x), round(y)) for x, y in corners)
        cv2.rectangle(image, (x0, y0), (x1, y1), _BAR, -1)


def _insets(image: np.ndarray, frame: FaceResult, unit: float) -> None:
    side, margin = round(_INSET * unit), round(_MARGIN * unit)
    pictures = []
    if frame.face.crop is not None:
        pictures.append(cv2.cvtColor(frame.face.crop, cv2.COLOR_GRAY2BGR))
    if frame.inputs is not None:
        pictures.append(motion_picture(frame.inputs))
    height, width = image.shape[:2]
    for column, picture in enumerate(reversed(pictures), start=1):
        right = width - margin - (column - 1) * (side + round(4 * unit))
        if right - side < 0 or height < margin + side:
            return
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        image[margin : margin + side, right - side : right] = small


def _shade(image: np.ndarray, left: int, top: int, right: int, bottom: int) -> None:
    area = image[max(top, 0) : bottom, left:right]
    area[:] = area // 3


def _write(
    image: np.ndarray,
    text: str,
    at: tuple[float, float],
    *,
    size: float,
    unit: float,
    colour: tuple[int, int, int] = _TEXT,
) -> None:
    place = (round(at[0] * unit), round(at[1] * unit))
    thickness = max(1, round(unit))
    cv2.putText(image, text, place, _FONT, size * unit, colour, thickness, cv2.LINE_AA)
