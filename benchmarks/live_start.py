"""Seconds from typing `mace live` to the first label on a frame, cold and warm.

    uv run python benchmarks/live_start.py --turns 3

A rendered face is played from an MJPEG video at its own rate, as a camera would give it; the first
label is waited for in the session's `frames.jsonl`. Cold is a first start after the installation:
neither XLA's nor Numba's programs are on disk. (Python's are: `uv sync` compiles them.) Warm is
the start after it.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import tyro
from live import face

from mace.pictures.jpeg import decode_jpeg

_FPS = 30.0
_LONGEST_S = 120.0


def main(turns: int = 3) -> None:
    """Print the times of every start, and their medians.

    Args:
        turns: cold starts, each followed by two warm ones.
    """
    found: dict[str, list[float]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = write_video(folder / "face.avi")
        for turn in range(turns):
            caches = folder / f"caches-{turn}"
            for number, kind in enumerate(("cold", "warm", "warm")):
                found[kind].append(start(video, caches, folder / f"session-{turn}-{number}"))
    for kind, times in found.items():
        each = ", ".join(f"{seconds:.1f}" for seconds in times)
        print(f"{kind}: {statistics.median(times):.1f} s to the first label ({each})")


def write_video(path: Path) -> Path:
    """Write the rendered face as a video long enough to wait for; return its path."""
    images = face()
    height, width = decoded(images[0]).shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), _FPS, (width, height))
    for index in range(round(_LONGEST_S * _FPS)):
        writer.write(decoded(images[index % len(images)]))
    writer.release()
    return path


def decoded(jpeg: bytes) -> cv2.typing.MatLike:
    """Return the picture in colour."""
    image = decode_jpeg(jpeg, cv2.IMREAD_COLOR)
    assert image is not None
    return image


def start(video: Path, caches: Path, out: Path) -> float:
    """Return the seconds from the command to the first label."""
    words = [sys.executable, "-m", "mace.cli", "live", str(video), "--source.realtime"]
    words += ["--out", str(out), "--no-video", "--window", "no"]
    stores = {"XDG_CACHE_HOME": str(caches / "xla"), "NUMBA_CACHE_DIR": str(caches / "numba")}
    begun = time.monotonic()
    process = subprocess.Popen(
        words, env=os.environ | stores, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not labelled(out):
            if process.poll() is not None or time.monotonic() - begun > _LONGEST_S:
                raise SystemExit("mace live ended without a label")
            time.sleep(0.02)
        return time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def labelled(out: Path) -> bool:
    """Return whether a frame of the session in the making has a label."""
    logs = [*out.parent.glob(f".{out.name}.partial-*/frames.jsonl"), out / "frames.jsonl"]
    lines = (line for path in logs if path.exists() for line in path.read_text().splitlines(True))
    return any(json.loads(line)["label"] for line in lines if line.endswith("\n"))


if __name__ == "__main__":
    tyro.cli(main)
