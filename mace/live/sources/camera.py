"""Cameras: asked for what fast capture needs, and honest about what they gave."""

import math
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path

import cv2

from mace.errors import DataError
from mace.live.config import SourceConfig
from mace.live.sources.frame import Frame
from mace.live.sources.stream import Grabber, Opener, Stream, open_with_opencv

DEVICES = Path("/sys/class/video4linux")
_V4L_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
_MANUAL_EXPOSURE = 1  # V4L2_EXPOSURE_MANUAL; 3 is automatic
# A driver's own time of capture is believed if it lies this close before now, in s.
_STAMP_AGE_S = 1.0


class Camera(Stream):
    """A camera by index or name, opened anew by the same when it comes back.

    `Frame.captured` is the driver's time of capture where it has the monotonic clock (V4L2), else
    the time at which the frame was there, before decoding.

    Attributes:
        differences: in which ways it is not as asked, in a sentence; empty if it is.
    """

    remedy = "; give it more light, a shorter exposure or more source.buffers"

    def __init__(
        self,
        camera: int | str,
        config: SourceConfig | None = None,
        *,
        opener: Opener = open_with_opencv,
        devices: Path = DEVICES,
    ):
        self._camera = camera
        self._config = config or SourceConfig()
        self._opener = opener
        self._devices = devices
        super().__init__(f"camera {camera}", self._connect)
        self.fps = _known(self._answers[cv2.CAP_PROP_FPS]) or 0.0
        self.differences = self._compared()

    def frames(self) -> Generator[Frame, None, None]:
        """Yield frames as `Stream.frames`; what the camera does not give as asked is reported."""
        if self.differences:
            self.report("assumed", self.differences)
        yield from super().frames()

    def _connect(self) -> Grabber:
        # By name anew every time: a camera that comes back may have another index.
        index = _index(self._camera, self._devices)
        backend = cv2.CAP_V4L2 if sys.platform == "linux" else cv2.CAP_ANY
        # Read by OpenCV at its first camera: 10 s, unless said, in which a hanging one cannot be
        # let go.
        os.environ.setdefault(_V4L_TIMEOUT, str(math.ceil(self._config.read_timeout_s)))
        reader = self._opener(index, backend, ())
        if not reader.isOpened():
            reader.release()
            raise DataError(_missing(index, self._devices))
        config = self._config
        # The format first: it decides which sizes and rates there are.
        if config.fourcc is not None:
            reader.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*config.fourcc))
        for prop, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, config.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, config.height),
            (cv2.CAP_PROP_FPS, config.fps),
            (cv2.CAP_PROP_BUFFERSIZE, config.buffers),
            (cv2.CAP_PROP_AUTO_EXPOSURE, config.exposure and _MANUAL_EXPOSURE),
            (cv2.CAP_PROP_EXPOSURE, config.exposure),
        ):
            if value is not None:
                reader.set(prop, value)
        self._answers = {
            prop: reader.get(prop)
            for prop in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FOURCC, cv2.CAP_PROP_EXPOSURE)
        }
        return reader

    def _stamp(self, reader: Grabber) -> float:
        now = time.monotonic()
        stamp = reader.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return stamp if now - _STAMP_AGE_S < stamp <= now else now

    def _compared(self) -> str:
        asked = self._config
        width, height = self.size
        fourcc = _letters(self._answers[cv2.CAP_PROP_FOURCC])
        exposure = _known(self._answers[cv2.CAP_PROP_EXPOSURE])
        wrong = []
        expected = asked.width or width, asked.height or height
        if expected != (width, height):
            wrong.append(f"{width}x{height} px instead of {expected[0]}x{expected[1]}")
        if asked.fps is not None and abs(self.fps - asked.fps) > 0.01 * asked.fps:
            wrong.append(f"{self.fps:g} frames per second instead of {asked.fps:g}")
        if asked.fourcc is not None and fourcc and fourcc != asked.fourcc:
            wrong.append(f"{fourcc} instead of {asked.fourcc}")
        if asked.exposure is not None and exposure != asked.exposure:
            given = "an unknown exposure" if exposure is None else f"exposure {exposure:g}"
            wrong.append(f"{given} instead of {asked.exposure:g}")
        return f"{self.name} gives {', '.join(wrong)}" if wrong else ""


def list_cameras(devices: Path = DEVICES) -> dict[int, str]:
    """Return the cameras of this machine, index to name; empty where the system lists none."""
    cameras = {}
    for file in devices.glob("video*/name"):
        digits = file.parent.name.removeprefix("video")
        if digits.isdecimal():
            cameras[int(digits)] = file.read_text("utf-8", "replace").strip()
    return dict(sorted(cameras.items()))


def _index(camera: int | str, devices: Path) -> int:
    if isinstance(camera, int):
        return camera
    cameras = list_cameras(devices)
    wanted = camera.casefold()
    # One camera has several devices, of which the first gives the pictures.
    exact = [index for index, name in cameras.items() if name.casefold() == wanted]
    partly = [index for index, name in cameras.items() if wanted in name.casefold()]
    if not (exact or partly):
        raise DataError(f"no camera is called {camera!r}; {_listed(cameras)}")
    return (exact or partly)[0]


def _missing(index: int, devices: Path) -> str:
    cameras = list_cameras(devices)
    if index in cameras:
        return (
            f"camera {index} ({cameras[index]}) cannot be opened; another program may use it, or "
            "your user may not (on Linux it must be in the group `video`)"
        )
    return f"there is no camera {index}; {_listed(cameras)}"


def _listed(cameras: dict[int, str]) -> str:
    if not cameras:
        return "the system lists no camera: plug one in, or name a video"
    return "there are " + ", ".join(f"{index} ({name})" for index, name in cameras.items())


def _known(value: float) -> float | None:
    return value if math.isfinite(value) and value > 0 else None


def _letters(code: float) -> str:
    number = int(code) if math.isfinite(code) and code > 0 else 0
    letters = "".join(chr(number >> shift & 0xFF) for shift in (0, 8, 16, 24))
    return letters if letters.isprintable() else ""
