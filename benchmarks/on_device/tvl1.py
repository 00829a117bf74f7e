"""TV-L1 flow: pairs of 128 px a second on the device, and on this machine's CPU beside it."""

import json
import os
import subprocess
import sys
from typing import Any

import cv2
import jax
import numpy as np

from mace.motion.tvl1 import tvl1_flow
from on_device.results import Results, timed


def measure(results: Results, *, tiny: bool) -> None:
    """Time batches of several sizes, then one on the CPU, in a process of its own."""
    size = 32 if tiny else 128
    few, many = ((1, 4), (1, 4)) if tiny else ((1, 16), (1, 16, 64, 256, 1024))
    for batch in few if jax.default_backend() == "cpu" else many:
        results.measure(f"device/{batch}", lambda batch=batch: rate(batch, size))
    batch = 2 if tiny else 32
    results.measure(f"cpu/{batch}", lambda: _on_cpu(batch, size))


def smooth_pairs(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 (count, size, size) pictures and copies moved by smooth fields of 0.5 to 3 px.

    Clouds of several widths, from 0 to 1.
    """
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    pictures = np.empty((2, count, size, size), np.float32)
    for index in range(count):
        picture = sum(
            width * cv2.GaussianBlur(rng.normal(size=(size, size)), (0, 0), width)
            for width in (1.5, 4.0, 10.0)
        )
        picture = cv2.normalize(np.asarray(picture, np.float32), None, 0, 1, cv2.NORM_MINMAX)
        field = cv2.GaussianBlur(rng.normal(size=(size, size, 2)), (0, 0), 0.1 * size)
        field = (field * rng.uniform(0.5, 3) / np.abs(field).max()).astype(np.float32)
        pictures[0, index] = picture
        pictures[1, index] = cv2.remap(
            picture, x - field[..., 0], y - field[..., 1], cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
    return pictures[0], np.clip(pictures[1], 0, 1)


def rate(batch: int, size: int) -> dict[str, Any]:
    """Return pairs a second for a batch that lies on the device already."""
    pairs = jax.device_put(smooth_pairs(batch, size))
    seconds = timed(lambda: jax.block_until_ready(tvl1_flow(*pairs)), repeats=3)
    return {"batch": batch, "size": size, "pairs_a_second": batch / seconds["median_s"]} | seconds


def _on_cpu(batch: int, size: int) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "on_device.tvl1", str(batch), str(size)],
        env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(rate(int(sys.argv[1]), int(sys.argv[2]))))
