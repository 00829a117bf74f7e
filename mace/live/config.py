"""Settings of the live loop and its sources; imports nothing heavy, so that help is quick.

One out of its range is a ConfigError.
"""

from dataclasses import dataclass, field, fields
from typing import Literal

from mace.errors import ConfigError
from mace.spotting.config import SpottingConfig

MOST_FACES = 8
"""Each costs some milliseconds a frame."""

SLOW_FPS = 100.0
"""Below this many frames a second, a movement of 0.1 s from onset to apex has fewer than ten
frames; the databases were recorded at 100 and 200."""

LEAST_FPS = 29.0
"""Below this, just under what calls itself 30, it has fewer than three."""

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
    stdin: Literal["mjpeg", "gray", "bgr"] = "mjpeg"
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0

    def __post_init__(self) -> None:
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
        if self.stdin in RAW_CHANNELS and None in (self.width, self.height):
            raise ConfigError(
                f"raw {self.stdin} frames do not say their size; give source.width and .height"
            )


@dataclass(frozen=True)
class QualityConfig:
    """From when on a face is flagged.

    Attributes:
        max_error_px: registration error, px of the 128-px crop: the peak of the faintest movements.
        min_sharpness: of the reference's: half is what is left of a face that moves by 2 px of the
            128-px crop within one exposure, which takes the edge off motions of that size.
        max_roll_deg: as far as the detector, which confirms tracks, sees faces.
        max_turn_deg: of the head out of the image's plane, when its neutral reference was taken:
            beyond that the cheek that turns away is seen at a slant, and its motion with it.
            Measured to some degrees.
        min_size_px: between the eyes, px of the frame: below that, half a px of the crop is less
            than 0.4 px.
        min_visible: share of the crop that lies within the frame; the rest repeats its edge.
        max_misfit: what of two regions below the eyes, or 1.7 times as much of a brow, the neutral
            reference may leave unexplained (`mace.spotting.covered`): of micro-expressions it is up
            to 0.25, of a hand before the face 0.35 to 0.8, of a mouth that opens wide as much.
    """

    max_error_px: float = 0.4
    min_sharpness: float = 0.5
    max_roll_deg: float = 30.0
    max_turn_deg: float = 25.0
    min_size_px: float = 40.0
    min_visible: float = 0.95
    max_misfit: float = 0.3

    def __post_init__(self) -> None:
        for name in (threshold.name for threshold in fields(self)):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"quality.{name} is {getattr(self, name)}, expected 0 or more")


@dataclass(frozen=True)
class LiveConfig:
    """How frames are compared and predictions smoothed.

    Attributes:
        flow: of a network that reads DIS flow: as it was trained, or at a fifteenth of the time
            (`patches` of `MotionConfig`). `auto` is fast for live sources alone, so that a file
            gets the very predictions of a stored clip. Spotted movements are named by the flow that
            was trained on.
        smoothing_s: time constant of the exponential smoothing of probabilities, in s; 0 for none.
        adapt_s: how long the face is neutral at the start, in s: that time gets no label, its mean
            motion is taken out of what follows, and motions no stronger than its own count as
            still; 0 for none.
        faces: how many people are followed at most, the largest first.
        look_s: with room for more people: time between two looks at the whole frame for newcomers,
            in s.
        forget_s: a face that was lost for longer than this, in s, and looks different is somebody
            else.
        quality: from when on a face is flagged as not to be relied on; it is predicted all the
            same.
        spotting: what counts as a movement; needs a network that reads flow.
    """

    flow: Literal["auto", "fast", "trained"] = "auto"
    smoothing_s: float = 0.05
    adapt_s: float = 0.0
    faces: int = 1
    look_s: float = 0.5
    forget_s: float = 5.0
    quality: QualityConfig = field(default_factory=QualityConfig)
    spotting: SpottingConfig = SpottingConfig()  # noqa: RUF009 - frozen, so sharing it is safe

    def __post_init__(self) -> None:
        if not 1 <= self.faces <= MOST_FACES:
            raise ConfigError(f"live.faces is {self.faces}, expected 1 to {MOST_FACES}")
        for name in ("smoothing_s", "adapt_s", "look_s", "forget_s"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"live.{name} is {getattr(self, name)} s, expected 0 or more")
