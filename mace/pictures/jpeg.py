"""JPEG images: encoded, decoded, their size read from the header, cut out of a stream of bytes.

The markers are those of ITU-T T.81 (1992), annex B.
"""

import re
import struct

import cv2
import numpy as np
from jaxtyping import UInt8

_START = b"\xff\xd8\xff"
# In entropy-coded data 0xFF is followed by 0 (a stuffed byte), a restart marker or a fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END, _SCAN = 0xD9, 0xDA
# Tables and further scans, which may stand between the scans of a progressive image.
_BETWEEN_SCANS = frozenset({0xC4, _SCAN, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
# None of them ends an image or starts one; 0x01 and the restarts alone have no length.
_SEGMENTS = frozenset(range(0xC0, 0xFF)) - frozenset({*range(0xD0, 0xDA), 0xC8})
# All of 0xC0–0xCF but the tables and the arithmetic coder's conditioning.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def decode_jpeg(
    jpeg: bytes | memoryview | np.ndarray, flag: int
) -> UInt8[np.ndarray, "h w *c"] | None:
    """Return the pixels as OpenCV's `flag` wants them; None of a damaged image."""
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)


def encode_jpeg(
    image: UInt8[np.ndarray, "h w *c"], quality: int, *, widest: int | None = None
) -> bytes:
    """Return an image as JPEG of `quality` (1 to 100); made smaller if it is wider than `widest`.

    Args:
        image: gray, or blue, green and red.
        quality: 1 to 100.
        widest: px; None leaves it as large as it is.

    Examples:
        >>> import numpy as np
        >>> jpeg = encode_jpeg(np.zeros((30, 60), np.uint8), 90, widest=20)
        >>> jpeg_size(memoryview(jpeg))
        (20, 10)
    """
    height, width = image.shape[:2]
    if widest is not None and width > widest:
        size = widest, max(1, round(height * widest / width))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def jpeg_size(data: memoryview) -> tuple[int, int] | None:
    """Return width and height in px from a JPEG's header, without decoding it; None without one."""
    if bytes(data[:2]) != b"\xff\xd8":
        return None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _START_OF_FRAME:
            if at + 9 > len(data):
                return None
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


class JpegSplitter:
    """Bytes in, whole JPEG images out; garbage is passed over and counted.

    Segments are walked by their lengths, so that the end of a thumbnail inside an image is not
    taken for its own. At most `limit` bytes are kept: whatever has no end by then is garbage.
    """

    def __init__(self, *, limit: int = 16 << 20):
        self.skipped = 0
        """Bytes that belonged to no image."""
        self._limit = limit
        self._bytes = bytearray()
        self._at = 0
        """Up to where the image at the start of the buffer has been read; 0 for no image."""
        self._in_scan = False

    @property
    def pending(self) -> int:
        """Bytes of an image that has not ended yet."""
        return len(self._bytes) if self._at else 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the images that end in `data`, oldest first."""
        self._bytes += data
        images = []
        while (image := self._next()) is not None:
            images.append(image)
        if len(self._bytes) > self._limit:
            self._discard(2)
        return images

    def _next(self) -> bytes | None:
        """Return one image, or None where more bytes are needed."""
        while self._found():
            marker = self._marker()
            if marker is None:
                return None
            if marker == _END:
                image = bytes(self._bytes[: self._at])
                del self._bytes[: self._at]
                self._at, self._in_scan = 0, False
                return image
            if marker < 0:
                # Cut off: the next image may start here. Damaged before the scan: anywhere.
                self._discard(self._at if self._in_scan else 2)
        return None

    def _found(self) -> bool:
        """Whether an image starts the buffer, after passing over what lies before it."""
        if self._at == 0:
            start = self._bytes.find(_START)
            # The last two bytes may be the beginning of a start.
            garbage = start if start >= 0 else max(len(self._bytes) - 2, 0)
            del self._bytes[:garbage]
            self.skipped += garbage
            self._at = 2 if start >= 0 else 0
        return self._at > 0

    def _marker(self) -> int | None:
        """Step over the next marker and its segment; -1 for a wrong one, None for too few bytes."""
        data = self._bytes
        if self._in_scan:
            match = _MARKER.search(data, self._at)
            if match is None:
                self._at = max(self._at, len(data) - 1)
                return None
            self._at = match.start()
        if len(data) < self._at + 2:
            return None
        if data[self._at] != 0xFF:
            return -1
        marker = data[self._at + 1]
        if marker == 0xFF and not self._in_scan:  # fill byte
            self._at += 1
            return 0
        if marker == _END:
            self._at += 2
            return _END
        if marker not in (_BETWEEN_SCANS if self._in_scan else _SEGMENTS):
            return -1
        if len(data) < self._at + 4:
            return None
        end = self._at + 2 + int.from_bytes(data[self._at + 2 : self._at + 4])
        if len(data) < end:
            return None
        self._at, self._in_scan = end, self._in_scan or marker == _SCAN
        return marker

    def _discard(self, count: int) -> None:
        del self._bytes[:count]
        self.skipped += count
        self._at, self._in_scan = 0, False
