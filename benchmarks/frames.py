"""Frames of a long video by number, as the coding page asks for them: decoded and made a JPEG.

    uv run python benchmarks/frames.py [--seconds 180] [--fps 200] [--codec libx264]

Milliseconds a frame of 640 x 480 px, elapsed time: steps forth and back from places all over the
video, and jumps; how long the file is looked through when it is opened. The pictures are a texture
that drifts under noise, with groups of 250 frames, FFmpeg's usual.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import numpy as np

from mace.video.seeking import SeekableVideo

_SIZE = (640, 480)


def write(path: Path, *, codec: str, count: int, fps: int) -> None:
    """Write a video of `count` frames."""
    rng = np.random.default_rng(0)
    width, height = _SIZE
    texture = cv2.GaussianBlur(rng.integers(0, 255, (height, width, 3), np.uint8), (0, 0), 4)
    noise = rng.integers(0, 6, (8, height, width, 3), np.uint8)
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=fps, options={"preset": "ultrafast", "g": "250"})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for number in range(count):
            image = cv2.add(np.roll(texture, number // 8, axis=1), noise[number % 8])
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        file.mux(stream.encode())


def ask(video: SeekableVideo, numbers: Iterable[int]) -> list[float]:
    """Return how long each frame takes, in ms."""
    spent = []
    for number in numbers:
        start = time.perf_counter()
        image = video.image(number)
        assert image is not None
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 93])
        spent.append(1000 * (time.perf_counter() - start))
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description="Frames of a long video by number")
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--fps", type=int, default=200)
    parser.add_argument("--codec", default="libx264", help="libx264 (.mp4) or mjpeg (.mov)")
    arguments = parser.parse_args()
    count = arguments.seconds * arguments.fps
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.mov" if arguments.codec == "mjpeg" else "a.mp4")
        write(path, codec=arguments.codec, count=count, fps=arguments.fps)
        start = time.perf_counter()
        video = SeekableVideo(path)
        opened = time.perf_counter() - start
        places = np.random.default_rng(1).integers(400, count - 400, 6).tolist()
        forth = [ms for place in places for ms in ask(video, range(place, place + 300))]
        back = [ms for place in places for ms in ask(video, range(place, place - 300, -1))]
        jumps = ask(video, np.random.default_rng(2).integers(0, count, 60).tolist())
        print(f"{video.count} frames, {path.stat().st_size / 1e6:.0f} MB, opened in {opened:.2f} s")
        print(f"{'':<8}{'p50':>8}{'p95':>8}{'max':>8}  ms")
        for name, spent in (("forth", forth), ("back", back), ("jumps", jumps)):
            ranks = statistics.quantiles(spent, n=20)
            print(f"{name:<8}{ranks[9]:>8.1f}{ranks[18]:>8.1f}{max(spent):>8.1f}")


if __name__ == "__main__":
    main()
