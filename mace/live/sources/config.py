"""Settings of sources; imports nothing heavy, so that a command's help is quick."""

from dataclasses import dataclass
from typing import Literal

from mace.errors import ConfigError

MOST_FPS = 100_000
RAW_CHANNELS = {"gray": 1, "bgr": 3}


@dataclass(frozen=True)
class SourceConfig:
    """What is asked of a source; None leaves it to the source.

    Attributes:
        fps: frames per second: asked of a camera; for files, where they say it wrongly.
        width: width in px: asked of a camera, and that of raw frames on standard input.
        height: height in px, likewise.
        fourcc: four letters of the format asked of a camera; raw ones fill USB at high rates.
        exposure: exposure in the driver's units (0.1 ms on Linux), which also turns the automatic
            one off.
        buffers: frames a camera's driver may hold. One is never old, but some drivers lose every
            second frame with it at high rates; more do no harm while frames are read as they come.
        realtime: play a file at its own speed, as a camera would have; read standard input as it
            comes.
        loop: start a file again when it ends; needs realtime.
        stdin: what comes on standard input: JPEG images one after the other, or raw frames.
        open_timeout_s: how long a stream may take to give its first frame.
        read_timeout_s: how long a stream may give nothing before it is opened anew.
    """

    fps: float | None = None
    width: int | None = None
    height: int | None = None
    fourcc: str | None = "MJPG"
    exposure: float | None = None
    buffers: int = 1
    realtime: bool = False
    loop: bool = False
    stdin: Literal["mjpeg", "gray", "bgr"] = "mjpeg"
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a number out of range, or settings that contradict each other.
        """
        if self.fps is not None and not 0 < self.fps <= MOST_FPS:
            raise ConfigError(
                f"--fps is {self.fps:g}, expected more than 0 and at most {MOST_FPS:,} frames per "
                "second"
            )
        for name in ("width", "height", "buffers", "open_timeout_s", "read_timeout_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"source.{name} is {value}, expected more than 0")
        if self.fourcc is not None and not (len(self.fourcc) == 4 and self.fourcc.isascii()):
            raise ConfigError(
                f"source.fourcc is {self.fourcc!r}, expected four letters such as MJPG or YUYV"
            )
        if self.loop and not self.realtime:
            raise ConfigError("source.loop would never end; ask for source.realtime as well")
        if self.stdin in RAW_CHANNELS and None in (self.width, self.height):
            raise ConfigError(
                f"raw {self.stdin} frames do not say their size; give source.width and .height"
            )
