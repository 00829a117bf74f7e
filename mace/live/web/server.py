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
from starlette.websockets import WebSocket

from mace import __version__
from mace.errors import MaceError
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.runner import Runner
from mace.live.sources.frame import Source
from mace.live.web.broadcast import Broadcast, view
from mace.live.web.camera_session import CameraSession
from mace.live.web.config import WebConfig
from mace.live.web.protocol import to_json
from mace.serving.guard import Guard
from mace.serving.server import make_site, serve_site
from mace.serving.sockets import FULL, Ended, Garbage

_LOOK_S = 0.2  # how often a runner is asked whether it has ended
_logger = logging.getLogger(__name__)

type MakeRunner = Callable[[Broadcast], Runner]
"""Makes what runs a source, given who tells the pages of its results."""


class LivePage:
    """The live page, and who has it open.

    Args:
        facts: of the session: its `source`, `model`, `classes` and the `notice`.
        config: where it is, and its bounds.
        make_runner: makes what runs the server's own source.
        make_pipeline: makes the stages for a browser's camera.
    """

    def __init__(
        self,
        facts: Mapping[str, Any],
        *,
        config: WebConfig,
        make_runner: MakeRunner,
        make_pipeline: Callable[[], Pipeline],
    ):
        self._facts = facts
        self._config = config
        self._make_runner = make_runner
        self._make_pipeline = make_pipeline
        self._runner: Runner | None = None
        self._broadcast = Broadcast(config)
        self._stop = threading.Event()
        self._cameras = 0

    def app(self, guard: Guard) -> Starlette:
        """Return the page as an ASGI application, for those whom `guard` lets in."""
        return make_site(
            Path(__file__).parent / "static",
            guard=guard,
            values={
                "facts": self._facts,
                "version": __version__,
                "camera": self._config.camera,
            },
            handlers={"/log": self._log},
            most=self._config.max_clients,
            converse=self._serve,
            lifespan=self._lifespan,
        )

    def serve(self, say: Callable[[str], None]) -> None:
        """Serve the page until Ctrl-C; `say` is told its address.

        Raises:
            ConfigError: if the address cannot be listened on.
        """
        serve_site(
            self.app,
            self._config,
            message_bytes=self._config.max_message_bytes,
            requests_each=3,
            say=say,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        del app
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
        try:
            with self._make_runner(self._broadcast) as self._runner:
                while not self._stop.is_set() and not self._runner.wait(_LOOK_S):
                    pass
        except MaceError as error:
            self._broadcast.end(str(error))
        except Exception:
            # The pages must hear of it, or they show the last picture for ever.
            _logger.exception("the loop failed")
            self._broadcast.end("the loop failed; the terminal of `mace live` says why")
        else:
            self._broadcast.end("the source has ended")

    def _reset_reference(self) -> None:
        if self._runner is not None:
            self._runner.reset_reference()

    async def _log(self, request: Request) -> Response:
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
        if mode == "view":
            await view(websocket, self._broadcast, self._reset_reference)
        elif mode == "camera" and self._config.camera:
            if self._cameras >= self._config.max_cameras:
                full = f"as many cameras are in use as are allowed ({self._cameras})"
                raise Ended(f"{full}; try again later", FULL)
            self._cameras += 1
            await CameraSession(
                websocket, self._make_pipeline, config=self._config, release=self._release_camera
            ).run()
        else:
            raise Garbage("this server does not offer that mode")

    def _release_camera(self) -> None:
        self._cameras -= 1


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
        facts: as of `LivePage`.
        say: told what happens to the source, in another thread.

    Raises:
        ConfigError: if the address cannot be listened on.
    """
    page = LivePage(
        facts,
        config=web,
        make_runner=lambda pages: Runner(
            source,
            model,
            config=live,
            sinks=[pages.publish],
            on_incident=lambda incident: say(str(incident)),
        ),
        make_pipeline=lambda: Pipeline(model, live, live=True),
    )
    page.serve(print)
