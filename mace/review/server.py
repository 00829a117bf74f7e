"""The server of the coding page: frames by number, and one WebSocket a page for the coding."""

import contextlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import cv2
import numpy as np
from anyio.to_thread import run_sync
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mace import __version__
from mace.annotation.class_sets import EMOTIONS
from mace.errors import MaceError
from mace.live.web.config import WebConfig
from mace.live.web.guard import Guard, Guarded
from mace.live.web.serving import serve_app
from mace.review.session import CodingSession

STATIC = Path(__file__).parent / "static"
_SCRIPT = "text/javascript"
ASSETS = {
    **dict.fromkeys(("app.js", "frames.js", "timeline.js", "events.js"), _SCRIPT),
    "style.css": "text/css",
}
WRONG_TOKEN = "the token is missing or wrong; open the whole address that `mace review` printed\n"
_MAX_MESSAGE_BYTES = 16 * 1024
_LARGEST_PX = 1280
# Faint movements must survive: at this quality a JPEG differs by about one grey level.
_QUALITY = 93
_log = logging.getLogger(__name__)


class _Pages:
    """The handlers of one server, and its open pages."""

    def __init__(self, session: CodingSession, guard: Guard, config: WebConfig) -> None:
        self._session, self._guard, self._config = session, guard, config
        self._sockets: set[WebSocket] = set()
        environment = Environment(
            loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined
        )
        self._html = environment.get_template("index.html").render(
            version=__version__, coder=session.table.coder, emotions=EMOTIONS
        )

    async def index(self, request: Request) -> Response:
        if not self._guard.token_allowed(request.query_params):
            return PlainTextResponse(WRONG_TOKEN, status_code=403)
        return HTMLResponse(self._html)

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return PlainTextResponse("there is no such page\n", status_code=404)
        return FileResponse(STATIC / name, media_type=ASSETS[name])

    async def video(self, request: Request) -> Response:
        """What there is to know of a video; the first look reads where its frames lie."""
        if not self._guard.token_allowed(request.query_params):
            return PlainTextResponse(WRONG_TOKEN, status_code=403)
        try:
            facts = await run_sync(self._session.facts, request.query_params.get("path", ""))
        except MaceError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        return JSONResponse(facts)

    async def frame(self, request: Request) -> Response:
        """A frame as JPEG, by its number from 1; `width` makes it smaller."""
        if not self._guard.token_allowed(request.query_params):
            return PlainTextResponse(WRONG_TOKEN, status_code=403)
        try:
            number = int(request.query_params["number"])
            width = min(max(int(request.query_params.get("width", _LARGEST_PX)), 16), _LARGEST_PX)
            path = request.query_params["path"]
            data = await run_sync(self._jpeg, path, number, width)
        except (KeyError, ValueError, IndexError):
            return PlainTextResponse("there is no such frame\n", status_code=404)
        except (MaceError, OSError) as error:  # such as a disk that was unplugged
            return PlainTextResponse(f"{error}\n", status_code=404)
        if data is None:
            return PlainTextResponse("this frame cannot be decoded\n", status_code=404)
        return Response(data, media_type="image/jpeg")

    def _jpeg(self, path: str, number: int, width: int) -> bytes | None:
        image = self._session.open(path).video.image(number - 1)
        if image is None:
            return None
        if image.shape[1] > width:
            size = (width, max(1, round(image.shape[0] * width / image.shape[1])))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()

    async def socket(self, websocket: WebSocket) -> None:
        if not self._guard.origin_allowed(websocket.headers):
            await websocket.close(1008, "opened by another site's page")
            return
        if not self._guard.token_allowed(websocket.query_params):
            await websocket.close(1008, "wrong token")
            return
        if len(self._sockets) >= self._config.max_clients:
            await websocket.close(1013, "as many pages are open as are allowed")
            return
        await websocket.accept()
        self._sockets.add(websocket)
        try:
            await self._tell_all()
            while True:
                await self._answer(websocket, await websocket.receive_text())
        except (WebSocketDisconnect, KeyError):  # KeyError: a message of bytes
            pass
        except Exception:
            _log.exception("a page's session failed")
        finally:
            self._sockets.discard(websocket)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
                await websocket.close()
            with anyio.CancelScope(shield=True):
                await self._tell_all()

    async def _answer(self, websocket: WebSocket, text: str) -> None:
        try:
            message = json.loads(text)
            if not isinstance(message, dict):
                raise ValueError(text)
        except ValueError:
            await self._send(websocket, {"type": "refused", "reason": "that was no edit"})
            return
        added = None
        try:
            added = await run_sync(self._session.edit, message)
        except MaceError as error:
            await self._send(websocket, {"type": "refused", "reason": str(error)})
        await self._tell_all(websocket, added)

    async def _tell_all(self, adder: WebSocket | None = None, added: int | None = None) -> None:
        """Send the state to all pages; the one that added an event chooses it."""
        state = {**self._session.state(), "pages": len(self._sockets)}
        for websocket in tuple(self._sockets):
            own = {"added": added if websocket is adder else None}
            await self._send(websocket, {**state, **own})

    async def _send(self, websocket: WebSocket, message: dict[str, Any]) -> None:
        # One that is gone is found out by its own handler.
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
            await websocket.send_text(json.dumps(message))


def make_app(session: CodingSession, *, guard: Guard, config: WebConfig) -> Starlette:
    """Return the page as an ASGI application.

    Args:
        session: what is coded.
        guard: who may open the page.
        config: how many pages may be open.
    """
    pages = _Pages(session, guard, config)
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/video", pages.video),
            Route("/frame", pages.frame),
            Route("/{name}", pages.asset),
            WebSocketRoute("/ws", pages.socket),
        ],
        middleware=[Middleware(Guarded, guard=guard)],
    )


def serve(session: CodingSession, *, config: WebConfig, say: Callable[[str], None] = print) -> None:
    """Serve the page until Ctrl-C.

    Args:
        session: what is coded.
        config: where.
        say: told the page's address, and what to know about it.

    Raises:
        ConfigError: if the address cannot be listened on.
    """
    serve_app(
        lambda guard, config: make_app(session, guard=guard, config=config),
        config,
        message_bytes=_MAX_MESSAGE_BYTES,
        requests_each=7,  # frames before and behind
        say=say,
    )
