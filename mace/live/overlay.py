"""Drawing on frames: the face's box and landmarks, what moves, what was named, the notice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.face.similarity import apply, invert
from mace.live.face_picture import face_picture, paint_heat
from mace.live.results import FaceResult, Result, crop_corners
from mace.live.sources.frame import Frame
from mace.motion.config import REFERENCE_SIZE
from mace.spotting.events import Event
from mace.spotting.signal import region_centre

_TRACKED = (120, 220, 120)
_DOUBTFUL = (80, 180, 255)
TEXT = (235, 235, 235)
DIM = (165, 165, 165)
BACK = (28, 26, 24)
_BAR = (230, 170, 90)
_NAMED = (76, 158, 255)
_ARROW_COLOUR = (255, 255, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX
# Text and panels are laid out for a frame of this height, in px, and grow with the frame.
_DESIGN_HEIGHT = 480
_MARGIN = 10
_ROW = 22
_PANEL = 240
_INSET = 96
_REGION_ROWS, _UNIT_ROWS = 3, 5
# An arrow is so many times as long as the motion.
_ARROW = 25.0
# Motion of this many px of the 128-px crop has the longest bar.
_FULL_BAR_PX = 2.0


@dataclass(frozen=True)
class Looks:
    """What is drawn beyond the face's outline and what it does.

    Attributes:
        motion: whether moving parts are coloured, with arrows.
        probabilities: whether those of this very frame are listed. The network must name something,
            so of a face that does nothing they mean nothing.
    """

    motion: bool = True
    probabilities: bool = False


def draw_result(
    result: Result,
    *,
    classes: Sequence[str],
    notice: str,
    events: Sequence[Event] = (),
    looks: Looks = Looks(),
) -> UInt8[np.ndarray, "h w 3"]:
    """Return the frame of `result`, grey or colour, with all its faces drawn on a copy of it.

    What moves, its corrected face and motion are those of the first person.

    Args:
        result: the frame and who is in it.
        classes: names of the probabilities.
        notice: the line at the bottom that says what the model was trained on.
        events: those to be named: of the last seconds, the newest last.
        looks: what else is drawn.

    Returns:
        Blue, green, red.
    """
    image, faces = result.frame.colour().copy(), result.faces
    unit = max(image.shape[0] / _DESIGN_HEIGHT, 0.5)
    for face in faces:
        if looks.motion:
            paint_heat(image, face)
        _face(image, face)
        if looks.motion:
            _arrows(image, face, unit)
        if len(faces) > 1:
            _name(image, face, unit)
    if faces:
        mine = [event for event in events if event.identity == faces[0].identity]
        _panel(image, panel_rows(faces[0], mine, classes, looks), unit)
        _doubts(image, faces[0], unit)
        _inset(image, result.frame, faces[0], unit)
    height, width = image.shape[:2]
    _shade(image, 0, height - round((_ROW + 4) * unit), width, height)
    put_text(image, notice, (_MARGIN, height / unit - _MARGIN), unit=unit)
    return image


class Row(NamedTuple):
    """A line of the panel; its bar is a share of the longest, None without one."""

    text: str
    colour: tuple[int, int, int] = TEXT
    bar: float | None = None


def panel_rows(
    face: FaceResult, events: Sequence[Event], classes: Sequence[str], looks: Looks
) -> list[Row]:
    """Return what the panel says of a face: what moves now, and the last event, if any."""
    rows = [Row(f"{face.time:7.3f} s  {doing(face)}")]
    rows += [Row(event_text(event), _NAMED) for event in events[-1:]]
    if face.moving is not None:
        for region in face.moving.regions[:_REGION_ROWS]:
            text = f"{region.name.replace('_', ' '):<12} {region.px:.2f} px"
            rows.append(Row(text, TEXT, min(region.px / _FULL_BAR_PX, 1)))
        called = [(name, unit) for name, unit in face.moving.units.items() if unit.called]
        for name, unit in sorted(called, key=lambda item: -item[1].px)[:_UNIT_ROWS]:
            text = f"AU{name:<10} {unit.px:.2f} px"
            rows.append(Row(text, TEXT, min(unit.px / _FULL_BAR_PX, 1)))
    if looks.probabilities and face.smoothed is not None:
        rows.append(Row("of this frame alone", DIM))
        rows += [
            Row(f"{name[:12]:<12} {100 * share:3.0f} %", DIM, share)
            for name, share in zip(classes, face.smoothed.tolist(), strict=True)
        ]
    return rows


def doing(face: FaceResult) -> str:
    """Return what a face does now, in words."""
    if not face.tracked or face.state:
        return face.status.replace("_", " ")
    if face.moving is None:
        return "tracked"
    if not face.moving.regions:
        return "no micro-movement"
    return f"moves: {face.moving.regions[0].name.replace('_', ' ')}"


def event_text(event: Event) -> str:
    """Return an event in a line, as `micro: surprise 70 % AU1 AU2`."""
    if event.label is None:
        return event.kind
    units = "".join(f" AU{name}" for name in event.shown)
    return f"{event.kind}: {event.label} {100 * event.confidence:.0f} %{units}"


def _face(image: np.ndarray, frame: FaceResult) -> None:
    corners = crop_corners(frame.face)
    if corners is None:
        return
    colour = _TRACKED if frame.tracked else _DOUBTFUL
    cv2.polylines(image, [np.round(corners).astype(np.int32)], True, colour, 1, cv2.LINE_AA)
    landmarks = () if frame.face.landmarks is None else frame.face.landmarks.tolist()
    for x, y in landmarks:
        cv2.circle(image, (round(x), round(y)), 2, colour, -1, cv2.LINE_AA)


def _name(image: np.ndarray, frame: FaceResult, unit: float) -> None:
    if frame.box is not None:
        left, top = frame.box[0] / unit, frame.box[1] / unit - 6
        put_text(image, f"person {frame.identity}", (left, top), unit=unit)


def _doubts(image: np.ndarray, frame: FaceResult, unit: float) -> None:
    """Say above the notice what speaks against the first person's face."""
    if frame.quality is not None and not frame.quality.ok:
        text = f"doubtful: {', '.join(frame.quality.reasons)}"
        at = (_MARGIN, image.shape[0] / unit - _MARGIN - _ROW)
        put_text(image, text, at, unit=unit, colour=_DOUBTFUL)


