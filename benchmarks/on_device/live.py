"""The live step as a live loop calls it: crops and flow go to the device, probabilities come back.

The packaged network; flow is given, since a live loop measures it on the CPU. What is timed is one
call with everything it waits for: transfer there, motion, network, smoothing, transfer back.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from mace.bundle import Bundle, load_bundle
from mace.live.step import StepInput, begin, make_step
from mace.pretrained.bundle_files import bundle_path
from on_device.results import Results

CROP = 128


def measure(results: Results, *, tiny: bool) -> None:
    """Time the step for one face and for eight."""
    bundle = load_bundle(bundle_path("pretrained"))
    for faces in (1, 8):
        results.measure(f"faces/{faces}", lambda faces=faces: delays(bundle, faces, tiny=tiny))


def live_step(bundle: Bundle, *, faces: int) -> Callable[[], np.ndarray]:
    """Return the compiled step on random crops: each call answers for one frame, float32 (f, k)."""
    step = make_step(bundle, faces=faces, crop=CROP, rests=True)
    state = [begin(bundle, faces=faces, crop=CROP, rests=True)]
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 255, (2, faces, CROP, CROP), np.uint8)
    given = StepInput(
        reference=crops[0],
        target=crops[1],
        flow=rng.normal(size=(faces, CROP, CROP, 2)).astype(np.float32),
        keep=np.full(faces, 0.5, np.float32),
        resting=np.zeros(faces, bool),
        renewed=np.zeros(faces, bool),
    )

    def frame() -> np.ndarray:
        state[0], output = step(state[0], given)
        return np.asarray(output.smoothed)

    return frame


def delays(bundle: Bundle, faces: int, *, tiny: bool) -> dict[str, Any]:
    """Return percentiles of a frame's delay, after a warm-up."""
    start = time.perf_counter()
    frame = live_step(bundle, faces=faces)
    frame()
    compiled = time.perf_counter() - start
    seconds = []
    for _ in range(20 if tiny else 1000):
        start = time.perf_counter()
        frame()
        seconds.append(time.perf_counter() - start)
    median, late = np.percentile(seconds[len(seconds) // 10 :], [50, 99])
    return {"p50_ms": 1e3 * float(median), "p99_ms": 1e3 * float(late), "first_s": compiled}
