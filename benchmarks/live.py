"""The live loop under load: rate, delay, drops and cost, from a 640 x 480 MJPEG source.

    uv run python benchmarks/live.py paced --seconds 120         200 frames a second, as a camera
    uv run python benchmarks/live.py paced --fps 60 --seconds 60
    uv run python benchmarks/live.py free                        as fast as possible
    uv run python benchmarks/live.py free --seconds 3600         and what it does to the memory

A rendered face (two seconds, played there and back without end) is decoded from JPEG, followed,
measured by DIS flow and named by the packaged network; a log is written and the picture drawn and
encoded 30 times a second, as for a page. The delay counts from the moment a frame was due. `free`
gives every frame a prediction and drops none; `--without-flow` runs a network of the same layers on
the plain difference of the faces. Shares of the first second are left out of `paced`.
"""

import dataclasses
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

# As `mace` does: a second thread of BLAS burns a core for moments after every small product.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import jax
import numpy as np
import tyro

from mace.bundle import Bundle, load_bundle
from mace.compilation import keep_compiled
from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.live.background_recorder import BackgroundRecorder
from mace.live.config import LiveConfig
from mace.live.cores import start_on_one_core
from mace.live.overlay import draw_result
from mace.live.queues import LatestResult
from mace.live.recorder import Recorder
from mace.live.results import Sink
from mace.live.runner import Runner
from mace.live.sources.frame import Frame, Source
from mace.live.sources.stored import Paced
from mace.live.terminal import summary_text
from mace.models.apply import init_model
from mace.models.make import make_model
from mace.motion.representation import channels
from mace.pictures.jpeg import decode_jpeg, encode_jpeg
from mace.pretrained.bundle_files import PRETRAINED, bundle_path

_WARM_S = 1.0


@dataclass(frozen=True)
class Config:
    """What to measure."""

    mode: tyro.conf.Positional[Literal["paced", "free"]] = "paced"
    fps: float = 200.0
    """Frames a second of the paced source."""
    seconds: float = 20.0
    without_flow: bool = False
    """A network of the same layers, random weights, on the difference of the faces."""
    flow: Literal["fast", "trained"] = "fast"
    """Live default, or the flow that the network was trained on."""
    log: bool = True
    """Write rows, lines and events, in a folder that is deleted."""
    video: bool = False
    """And the frames themselves, as JPEG."""
    display: bool = True
    """Draw and encode the newest result 30 times a second."""
    every_s: float = 60.0
    """Time between two lines about the memory."""


class Jpegs(Source):
    """JPEG images in memory, decoded when their turn comes, without end."""

    def __init__(self, images: list[np.ndarray], *, fps: float) -> None:
        super().__init__()
        self._images, self.fps, self.name, self.count = images, fps, "jpegs", 0
        first = decode_jpeg(images[0], cv2.IMREAD_GRAYSCALE)
        assert first is not None
        self.size = (first.shape[1], first.shape[0])

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the images, there and back, until closed."""
        turn = [*range(len(self._images)), *range(len(self._images) - 2, 0, -1)]
        index = 0
        while not self._closed.is_set():
            jpeg = self._images[turn[index % len(turn)]]
            image = decode_jpeg(jpeg, cv2.IMREAD_GRAYSCALE)
            assert image is not None
            yield Frame(index, index / self.fps, image, jpeg=jpeg)
            index += 1


def face(seconds: float = 2.0) -> list[np.ndarray]:
    """Return a rendered face as JPEG images of 640 x 480 px."""
    config = ClipConfig(width=640, height=480, frames=round(100 * seconds), eye_distance=90.0)
    clip = render_clip(Subject(5), emotion="surprise", seed=3, config=config)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
    return [
        cv2.imencode(".jpg", cv2.cvtColor(f, cv2.COLOR_GRAY2BGR), quality)[1] for f in clip.frames
    ]


def on_differences(bundle: Bundle) -> Bundle:
    """Return a network of the same layers that reads differences of faces."""
    motion = dataclasses.replace(bundle.motion, representation="difference")
    network = make_model(bundle.model, len(bundle.classes))
    shape = (motion.size, motion.size, channels(motion))
    variables = jax.device_get(init_model(network, jax.random.key(0), shape))
    normal = dataclasses.replace(bundle.normalisation, mean=(0.0,), std=(1.0,))
    return dataclasses.replace(bundle, motion=motion, variables=variables, normalisation=normal)


def display(latest: LatestResult, classes: tuple[str, ...]) -> Callable[[], None]:
    """Draw and encode the newest result 30 times a second; return what ends it."""

    def work() -> None:
        while not latest.closed:
            begun = time.monotonic()
            if (result := latest.take(0.1)) is not None:
                picture = draw_result(result, classes=classes, notice="benchmark")
                encode_jpeg(picture, 80)
            time.sleep(max(0.0, 1 / 30 - (time.monotonic() - begun)))

    thread = threading.Thread(target=work, name="display")
    thread.start()

    def end() -> None:
        latest.close()
        thread.join()

    return end


def main(config: Config) -> None:
    start_on_one_core()
    keep_compiled()
    bundle = load_bundle(bundle_path(Path(PRETRAINED)))
    if config.without_flow:
        bundle = on_differences(bundle)
    source: Source = Jpegs(face(), fps=config.fps)
    if config.mode == "paced":
        source = Paced(source)
    with ExitStack() as stack:
        sinks: list[Sink] = []
        if config.log:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "session"
            recorder = Recorder(
                folder,
                classes=bundle.classes,
                size=source.size,
                session={},
                pictures="own" if config.video else "none",
            )
            sinks.append(stack.enter_context(BackgroundRecorder(recorder)))
        if config.display:
            latest = LatestResult()
            sinks.append(latest.put)
            stack.callback(display(latest, bundle.classes))
        runner = Runner(source, bundle, config=LiveConfig(flow=config.flow), sinks=sinks)
        with runner:
            runner.wait(_WARM_S)
            before = runner.counters
            runner.timings.clear()
            used, begun = time.process_time(), time.monotonic()
            while (left := begun + config.seconds - time.monotonic()) > 0:
                runner.wait(min(left, config.every_s))
                print(json.dumps(_now(runner.counters, time.monotonic() - begun)), flush=True)
            seconds = time.monotonic() - begun
            summary = runner.summary(seconds, time.process_time() - used, since=before)
    print(summary_text(summary))
    print(f"{summary['counters']['frames'] / seconds:.1f} frames a second")


def _now(counters: Any, seconds: float) -> dict[str, Any]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "seconds": round(seconds, 1),
        "frames": counters.frames,
        "dropped": counters.dropped,
        "memory_mb": round(pages * 4096 / 2**20, 1),
    }


if __name__ == "__main__":
    main(tyro.cli(Config))
