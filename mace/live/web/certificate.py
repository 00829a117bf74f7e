"""Whether a TLS certificate and its key will serve, asked before anything else is begun."""

import ssl
from pathlib import Path

from mace.errors import ConfigError

MAKE_ONE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout key.pem -out cert.pem "
    "-subj /CN=mace"
)
"""The command that makes a certificate of one's own."""


def check_certificate(cert: Path, key: Path) -> None:
    """Load both as the server will.

    Raises:
        ConfigError: if one cannot be read or is no PEM file, if they do not belong together, or if
            the key has a passphrase: nobody may be there to type it.
    """
    for option, path in (("cert", cert), ("key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(f"web.{option}: cannot read {path}: {error.strerror}") from error

    def passphrase() -> str:
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
