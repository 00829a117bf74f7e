"""Whether a video file ends where its container says, or breaks off.

A container's number of frames is an estimate; its own size in bytes is a fact. Sources: ISO/IEC
14496-12 (boxes), ISO/IEC 13818-1 (transport packets, packs of program streams), RFC 8794 (EBML
elements), Microsoft's AVI RIFF reference with OpenDML 2.0 and Advanced Systems Format (1.20).
"""

import os
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof")
_SYNC, _PACKET = 0x47, 188
_PACK, _SYSTEM_END = b"\0\0\1\xba", b"\0\0\1\xb9"
_PACKS = 1 << 20  # more than any pack has
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_PADDING = 1 << 20


def breaks_off(path: Path) -> bool:
    """Return whether a file is shorter than its container states, or its parts do not join.

    A format that states no size breaks off where its last part does.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_PACKET + 1)
        if head[:4] == b"RIFF":
            return _riff(file, size) > size
        if head[:4] == _EBML:
            return _ebml(file) > size
        if head[4:8] in _FIRST_BOXES:
            return _boxes(file, size) > size
        if head[:16] == _ASF:
            return _asf(file) > size
        if head[:4] == _PACK:
            return _packs(file, size) > size
        if head[0] == _SYNC and head[-1] == _SYNC:
            return size % _PACKET > 0
    return False


def _riff(file: BinaryIO, size: int) -> int:
    end = 0
    while end < size:  # a long AVI has several, one after the other
        file.seek(end)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        # A recorder that was killed has not filled the length in.
        if name != b"RIFF" or length in (0, 0xFFFFFFFF):
            break
        end += 8 + length
    return end


def _ebml(file: BinaryIO) -> int:
    file.seek(4)
    length = _ebml_size(file)
    if length is None:
        return 0
    file.seek(length, os.SEEK_CUR)
    if file.read(4) != _SEGMENT:
        return 0
    length = _ebml_size(file)  # None of a stream, whose length nobody knew
    return 0 if length is None else file.tell() + length


def _ebml_size(file: BinaryIO) -> int | None:
    first = int.from_bytes(file.read(1))
    if first == 0:
        return None
    more = 8 - first.bit_length()
    bits = 7 * (more + 1)
    value = (first << 8 * more | int.from_bytes(file.read(more))) & (1 << bits) - 1
    return None if value == (1 << bits) - 1 else value


def _asf(file: BinaryIO) -> int:
    file.seek(0)
    head = file.read(_PACKS)
    start = head.find(_ASF_FILE)
    if start < 0 or int.from_bytes(head[start + 88 : start + 89]) & 1:  # of unknown length
        return 0
    return int.from_bytes(head[start + 40 : start + 48], "little")


def _packs(file: BinaryIO, size: int) -> int:
    """Where the last packet of a program stream ends, or more than `size` if within its head."""
    start = max(size - _PACKS, 0)
    file.seek(start)
    data = file.read()
    at = max(data.rfind(_PACK), 0)
    # The last packs are walked through; the one before may be what looked like a pack's beginning.
    while at < len(data):
        head = data[at : at + 14]
        if not any(head) or head[:4] == _SYSTEM_END:
            return size  # padding, or the end
        if not (head[:3] == b"\0\0\1" or b"\0\0\1".startswith(head[:3])):
            return 0  # nothing that is known
        if len(head) < 6:
            return size + 1
        if head[:4] != _PACK:
            at += 6 + int.from_bytes(head[4:6])
        elif head[4] >> 6 == 1:
            at += 14 + (head[13] & 7) if len(head) == 14 else 14
        else:
            at += 12
    return start + at


def _boxes(file: BinaryIO, size: int) -> int:
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        if length == 1:
            length = int.from_bytes(head[8:16])
        named = head[4:8].isascii() and head[4:8].decode().isprintable()
        if length == 0 and head[4:8] in _FIRST_BOXES:
            return size  # the last box has the rest
        if length < 8 or not named:
            padded = not any(head) and not any(file.read(_PADDING))  # as some cameras do
            return size if padded else size + 1
        end += length
    return end
