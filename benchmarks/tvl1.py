"""TV-L1 optical flow: ours in JAX against scikit-image's, side by side on the same pairs.

    uv run python benchmarks/tvl1.py [--size 128] [--batches 1 16 64] [--repeats 5]

Prints, for each batch, the median time per pair over the repeats, the ratio, and the mean absolute
difference of the two flows in px. Both use scikit-image's default parameters on float32 images in
[0, 1]. scikit-image takes one pair at a time, so its time is the median over single pairs, taken
between our repeats: a load on the machine then falls on both. Compilation is reported by itself.
"""

import argparse
import statistics
import time

import cv2
import jax
import numpy as np
import skimage.data
from skimage.registration import optical_flow_tvl1

from mace.motion.tvl1 import tvl1_flow


def pairs(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 (count, size, size) faces and copies moved by smooth fields of 0.5 to 3 px."""
    rng = np.random.default_rng(0)
    face = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[0:200, 120:320]
    face = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    moved = np.empty((count, size, size), np.uint8)
    for index in range(count):
        noise = rng.normal(size=(size, size, 2)).astype(np.float32)
        field = cv2.GaussianBlur(noise, (0, 0), 0.1 * size)
        field *= rng.uniform(0.5, 3) / np.abs(field).max()
        moved[index] = cv2.remap(
            face,
            x - field[..., 0],
            y - field[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        )
    scale = np.float32(255)
    return np.broadcast_to(face / scale, moved.shape).astype(np.float32), moved / scale


def main() -> None:
    parser = argparse.ArgumentParser(description="TV-L1 in JAX against scikit-image")
    parser.add_argument("--size", type=int, default=128, help="side of the crops in pixels")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    device = jax.devices()[0]
    print(f"{arguments.size} px, {device.platform}, {arguments.repeats} repeats, medians per pair")
    print("batch  compile s  scikit-image ms  JAX ms  ratio  mean |difference| px")
    for batch in arguments.batches:
        reference, target = pairs(batch, arguments.size)
        start = time.perf_counter()
        flow = np.asarray(tvl1_flow(reference, target))
        compiled = time.perf_counter() - start
        ours, theirs, differences = [], [], []
        for repeat in range(arguments.repeats):
            start = time.perf_counter()
            jax.block_until_ready(tvl1_flow(reference, target))
            ours.append((time.perf_counter() - start) / batch)
            index = repeat % batch
            start = time.perf_counter()
            v, u = optical_flow_tvl1(reference[index], target[index])
            theirs.append(time.perf_counter() - start)
            differences.append(np.abs(flow[index] - np.stack([u, v], axis=-1)).mean())
        mine, other = statistics.median(ours), statistics.median(theirs)
        print(
            f"{batch:5d}  {compiled:9.1f}  {1e3 * other:15.1f}  {1e3 * mine:6.1f}  "
            f"{other / mine:5.1f}  {np.mean(differences):.1e}"
        )


if __name__ == "__main__":
    main()
