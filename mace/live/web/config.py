"""Settings of the live page: where it is served, the bounds of what it takes, what it says."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from mace.errors import ConfigError
from mace.live.web.certificate import check_certificate


@dataclass(frozen=True)
class WebConfig:
    """Where the page is served, and how much anybody may ask of it.

    Attributes:
        host: address to listen on. Any but this machine's own loopback asks for a token.
        port: 0 for any free one.
        cert: TLS certificate (PEM). Browsers give their camera to https and localhost pages only.
        key: the certificate's private key (PEM).
        names: host names, besides localhost and plain addresses, under which the page may be
            opened.
        camera: whether browsers may send their own camera's frames.
        max_clients: open pages at a time.
        max_cameras: of these, pages that send frames: each costs an engine.
        max_message_bytes: the largest message, such as one frame.
        max_pixels: the largest frame, in px, looked at before it is decoded.
        max_in_flight: frames of one page that wait for an answer; what comes beyond is not read.
        max_rate: frames a second of one page; those beyond are counted as dropped.
        idle_s: a page that should send frames and sends nothing for so long is closed, in s.
        preview_fps: pictures a second of the server's own camera, at most.
        preview_width: wider pictures are made smaller before they are sent, in px.
        preview_quality: JPEG quality of these pictures; they are for looking at, not for measuring.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    cert: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()
    camera: bool = True
    max_clients: int = 8
    max_cameras: int = 2
    max_message_bytes: int = 4 * 1024 * 1024
    max_pixels: int = 1920 * 1080
    max_in_flight: int = 3
    max_rate: float = 240.0
    idle_s: float = 120.0
    preview_fps: float = 30.0
    preview_width: int = 960
    preview_quality: int = 80

    @property
    def loopback(self) -> bool:
        """Whether only this machine itself can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a number out of its range, or a certificate that will not serve.
        """
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"web.port is {self.port}, expected 0 to 65535")
        for name in ("max_clients", "max_cameras", "max_in_flight", "max_pixels"):
            if getattr(self, name) < 1:
                raise ConfigError(f"web.{name} is {getattr(self, name)}, expected 1 or more")
        for name in ("max_rate", "idle_s", "preview_fps"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"web.{name} is {getattr(self, name)}, expected more than 0")
        if self.max_message_bytes < 1024:
            raise ConfigError(
                f"web.max_message_bytes is {self.max_message_bytes}, expected 1024 or more"
            )
        if self.preview_width < 64:
            raise ConfigError(f"web.preview_width is {self.preview_width} px, expected 64 or more")
        if not 1 <= self.preview_quality <= 100:
            raise ConfigError(f"web.preview_quality is {self.preview_quality}, expected 1 to 100")
        if (self.cert is None) != (self.key is None):
            raise ConfigError("web.cert and web.key belong together; give both, or neither")
        if self.cert is not None and self.key is not None:
            check_certificate(self.cert, self.key)


@dataclass(frozen=True)
class Facts:
    """What the page says about the session.

    Attributes:
        classes: that the model knows.
        notice: what the model was trained on, and what it is not.
        model: which it is.
        source: the server's own source, in words.
    """

    classes: tuple[str, ...]
    notice: str
    model: str = ""
    source: str = ""
