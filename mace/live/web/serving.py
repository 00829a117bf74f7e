"""How pages are served: on a socket of one's own, guarded, until Ctrl-C."""

from collections.abc import Callable
from dataclasses import replace

import uvicorn
from starlette.applications import Starlette

from mace.live.web.address import address_lines, listen
from mace.live.web.config import WebConfig
from mace.live.web.guard import Guard, make_guard


def serve_app(
    make_app: Callable[[Guard, WebConfig], Starlette],
    config: WebConfig,
    *,
    message_bytes: int,
    requests_each: int,
    say: Callable[[str], None],
) -> None:
    """Serve an application until Ctrl-C.

    Args:
        make_app: makes it for a guard, and for the configuration with the port that is used.
        config: where, and how many pages may be open.
        message_bytes: the largest message that a WebSocket takes.
        requests_each: requests that a page may have under way beside its WebSocket.
        say: told the page's address, and what to know about it.

    Raises:
        ConfigError: if the address cannot be listened on.
    """
    listening = listen(config)
    config = replace(config, port=listening.getsockname()[1])
    guard = make_guard(config)
    app = make_app(guard, config)
    for line in address_lines(config, guard.token):
        say(line)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            ssl_certfile=config.cert,
            ssl_keyfile=config.key,
            ws="websockets-sansio",
            ws_max_size=message_bytes,
            ws_per_message_deflate=False,  # pictures do not shrink, and it unpacks without bound
            limit_concurrency=(1 + requests_each) * config.max_clients + 16,
            timeout_graceful_shutdown=3,
            access_log=False,  # addresses hold the token
            server_header=False,
            log_level="warning",
        )
    )
    with listening:
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            return  # how a server is meant to end
