"""What page and server say to each other.

Both directions carry text messages, which are JSON objects with a `type`, and binary messages,
which are a header of 24 bytes (little-endian) and a picture:

| bytes | type | what |
|---|---|---|
| 0 | uint8 | version, 1 |
| 1 | uint8 | kind: 1 JPEG, 2 raw grey |
| 2–3 | uint16 | 0 |
| 4–7 | uint32 | sequence number: the page's own, or the server's frame number |
| 8–15 | float64 | time stamp in ms by the sender's clock |
| 16–17 | uint16 | width in px |
| 18–19 | uint16 | height in px |
| 20–23 | uint32 | 0 |
"""

import base64
import enum
import json
import math
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.annotation.action_units import unit_column
from mace.live.face_picture import SIDE, moving_field
from mace.live.results import FaceResult, Result, crop_corners
from mace.pictures.jpeg import decode_jpeg, jpeg_size
from mace.serving.sockets import Garbage
from mace.spotting.events import Event
from mace.spotting.moving import RegionMotion
from mace.spotting.records import event_record
from mace.spotting.signal import region_centre

VERSION = 1
_HEADER = struct.Struct("<BBHIdHHI")
HEADER_BYTES = _HEADER.size
MAX_TEXT_BYTES = 1024
COMMANDS_PER_S = 10.0
"""Buttons pressed faster than this are no person's."""
# A face that cannot be found in fewer px, or a sliver that no camera gives, is not decoded.
_MIN_SIDE = 32
# Of the schema of a face (`FaceResult.to_dict`), what a page shows beside the geometry.
_SHOWN = ("identity", "status", "label", "reference_id", "error_px", "confidence")


class Kind(enum.IntEnum):
    """What a binary message holds."""

    JPEG = 1
    GREY = 2


@dataclass(frozen=True)
class Picture:
    """A binary message, taken apart but not decoded; fields as in the header."""

    kind: Kind
    sequence: int
    time_ms: float
    width: int
    height: int
    data: memoryview


def parse_picture(message: bytes, *, max_pixels: int) -> Picture:
    """Take a binary message apart and check its size before anything is decoded.

    Raises:
        Garbage: if it is no message of this protocol, or larger than allowed.
    """
    if len(message) <= HEADER_BYTES:
        raise Garbage("a frame is shorter than its header")
    version, kind, _, sequence, time_ms, width, height, _ = _HEADER.unpack_from(message)
    if version != VERSION:
        raise Garbage(f"version {version} of the frames is not known, expected {VERSION}")
    if not math.isfinite(time_ms) or abs(time_ms) > 1e15:
        raise Garbage("a frame has no time stamp")
    data = memoryview(message)[HEADER_BYTES:]
    if kind == Kind.JPEG:
        if (size := jpeg_size(data)) is None:
            raise Garbage("a frame is no JPEG that says its size")
        width, height = size
    elif kind != Kind.GREY:
        raise Garbage(f"frames of kind {kind} are not known")
    if min(width, height) < _MIN_SIDE or width * height > max_pixels:
        raise Garbage(f"a frame has {width}x{height} px, allowed are up to {max_pixels} in all")
    if kind == Kind.GREY and len(data) != width * height:
        raise Garbage(f"a grey frame of {width}x{height} px has {len(data)} bytes")
    return Picture(Kind(kind), sequence, time_ms, width, height, data)


