"""Where the page is served, and what to tell whoever started it."""

import socket
from collections.abc import Sequence

from mace.errors import ConfigError
from mace.live.web.certificate import MAKE_ONE
from mace.live.web.config import WebConfig

TLS_ADVICE = (
    "Without TLS the video travels in the clear and browsers keep their cameras closed: run "
    f"`{MAKE_ONE}` and add --web.cert cert.pem --web.key key.pem, or keep the default address "
    "and run `ssh -L {port}:127.0.0.1:{port} THIS_MACHINE` where the browser is."
)


def address_lines(config: WebConfig, token: str | None) -> Sequence[str]:
    """Return what to tell whoever started the server: the address, and how to use it safely."""
    scheme = "http" if config.cert is None else "https"
    everywhere = config.host in ("", "0.0.0.0", "::")
    host = socket.gethostname() if everywhere else config.host
    host = f"[{host}]" if ":" in host else host
    query = "" if token is None else f"?token={token}"
    lines = [f"{scheme}://{host}:{config.port}/{query}"]
    if token is not None and config.cert is None:
        lines.append(TLS_ADVICE.format(port=config.port))
    return lines


def listen(config: WebConfig) -> socket.socket:
    """Return a socket that listens where the page is to be served.

    Raises:
        ConfigError: if that address cannot be listened on.
    """
    try:
        kind, *_, address = socket.getaddrinfo(
            config.host or None, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(kind, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()  # whoever reads the address may connect at once
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror or error}; choose "
            "others with --web.host and --web.port"
        ) from error
    return listening
