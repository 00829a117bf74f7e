"""Who may open the page: host names, origins, tokens; and the headers every answer carries."""

import ipaddress
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mace.serving.config import ServingConfig

# Nothing but what this server itself sends: no other host, no inline script or style.
_POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
        *("img-src 'self' blob: data:", "media-src 'self' blob:", "base-uri 'none'"),
        *("form-action 'none'", "frame-ancestors 'none'"),
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the page's address may hold the token
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
WRONG_HOST = "this name is not one the page is served under; open it by address, or see --web.names"


@dataclass(frozen=True)
class Guard:
    """Decides by the headers of a request, before anything else is looked at.

    Attributes:
        names: host names under which the page may be opened. Plain addresses always may: a name
            that was pointed here by a stranger (DNS rebinding) is a name.
        token: what the address must carry; None where only this machine can ask.
    """

    names: frozenset[str]
    token: str | None = None

    def host_allowed(self, host: str | None) -> bool:
        """Whether the request's Host header names this server."""
        name = _hostname(f"//{host}" if host else "")
        if name is None:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self.names
        return True

    def origin_allowed(self, headers: Mapping[str, str]) -> bool:
        """Whether a WebSocket is asked for by a page of this server and no other."""
        origin, host = headers.get("origin", ""), headers.get("host")
        scheme, _, rest = origin.partition("://")
        return scheme in ("http", "https") and host is not None and rest.lower() == host.lower()

    def token_allowed(self, query: Mapping[str, str]) -> bool:
        """Whether the address carries the token; takes the same time for every wrong one."""
        if self.token is None:
            return True
        return secrets.compare_digest(query.get("token", "").encode(), self.token.encode())


def make_guard(config: ServingConfig) -> Guard:
    """Return the guard of `config`; off the loopback it has a fresh random token."""
    names: Iterable[str] = ("localhost", socket.gethostname(), config.host, *config.names)
    token = None if config.loopback else secrets.token_urlsafe(24)
    return Guard(names=frozenset(name.lower() for name in names), token=token)


class Guarded:
    """Middleware: refuses foreign host names, and puts `HEADERS` on every answer."""

    def __init__(self, app: ASGIApp, *, guard: Guard):
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        if self._guard.host_allowed(host.decode("latin-1")):
            await self._app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "unknown host name"})
        else:
            answer = PlainTextResponse(WRONG_HOST + "\n", status_code=421)
            await answer(scope, receive, send_with_headers)


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