def decode_picture(picture: Picture) -> UInt8[np.ndarray, "h w"]:
    """Return the picture's luminance: all that faces are followed in, a third faster than colours.

    Raises:
        Garbage: if it cannot be decoded, or is of another size than it says.
    """
    size = (picture.height, picture.width)
    if picture.kind is Kind.GREY:
        return np.frombuffer(picture.data, np.uint8).reshape(size)
    # Without the flag a JPEG's orientation tag would turn it, and its size with it.
    image = decode_jpeg(picture.data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None or image.shape != size:
        raise Garbage("a frame cannot be decoded")
    return image


def picture_message(jpeg: bytes, *, sequence: int, time_ms: float, size: tuple[int, int]) -> bytes:
    """Return the binary message of a JPEG of `size` (width, height)."""
    header = _HEADER.pack(VERSION, Kind.JPEG, 0, sequence & 0xFFFFFFFF, time_ms, *size, 0)
    return header + jpeg


def parse_command(text: str) -> dict[str, Any]:
    """Return a text message of the page: an object whose `type` is a string.

    Raises:
        Garbage: if it is none.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise Garbage("a text message is too long")
    try:
        command = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Garbage("a text message is no JSON") from error
    if not isinstance(command, dict) or not isinstance(command.get("type"), str):
        raise Garbage("a text message has no type")
    return command


class Bucket:
    """Allows `rate` things a second over time, and a second's worth at once."""

    def __init__(self, rate: float):
        self._rate = self._level = rate
        self._time = time.monotonic()

    def take(self) -> bool:
        """Whether one more is allowed now."""
        now = time.monotonic()
        self._level = min(self._rate, self._level + (now - self._time) * self._rate)
        self._time = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


def receive_command(message: Mapping[str, Any], bucket: Bucket) -> dict[str, Any]:
    """Return the command in a message of a WebSocket, if there are not too many.

    Raises:
        Garbage: if it is none, or one too many.
    """
    text = message.get("text")
    if not isinstance(text, str):
        raise Garbage("frames are not expected here")
    if not bucket.take():
        raise Garbage("too many commands a second")
    return parse_command(text)


def results_message(
    records: Sequence[dict[str, Any]], events: Sequence[Event], *, ack: int | None = None
) -> str:
    """Return the text message of what `result_record` makes of results, and of events.

    The events may be of frames in between, which are not shown. `ack` is the sequence number of the
    page's frame that this answers.
    """
    return to_json(
        {
            "type": "results",
            "ack": ack,
            "results": list(records),
            "events": [event_record(event) for event in events],
        }
    )


def result_record(result: Result) -> dict[str, Any]:
    """Return what a page shows of one frame; coordinates in px of the frame, times in s.

    Of a face that moves this takes about 1 ms, and what the network takes for its action units.
    """
    height, width = result.frame.image.shape[:2]
    return {
        "frame": result.frame.index,
        "time": round(result.frame.time, 6),
        "size": [width, height],
        "faces": [_face_record(face) for face in result.faces],
        "counters": {name: round(value, 2) for name, value in asdict(result.counters).items()},
    }


def _face_record(face: FaceResult) -> dict[str, Any]:
    record = face.to_dict()
    return {
        **{name: record[name] for name in _SHOWN},
        "outline": _rounded(crop_corners(face.face)),
        "landmarks": _rounded(face.face.landmarks),
        "probabilities": _rounded(face.probabilities, 5),
        "smoothed": _rounded(face.smoothed, 5),
        "moving": _moving_record(face),
        "motion": _motion_record(face),
    }


def _moving_record(face: FaceResult) -> dict[str, Any] | None:
    """Return what a face does now, px of the 128-px crop; None where nobody knows."""
    if face.moving is None:
        return None
    return {
        "regions": [_region_record(region) for region in face.moving.regions],
        "units": {
            unit_column(name): round(unit.px, 3)
            for name, unit in face.moving.units.items()
            if unit.called
        },
    }


def _region_record(region: RegionMotion) -> dict[str, Any]:
    x, y = region_centre(region.name)
    return {
        "name": region.name,
        "x": round(x, 4),  # of its middle, share of the crop
        "y": round(y, 4),
        "u": round(region.u, 3),
        "v": round(region.v, 3),
    }


def _motion_record(face: FaceResult) -> dict[str, Any] | None:
    """Return what a page multiplies: (u, v) of every pixel as signed bytes in units of `scale`."""
    if face.moving is None or not face.moving.regions or face.moving.motion is None:
        return None
    field = moving_field(face.moving)
    scale = max(float(np.abs(field).max()), 1e-6) / 127
    data = np.round(field / scale).astype(np.int8).tobytes()
    return {"side": SIDE, "scale": scale, "data": base64.b64encode(data).decode()}


def _rounded(values: np.ndarray | None, digits: int = 1) -> list[Any] | None:
    # JSON knows no NaN, and a page can draw none.
    if values is None or not np.isfinite(values).all():
        return None
    return np.round(values.astype(np.float64), digits).tolist()


def to_json(message: dict[str, Any]) -> str:
    """Return `message` as JSON that every browser reads: no NaN, no infinity."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
