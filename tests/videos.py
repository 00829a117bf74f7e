"""Small videos for tests, written by PyAV: any container, codec and times."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

_BITS = 6


def numbered(count: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Pictures that carry their number as bright and dark bars, so that `number_of` can tell."""
    width, height = size
    images = []
    for number in range(count):
        image = np.full((height, width, 3), 40, np.uint8)
        for bit in range(_BITS):
            if number >> bit & 1:
                left, right = (width * (2 * bit + side) // (2 * _BITS) for side in (0, 2))
                image[:, left:right] = 210
        images.append(image)
    return images


def number_of(image: np.ndarray) -> int:
    """Return the number that a picture of `numbered` carries, whatever its size."""
    height, width = image.shape[:2]
    row = image[height // 4 : 3 * height // 4].reshape(height // 2, width, -1).mean(axis=(0, 2))
    centres = [width * (2 * bit + 1) // (2 * _BITS) for bit in range(_BITS)]
    return sum(1 << bit for bit, x in enumerate(centres) if row[x] > 125)


def write_video(
    path: Path,
    images: Sequence[np.ndarray],
    *,
    times: Sequence[float] | None = None,
    fps: int = 25,
    codec: str = "mjpeg",
    pix_fmt: str = "yuvj420p",
    source: str = "bgr24",
    aspect: Fraction | None = None,
    rotation: int = 0,
    sound_s: float = 0.0,
    container: str | None = None,
    muxing: dict[str, str] | None = None,
    encoding: dict[str, str] | None = None,
) -> Path:
    """Write `images` at `times` (s), by default `fps` a second; returns `path`.

    Args:
        path: the file; its suffix names the container unless `container` does.
        images: of the pixel format `source`.
        times: of the frames, in s.
        fps: frames a second.
        codec: of the video.
        pix_fmt: that it is given.
        source: pixel format of the images.
        aspect: width of a pixel over its height.
        rotation: that a player should apply, in degrees.
        sound_s: length of a silent sound track.
        container: FFmpeg's name of it.
        muxing: options of the container.
        encoding: options of the codec.
    """
    base = Fraction(1, 60_000 if times is not None else fps)
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", format=container, options=muxing or {}) as output:
        stream = output.add_stream(codec, rate=fps, options=encoding or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        if times is not None:
            stream.codec_context.time_base = base
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        sound = output.add_stream("aac", rate=8000) if sound_s else None
        for number, image in enumerate(images):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format=source)
            frame.pts = number if times is None else round(times[number] / base)
            frame.time_base = base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound is not None:
            silence = AudioFrame.from_ndarray(
                np.zeros((1, round(8000 * sound_s)), np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate, silence.pts, silence.time_base = 8000, 0, Fraction(1, 8000)
            output.mux(sound.encode(silence))
            output.mux(sound.encode(None))
    return path
