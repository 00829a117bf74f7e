"""Settings of the live page: where it is served, the bounds of what it takes.

One out of its range is a ConfigError.
"""

from dataclasses import dataclass

from mace.errors import ConfigError
from mace.serving.config import ServingConfig


@dataclass(frozen=True)
class WebConfig(ServingConfig):
    """Where the page is served, and how much anybody may ask of it.

    Attributes:
        camera: whether browsers may send their own camera's frames.
        max_cameras: pages at a time that send frames: each costs an engine.
        max_message_bytes: the largest message, such as one frame.
        max_pixels: the largest frame, in px, looked at before it is decoded.
        max_in_flight: frames of one page that wait for an answer; what comes beyond is not read.
        max_rate: frames a second of one page; those beyond are counted as dropped.
        idle_s: a page that should send frames and sends nothing for so long is closed, in s.
        preview_fps: pictures a second of the server's own camera, at most.
    """

    camera: bool = True
    max_cameras: int = 2
    max_message_bytes: int = 4 * 1024 * 1024
    max_pixels: int = 1920 * 1080
    max_in_flight: int = 3
    max_rate: float = 240.0
    idle_s: float = 120.0
    preview_fps: float = 30.0

    def __post_init__(self) -> None:
        super().__post_init__()
        least = {
            **dict.fromkeys(("max_cameras", "max_in_flight", "max_pixels"), 1),
            "max_message_bytes": 1024,
        }
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ConfigError(f"web.{name} is {getattr(self, name)}, expected {bound} or more")
        for name in ("max_rate", "idle_s", "preview_fps"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"web.{name} is {getattr(self, name)}, expected more than 0")
