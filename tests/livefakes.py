"""Stand-ins of the engine and its source: what they give is known beforehand."""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from mace.face.tracked import Status, TrackedFace
from mace.live.results import Counters, FaceResult, Moving, Result
from mace.live.sources.frame import Frame
from mace.motion.config import OWN_FRAMING
from mace.spotting.events import Event, Unit
from mace.spotting.moving import RegionMotion

CLASSES = ("negative", "positive", "surprise")
FACTS = dict(
    classes=list(CLASSES),
    notice="Trained on synthetic faces alone. Movements, not feelings: no proof of lying.",
    model="fake",
    source="a fake source",
)


def labelled(frame, *, identity=0, status=Status.TRACKED):
    """A face in the middle of the frame whose probabilities swing with a period of two seconds."""
    height, width = frame.image.shape[:2]
    side = 0.6 * height
    scale = 128 / side
    left, top = (width - side) / 2 + 0.25 * width * identity, (height - side) / 2
    transform = np.array([[scale, 0, -scale * left], [0, scale, -scale * top]])
    points = np.array([[38.0, 46], [90, 46], [64, 72], [46, 94], [82, 94]]) / scale + (left, top)
    keyframe = SimpleNamespace(
        landmarks=points, transform=transform, reference=np.full((128, 128), 90, np.uint8)
    )
    face = TrackedFace(
        index=frame.index,
        status=status,
        crop=np.full((128, 128), 120, np.uint8),
        transform=transform,
        keyframe=keyframe,
        reference_id=0,
        error_px=0.12,
        faces=1,
    )
    swing = 0.5 + 0.45 * np.sin(np.pi * frame.time)
    values = np.array([0.6 * (1 - swing), 0.4 * (1 - swing), swing], np.float32)
    y, x = np.mgrid[-1:1:28j, -1:1:28j].astype(np.float32)
    inputs = np.stack([x * swing, y * swing, np.hypot(x, y)], axis=-1).astype(np.float32)
    return FaceResult(
        index=frame.index,
        time=frame.time,
        face=face,
        classes=CLASSES,
        inputs=inputs,
        probabilities=values,
        smoothed=values,
        label=CLASSES[int(values.argmax())],
        identity=identity,
        moving=brow_raise(swing),
    )


def brow_raise(px):
    """A brow that is up by `px` px; below 0.6 the face is still."""
    flow = np.zeros((28, 28, 2), np.float32)
    if px < 0.6:
        return Moving((), flow, OWN_FRAMING)
    y, x = np.mgrid[:28, :28]
    flow[..., 1] = -px * np.exp(-((x - 7) ** 2 + (y - 3) ** 2) / 20)
    brow = RegionMotion("brow_left", 0.0, -px)
    units = {"1": Unit(0.9, px, 0.0, True), "2": Unit(0.1, 0.5, 0.0, False)}
    return Moving((brow,), flow, OWN_FRAMING, lambda: units)


def event(apex, *, kind="micro", fps=50.0, identity=0):
    return Event(
        identity=identity,
        kind=kind,
        onset=apex - 0.12,
        apex=apex,
        offset=apex + 0.15,
        onset_frame=round((apex - 0.12) * fps),
        apex_frame=round(apex * fps),
        offset_frame=round((apex + 0.15) * fps),
        strength_px=0.84,
        regions=("left_brow", "right_brow"),
        label="surprise" if kind == "micro" else None,
        probabilities=dict(zip(CLASSES, (0.1, 0.2, 0.7), strict=True)) if kind == "micro" else {},
        confidence=0.7 if kind == "micro" else 0.0,
    )


class FakeEngine:
    """Labels each frame at once, with a micro-expression each second and now and then a blink."""

    LAST = event(99.0, kind="macro")

    def __init__(self, *, fails_at=None, slow_s=0.0):
        self.resets = 0
        self.closed = False
        self.images = []
        self.threads = set()
        self._fails_at, self._slow_s = fails_at, slow_s
        self._second = 0

    def push(self, frame):
        self.threads.add(threading.get_ident())
        self.images.append(frame.image.shape)
        if frame.index == self._fails_at:
            raise RuntimeError("the engine broke")
        time.sleep(self._slow_s)
        events = ()
        if frame.time > self._second + 1:
            self._second += 1
            kind = "blink" if self._second % 3 == 0 else "micro"
            events = (event(frame.time - 0.4, kind=kind, fps=frame.index / frame.time),)
        counters = Counters(frames=frame.index + 1, fps=200.0, delay_ms=3.4)
        return [Result(frame, (labelled(frame),), events, counters)]

    def finish(self):
        return []

    def last_events(self):
        return (self.LAST,) if self.images else ()

    def reset_reference(self):
        self.resets += 1

    def close(self):
        self.closed = True


def looped(images, *, fps, seconds=60.0, paced=True):
    """The images over and over, at `fps` by the clock if `paced`."""
    start = time.monotonic()
    for index, image in enumerate(itertools.cycle(images)):
        at = index / fps
        if at > seconds:
            return
        if paced:
            time.sleep(max(0.0, start + at - time.monotonic()))
        yield Frame(index, at, image, time.monotonic())


def grey_images(count=8, size=(240, 320)):
    rng = np.random.default_rng(0)
    base = rng.integers(0, 255, (*size, 3), np.uint8)
    return [np.roll(base, shift, axis=1) for shift in range(count)]


@contextlib.contextmanager
def served(*arguments):
    """Run `serve_fakes.py` and yield the page's address."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).parent / "live" / "web" / "serve_fakes.py"),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


class FakeRunner:
    """The plainest runner: frame after frame, as fast as they come."""

    def __init__(self, frames, engine, pages):
        self._frames, self._engine, self._pages = frames, engine, pages
        self._reset, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def wait(self, timeout=None):
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def reset_reference(self):
        self._reset.set()

    def _work(self):
        result = None
        for frame in self._frames:
            if self._stop.is_set():
                break
            if self._reset.is_set():
                self._reset.clear()
                self._engine.reset_reference()
            for result in self._engine.push(frame):
                self._pages.publish(result)
        if result is not None:
            self._pages.publish(replace(result, events=self._engine.last_events()))
        self._engine.close()
