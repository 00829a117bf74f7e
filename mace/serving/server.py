"""How pages are served: files and handlers behind the guard, on a socket, until Ctrl-C."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Lifespan
from starlette.websockets import WebSocket

from mace.errors import ConfigError
from mace.serving.config import MAKE_ONE, ServingConfig
from mace.serving.guard import Guard, Guarded, make_guard
from mace.serving.sockets import Conversations
from mace.serving.templates import page_template

WRONG_TOKEN = "the token is missing or wrong; open the whole address that the command printed\n"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_TLS_ADVICE = (
    "Without TLS the video travels in the clear and browsers keep their cameras closed: run "
    f"`{MAKE_ONE}` and add --web.cert cert.pem --web.key key.pem, or keep the default address "
    "and run `ssh -L {port}:127.0.0.1:{port} THIS_MACHINE` where the browser is."
)

type Handler = Callable[[Request], Awaitable[Response]]


def make_site(
    static: Path,
    *,
    guard: Guard,
    values: dict[str, Any],
    handlers: dict[str, Handler],
    most: int,
    converse: Callable[[WebSocket], Awaitable[None]],
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """Return a page as an ASGI application.

    Args:
        static: folder of `index.html`, a template, and of the scripts and styles beside it.
        guard: who may open the page.
        values: what the template is given.
        handlers: of what else is asked for, by path.
        most: pages that may be open.
        converse: speaks with a page of ours, by its WebSocket.
        lifespan: of the application.
    """
    conversations = Conversations(most, converse)
    html = page_template(static / "index.html").render(values)
    assets = {file.name: file for file in static.iterdir() if file.suffix in _TYPES}

    async def index(request: Request) -> Response:
        del request
        return HTMLResponse(html)

    async def asset(request: Request) -> Response:  # which holds nothing of anybody
        file = assets.get(request.path_params["name"])
        if file is None:
            return PlainTextResponse("there is no such page\n", status_code=404)
        return FileResponse(file, media_type=_TYPES[file.suffix])

    def guarded(handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            if not guard.token_allowed(request.query_params):
                return PlainTextResponse(WRONG_TOKEN, status_code=403)
            return await handler(request)

        return checked

    async def admitted(websocket: WebSocket) -> None:
        if not guard.origin_allowed(websocket.headers):
            await websocket.close(1008, "opened by another site's page")
        elif not guard.token_allowed(websocket.query_params):
            await websocket.close(1008, "wrong token")
        else:
            await conversations.hold(websocket)

    pages = {"/": index, **handlers}
    return Starlette(
        routes=[
            *(Route(path, guarded(handler)) for path, handler in pages.items()),
            Route("/{name}", asset),
            WebSocketRoute("/ws", admitted),
        ],
        middleware=[Middleware(Guarded, guard=guard)],
        lifespan=lifespan,
    )


def serve_site(
    make_app: Callable[[Guard], Starlette],
    config: ServingConfig,
    *,
    message_bytes: int,
    requests_each: int,
    say: Callable[[str], None],
) -> None:
    """Serve an application until Ctrl-C.

    Args:
        make_app: makes it for a guard.
        config: where, and how many pages may be open.
        message_bytes: the largest message that a WebSocket takes.
        requests_each: requests that a page may have under way beside its WebSocket.
        say: told the page's address, and what to know about it.

    Raises:
        ConfigError: if the address cannot be listened on.
    """
    listening = _listen(config)
    config = replace(config, port=listening.getsockname()[1])
    guard = make_guard(config)
    app = make_app(guard)
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


def address_lines(config: ServingConfig, token: str | None) -> Sequence[str]:
    """Return what to tell whoever started the server: the address, and how to use it safely."""
    scheme = "http" if config.cert is None else "https"
    everywhere = config.host in ("", "0.0.0.0", "::")
    host = socket.gethostname() if everywhere else config.host
    host = f"[{host}]" if ":" in host else host
    query = "" if token is None else f"?token={token}"
    lines = [f"{scheme}://{host}:{config.port}/{query}"]
    if token is not None and config.cert is None:
        lines.append(_TLS_ADVICE.format(port=config.port))
    return lines


def _listen(config: ServingConfig) -> socket.socket:
    """Listen at once: whoever reads the address may connect."""
    try:
        family, *_, address = socket.getaddrinfo(
            config.host or None, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, dualstack_ipv6=both)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror or error}; choose "
            "others with --web.host and --web.port"
        ) from error
