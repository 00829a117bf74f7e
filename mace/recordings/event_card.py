"""One picture for an event: the face at onset, apex and offset, as it is and exaggerated."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError, OutputError
from mace.live.overlay import event_text, put_text
from mace.motion.exaggeration import exaggerate
from mace.pictures.jpeg import encode_jpeg
from mace.spotting.events import Event, EventFaces

CARDS = "cards"
"""The folder of a session's or a video's cards."""

CARDED = ("micro", "macro")
"""Kinds of events that have one."""

_FACE = 192
_GAP, _HEAD, _FOOT = 6, 46, 22
_BACK, _TEXT, _DIM = 255, 30, 110
# Multiplied motion of so many px of the 128-px crop is seen at a glance; more would hide the face.
_SHOWN_PX, _MOST = 6.0, 10.0
_QUALITY = 88


def event_card(
    event: Event, faces: EventFaces | None = None, *, factor: float | None = None
) -> UInt8[np.ndarray, "h w"]:
    """Return a picture of an event: three faces, below them the same with their motion multiplied.

    Args:
        event: with its times, name and units.
        faces: at its three times; the event's own without.
        factor: of the motion since the onset; by default 10, or less where 6 px are enough.

    Raises:
        DataError: if there are no faces.
    """
    faces = event.faces if faces is None else faces
    if faces is None:
        raise DataError(
            f"nobody has kept what the event at {event.apex:.2f} s looked like; give its faces, or "
            "take events from mace.stream"
        )
    if factor is None:
        factor = float(np.clip(round(_SHOWN_PX / max(event.strength_px, 0.1)), 1, _MOST))
    width = 3 * _FACE + 4 * _GAP
    card = np.full((_HEAD + 2 * (_FACE + _FOOT) + _GAP, width), _BACK, np.uint8)
    put_text(card, event_text(event), (_GAP, 18), size=0.52, colour=_TEXT)
    regions = ", ".join(name.replace("_", " ") for name in event.regions[:3])
    length = 1000 * (event.offset - event.onset)
    details = f"{event.strength_px:.2f} px, {length:.0f} ms   {regions}"
    put_text(card, details, (_GAP, 38), colour=_DIM)
    times = event.onset, event.apex, event.offset
    columns = zip(("onset", "apex", "offset"), times, faces, strict=True)
    for column, (name, time, face) in enumerate(columns):
        left = _GAP + column * (_FACE + _GAP)
        larger = exaggerate(faces.onset, face, factor=factor)
        captions = f"{name} {time:.2f} s", f"motion x{factor:g}"
        for row, (picture, caption) in enumerate(zip((face, larger), captions, strict=True)):
            top = _HEAD + row * (_FACE + _FOOT)
            small = cv2.resize(picture, (_FACE, _FACE), interpolation=cv2.INTER_CUBIC)
            card[top : top + _FACE, left : left + _FACE] = small
            put_text(card, caption, (left, top + _FACE + 15), colour=_DIM)
    return card


def write_cards(folder: Path, events: Iterable[Event]) -> int:
    """Write the cards of the micro- and macro-expressions whose faces were kept.

    Args:
        folder: of the session or video; cards go to `cards/` in it, named by the event's number
            from 1, its kind and its label, as `0001-micro-surprise.jpg`.
        events: all of them, in the order of the table.

    Returns:
        How many cards there are.

    Raises:
        OutputError: if they cannot be written.
    """
    chosen = [
        (number, event)
        for number, event in enumerate(events, start=1)
        if event.kind in CARDED and event.faces is not None
    ]
    try:
        for number, event in chosen:
            (folder / CARDS).mkdir(exist_ok=True)
            jpeg = encode_jpeg(event_card(event), _QUALITY)
            name = "-".join([f"{number:04d}", event.kind, *([event.label] if event.label else [])])
            (folder / CARDS / f"{_safe(name)}.jpg").write_bytes(jpeg)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    return len(chosen)


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