def _arrows(image: np.ndarray, face: FaceResult, unit: float) -> None:
    """Draw where each moving region goes, `_ARROW` times as far."""
    if face.moving is None or face.transform is None or face.face.crop is None:
        return
    back, side = invert(face.transform), face.face.crop.shape[0]
    for region in face.moving.regions:
        begin = np.array(region_centre(region.name)) * side - 0.5
        end = begin + np.array([region.u, region.v]) * (_ARROW * side / REFERENCE_SIZE)
        ends = apply(back, np.stack([begin, end]))
        start, stop = ((round(float(x)), round(float(y))) for x, y in ends)
        for colour, width in (((0, 0, 0), 3), (_ARROW_COLOUR, 1)):
            thick = max(1, round(width * unit))
            cv2.arrowedLine(image, start, stop, colour, thick, cv2.LINE_AA, tipLength=0.35)


def _panel(image: np.ndarray, rows: Sequence[Row], unit: float) -> None:
    _shade(image, 0, 0, round(_PANEL * unit), round((2 * _MARGIN + len(rows) * _ROW) * unit))
    for number, row in enumerate(rows):
        top = _MARGIN + number * _ROW
        if row.bar is not None:
            right = _MARGIN + row.bar * (_PANEL - 2 * _MARGIN)
            corners = (_MARGIN * unit, (top + 17) * unit), (right * unit, (top + 19) * unit)
            (x0, y0), (x1, y1) = ((round(x), round(y)) for x, y in corners)
            cv2.rectangle(image, (x0, y0), (x1, y1), _BAR, -1)
        at = (_MARGIN, top + 14)
        size = 0.48 if not number else 0.42
        put_text(image, row.text, at, size=size, unit=unit, colour=row.colour)


def _inset(image: np.ndarray, frame: Frame, face: FaceResult, unit: float) -> None:
    """Draw the corrected face into the upper right corner, if there is room."""
    side, margin = round(_INSET * unit), round(_MARGIN * unit)
    height, width = image.shape[:2]
    left = width - margin - side
    picture = face_picture(frame, face, side=side)
    if picture is not None and left >= 0 and height >= margin + side:
        image[margin : margin + side, left : left + side] = picture


def _shade(image: np.ndarray, left: int, top: int, right: int, bottom: int) -> None:
    area = image[max(top, 0) : bottom, left:right]
    area[:] = area // 3


def put_text(
    image: np.ndarray,
    text: str,
    at: tuple[float, float],
    *,
    size: float = 0.42,
    colour: tuple[int, int, int] | int = TEXT,
    unit: float = 1.0,
) -> None:
    """Write a line of text; its place and its size are multiplied by `unit`."""
    place = round(at[0] * unit), round(at[1] * unit)
    thickness = max(1, round(unit))
    cv2.putText(image, text, place, FONT, size * unit, colour, thickness, cv2.LINE_AA)
