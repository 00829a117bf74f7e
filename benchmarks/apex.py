"""Apex estimation against the truth of rendered clips.

    uv run mace prepare synthetic --config demo --seed 2
    uv run mace prepare synthetic --config demo --seed 3
    uv run python benchmarks/apex.py data/synthetic/demo-seed2 data/synthetic/demo-seed3

Prints, for each method, the mean absolute error in frames, the fraction of clips that are more than
four frames off, and the median cost of a clip in ms (all of its flow included). `midpoint` is the
frame between onset and offset; `peak` is the peak of the mean motion of the same regions, smoothed
over 7.5 ms; `divide and conquer` halves the clip towards the half with the larger sum of that
motion, as D&C-RoIs does.
"""

import argparse
import statistics
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from mace.data.clips import Clip
from mace.data.loading import load_clips
from mace.motion.apex import estimate_apex, region_motion

SMOOTH_S = 0.0075


def midpoint(clip: Clip) -> int:
    return (clip.onset + clip.offset) // 2


def fitted(clip: Clip) -> int:
    return estimate_apex(clip.frames, onset=clip.onset, offset=clip.offset)


def activity(clip: Clip) -> np.ndarray:
    """Mean displacement of the regions in every frame after the onset, smoothed in time."""
    motion = region_motion(clip.frames[clip.onset : clip.offset + 1])
    mean = np.linalg.norm(motion, axis=-1).mean(axis=-1).astype(np.float64)
    # The onset has no motion against itself, not even that of its noise.
    sigma = SMOOTH_S * clip.fps
    return gaussian_filter1d(mean[1:], sigma, mode="nearest")


def peak(clip: Clip) -> int:
    return clip.onset + 1 + int(np.argmax(activity(clip)[:-1]))


def divide_and_conquer(clip: Clip) -> int:
    values = activity(clip)
    first, last = 0, len(values)
    while last - first > 1:
        half = (first + last) // 2
        if values[first:half].sum() > values[half:last].sum():
            last = half
        else:
            first = half
    return clip.onset + 1 + first


METHODS = {
    "midpoint": midpoint,
    "peak": peak,
    "divide and conquer": divide_and_conquer,
    "estimate_apex": fitted,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="apex estimation against rendered truth")
    parser.add_argument("folders", type=Path, nargs="+", help="prepared synthetic data sets")
    folders = parser.parse_args().folders
    cv2.setNumThreads(1)
    clips = [clip for folder in folders for clip in load_clips(folder)]
    lengths = [clip.offset - clip.onset for clip in clips]
    print(f"{len(clips)} clips, {min(lengths)} to {max(lengths)} frames from onset to offset")
    print(f"{'method':20s}  mean |error|  over 4 frames   ms/clip")
    for name, method in METHODS.items():
        errors, costs = [], []
        for clip in clips:
            start = time.perf_counter()
            found = method(clip)
            costs.append(1e3 * (time.perf_counter() - start))
            errors.append(abs(found - clip.apex))
        far = np.mean(np.array(errors) > 4)
        print(
            f"{name:20s}  {np.mean(errors):12.2f}  {far:12.1%}  {statistics.median(costs):9.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
