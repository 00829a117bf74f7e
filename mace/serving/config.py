"""Where a page is served, and whether its TLS certificate will do, asked before anything else."""

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from mace.errors import ConfigError

MAKE_ONE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout key.pem -out cert.pem "
    "-subj /CN=mace"
)
"""The command that makes a certificate of one's own."""


@dataclass(frozen=True)
class ServingConfig:
    """Where a page is served, and to how many.

    Attributes:
        host: address to listen on. Any but this machine's own loopback asks for a token.
        port: 0 for any free one.
        cert: TLS certificate (PEM). Browsers give their camera to https and localhost pages only.
        key: the certificate's private key (PEM).
        names: host names, besides localhost and plain addresses, under which the page may be
            opened.
        max_clients: open pages at a time.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    cert: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()
    max_clients: int = 8

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
        if self.max_clients < 1:
            raise ConfigError(f"web.max_clients is {self.max_clients}, expected 1 or more")
        if (self.cert is None) != (self.key is None):
            raise ConfigError("web.cert and web.key belong together; give both, or neither")
        if self.cert is not None and self.key is not None:
            _check_certificate(self.cert, self.key)


def _check_certificate(cert: Path, key: Path) -> None:
    """Load both as the server will."""
    for option, path in (("cert", cert), ("key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(f"web.{option}: cannot read {path}: {error.strerror}") from error

    def passphrase() -> str:  # nobody may be there to type it
        raise ConfigError(
            f"web.key: {key} asks for a passphrase; `openssl pkey -in {key} -out plain.pem` writes "
            "it without one, for your eyes alone"
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, passphrase)
    except ssl.SSLError as error:
        what = (
            f"{cert} and {key} do not belong together: the certificate is of another key"
            if error.reason == "KEY_VALUES_MISMATCH"
            else f"{cert} and {key} are not a certificate and its key in PEM form"
        )
        raise ConfigError(f"web.cert, web.key: {what}; make new ones: `{MAKE_ONE}`") from error
