"""The server of the live page: Starlette and uvicorn, one WebSocket a page."""

import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from mace import __version__
from mace.errors import MaceError
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.runner import Runner
from mace.live.sources.frame import Source
from mace.live.web.broadcast import Broadcast
from mace.live.web.config import WebConfig
from mace.live.web.protocol import Garbage, to_json
from mace.live.web.session import (
    FAILED,
    GARBAGE,
    CameraSession,
    Ended,
    refuse,
    view,
)
from mace.serving.guard import Guard
from mace.serving.server import make_site, serve_site
from mace.serving.sockets import close

_LOOK_S = 0.2  # how often a runner is asked whether it has ended
_log = logging.getLogger(__name__)

type MakeRunner = Callable[[Broadcast], Runner]
"""Makes what runs a source, given who tells the pages of its results."""


class _Page:
    """The handlers of one server, and how many pages are open."""

    def __init__(
        self,
        facts: Mapping[str, Any],
        config: WebConfig,
        make_runner: MakeRunner | None,
        make_pipeline: Callable[[], Pipeline] | None,
    ):
        self._facts = facts
        self._config = config
        self._make_runner = make_runner
        self._runner: Runner | None = None
        self._make_pipeline = make_pipeline if config.camera else None
        self._broadcast = Broadcast(config)
        self._stop = threading.Event()
        self._clients = self._cameras = 0

    @property
    def values(self) -> dict[str, Any]:
        """What the template of the page shows."""
        return {
            "facts": self._facts,
            "version": __version__,
            "watch": self._make_runner is not None,
            "camera": self._make_pipeline is not None,
        }

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
            with self._make_runner(self._broadcast) as self._runner:
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

    async def log(self, request: Request) -> Response:
        del request
        first = to_json(
            {
                "type": "session",
                "version": __version__,
                **{name: self._facts[name] for name in ("source", "model", "classes", "notice")},
            }
        )
        return StreamingResponse(
            (line.encode() for line in (first + "\n", *self._broadcast.log())),
            media_type="application/x-ndjson",
            headers={"Content-Disposition": 'attachment; filename="mace-log.jsonl"'},
        )

    async def converse(self, websocket: WebSocket) -> None:
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
            "classes": self._facts["classes"],
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
    facts: Mapping[str, Any],
    *,
    config: WebConfig,
    guard: Guard,
    make_runner: MakeRunner | None = None,
    make_pipeline: Callable[[], Pipeline] | None = None,
) -> Starlette:
    """Return the page as an ASGI application.

    Args:
        facts: of the session: its `source`, `model`, `classes` and the `notice`.
        config: the bounds.
        guard: who may open it.
        make_runner: makes what runs the server's own source; None where there is none.
        make_pipeline: makes the stages for a browser's camera; None to take no frames.
    """
    page = _Page(facts, config, make_runner, make_pipeline)
    return make_site(
        Path(__file__).parent / "static",
        guard=guard,
        values=page.values,
        handlers={"/log": page.log},
        converse=page.converse,
        lifespan=page.lifespan,
    )


def serve(
    facts: Mapping[str, Any],
    *,
    config: WebConfig,
    make_runner: MakeRunner,
    make_pipeline: Callable[[], Pipeline],
    say: Callable[[str], None],
) -> None:
    """Serve the page until Ctrl-C; arguments as of `make_app`, `say` is told the page's address.

    Raises:
        ConfigError: if the address cannot be listened on.
    """
    serve_site(
        lambda guard: make_app(
            facts, config=config, guard=guard, make_runner=make_runner, make_pipeline=make_pipeline
        ),
        config,
        message_bytes=config.max_message_bytes,
        requests_each=3,
        say=say,
    )


def serve_live(
    source: Source,
    model: Model,
    *,
    live: LiveConfig,
    web: WebConfig,
    facts: Mapping[str, Any],
    say: Callable[[str], None],
) -> None:
    """Serve the results of a source on a page, and those of browsers' cameras, until Ctrl-C.

    Args:
        source: the server's own.
        model: the network.
        live: settings of the stages.
        web: where the page is, and its bounds.
        facts: as of `make_app`.
        say: told what happens to the source, in another thread.

    Raises:
        ConfigError: if the address cannot be listened on.
    """
    serve(
        facts,
        config=web,
        make_runner=lambda pages: Runner(
            source,
            model,
            config=live,
            sinks=[pages.publish],
            on_incident=lambda incident: say(str(incident)),
            on_last=pages.publish_last,
        ),
        make_pipeline=lambda: Pipeline(model, live, live=True),
        say=print,
    )
