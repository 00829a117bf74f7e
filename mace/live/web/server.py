"""The server of the live page: Starlette and uvicorn, one WebSocket a page."""

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mace import __version__
from mace.errors import ConfigError, MaceError
from mace.live.pipeline import Pipeline
from mace.live.results import Sink
from mace.live.runner import Runner
from mace.live.web.broadcast import Broadcast
from mace.live.web.config import Facts, WebConfig
from mace.live.web.guard import WRONG_TOKEN, Guard, Guarded
from mace.live.web.protocol import Garbage, to_json
from mace.live.web.serving import serve_app
from mace.live.web.session import (
    FAILED,
    GARBAGE,
    CameraSession,
    Ended,
    close,
    refuse,
    view,
)

STATIC = Path(__file__).parent / "static"
_SCRIPT = "text/javascript"
SCRIPTS = ("app.js", "camera.js", "draw.js", "exaggerate.js", "readings.js")
ASSETS = {**dict.fromkeys(SCRIPTS, _SCRIPT), "style.css": "text/css"}
_LOOK_S = 0.2  # how often a runner is asked whether it has ended
_log = logging.getLogger(__name__)

type MakeRunner = Callable[[Sink], Runner]
"""Makes what runs a source, given where its results go."""


class _Page:
    """The handlers of one server, and how many pages are open."""

    def __init__(
        self,
        facts: Facts,
        config: WebConfig,
        guard: Guard,
        make_runner: MakeRunner | None,
        make_pipeline: Callable[[], Pipeline] | None,
    ):
        self._facts = facts
        self._config = config
        self._guard = guard
        self._make_runner = make_runner
        self._runner: Runner | None = None
        self._make_pipeline = make_pipeline if config.camera else None
        self._broadcast = Broadcast(config)
        self._stop = threading.Event()
        self._clients = self._cameras = 0
        environment = Environment(
            loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined
        )
        self._html = environment.get_template("index.html").render(
            facts=facts,
            version=__version__,
            watch=make_runner is not None,
            camera=self._make_pipeline is not None,
        )

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self._broadcast.start()
        thread = threading.Thread(target=self._run, name="page", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._broadcast.close()
            thread.join(timeout=5)

    def _run(self) -> None:
        if self._make_runner is None:
            return
        try:
            with self._make_runner(self._broadcast.publish) as self._runner:
                while not self._stop.is_set() and not self._runner.wait(_LOOK_S):
                    pass
        except MaceError as error:
            self._broadcast.end(str(error))
        except Exception:
            # The pages must hear of it, or they show the last picture for ever.
            _log.exception("the loop failed")
            self._broadcast.end("the loop failed; the terminal of `mace live` says why")
        else:
            self._broadcast.end("the source has ended")

    def _reset_reference(self) -> None:
        if self._runner is not None:
            self._runner.reset_reference()

    async def index(self, request: Request) -> Response:
        if not self._guard.token_allowed(request.query_params):
            return PlainTextResponse(WRONG_TOKEN + "\n", status_code=403)
        return HTMLResponse(self._html)

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return PlainTextResponse("there is no such page\n", status_code=404)
        return FileResponse(STATIC / name, media_type=ASSETS[name])

    async def log(self, request: Request) -> Response:
        if not self._guard.token_allowed(request.query_params):
            return PlainTextResponse(WRONG_TOKEN + "\n", status_code=403)
        first = to_json(
            {
                "type": "session",
                "version": __version__,
                "source": self._facts.source,
                "model": self._facts.model,
                "classes": list(self._facts.classes),
                "notice": self._facts.notice,
            }
        )
        return StreamingResponse(
            (line.encode() for line in (first + "\n", *self._broadcast.log())),
            media_type="application/x-ndjson",
            headers={"Content-Disposition": 'attachment; filename="mace-log.jsonl"'},
        )

    async def socket(self, websocket: WebSocket) -> None:
        if not self._guard.origin_allowed(websocket.headers):
            await websocket.close(1008, "opened by another site's page")
            return
        if not self._guard.token_allowed(websocket.query_params):
            await websocket.close(1008, "wrong token")
            return
        await websocket.accept()
        if self._clients >= self._config.max_clients:
            await refuse(
                websocket,
                f"{self._clients} pages are open, as many as are allowed; close one and try again",
            )
            return
        self._clients += 1
        try:
            await self._serve(websocket)
        except Garbage as garbage:
            await close(websocket, GARBAGE, str(garbage))
        except Ended as ended:
            await close(websocket, ended.code, str(ended))
        except WebSocketDisconnect:
            pass
        except Exception:
            _log.exception("a page's session failed")
            await close(websocket, FAILED, "the server failed; its terminal says why")
        finally:
            self._clients -= 1
        await close(websocket, 1000, "")

    async def _serve(self, websocket: WebSocket) -> None:
        hello = {
            "type": "hello",
            "version": 1,
            "classes": list(self._facts.classes),
            "max_in_flight": self._config.max_in_flight,
            "max_pixels": self._config.max_pixels,
            "max_rate": self._config.max_rate,
        }
        await websocket.send_text(to_json(hello))
        mode = websocket.query_params.get("mode")
        if mode == "view" and self._make_runner is not None:
            await view(websocket, self._broadcast, self._reset_reference)
        elif mode == "camera" and self._make_pipeline is not None:
            if self._cameras >= self._config.max_cameras:
                await refuse(
                    websocket,
                    f"{self._cameras} cameras are in use, as many as are allowed; try again later",
                )
                return
            self._cameras += 1
            await CameraSession(
                websocket, self._make_pipeline, config=self._config, release=self._release_camera
            ).run()
        else:
            raise Garbage("this server does not offer that mode")

    def _release_camera(self) -> None:
        self._cameras -= 1


def make_app(
    facts: Facts,
    *,
    config: WebConfig,
    guard: Guard,
    make_runner: MakeRunner | None = None,
    make_pipeline: Callable[[], Pipeline] | None = None,
) -> Starlette:
    """Return the page as an ASGI application.

    Args:
        facts: what the page says about the session.
        config: the bounds.
        guard: who may open it.
        make_runner: makes what runs the server's own source; None where there is none.
        make_pipeline: makes the stages for a browser's camera; None to take no frames.
    """
    page = _Page(facts, config, guard, make_runner, make_pipeline)
    return Starlette(
        routes=[
            Route("/", page.index),
            Route("/log", page.log),
            Route("/{name}", page.asset),
            WebSocketRoute("/ws", page.socket),
        ],
        middleware=[Middleware(Guarded, guard=guard)],
        lifespan=page.lifespan,
    )


def serve(
    facts: Facts,
    *,
    config: WebConfig,
    make_runner: MakeRunner | None = None,
    make_pipeline: Callable[[], Pipeline] | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        facts: what the page says about the session.
        config: where, and the bounds.
        make_runner: makes what runs the server's own source; None where there is none.
        make_pipeline: makes the stages for a browser's camera; None to take no frames.
        say: told the page's address, and what to know about it.

    Raises:
        ConfigError: if the address cannot be listened on, or there is neither source nor camera.
    """
    if make_runner is None and (make_pipeline is None or not config.camera):
        raise ConfigError("there is nothing to show: name a source, or allow --web.camera")
    serve_app(
        lambda guard, config: make_app(
            facts, config=config, guard=guard, make_runner=make_runner, make_pipeline=make_pipeline
        ),
        config,
        message_bytes=config.max_message_bytes,
        requests_each=3,
        say=say,
    )
