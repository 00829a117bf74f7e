"""The server of the coding page: frames and faces by number, one WebSocket a page for edits."""

import functools
import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import cv2
import numpy as np
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.websockets import WebSocket

from mace import __version__
from mace.annotation.class_sets import EMOTIONS
from mace.errors import DataError, MaceError
from mace.face.clip import correct_clip
from mace.face.tracked import Status
from mace.motion.exaggeration import exaggerate
from mace.pictures.jpeg import encode_jpeg
from mace.review.session import CodingSession
from mace.serving.config import ServingConfig
from mace.serving.guard import Guard
from mace.serving.server import make_site, serve_site
from mace.serving.sockets import Garbage, run_together

_MAX_MESSAGE_BYTES = 16 * 1024
_LARGEST_PX = 1280
# Faint movements must survive: at this quality a JPEG differs by about one grey level.
_QUALITY = 93
# A face is shown so many times as large as its crop, and so many pairs of crops are kept.
_FACE, _FACES = 2, 64
# Of one page that does not read them.
_MOST_REFUSALS = 20


class _Pages:
    """The handlers of one server, and its open pages."""

    def __init__(self, session: CodingSession) -> None:
        self._session = session
        self._outboxes: set[_Outbox] = set()
        # Another factor wants the same faces.
        self._crops = functools.lru_cache(_FACES)(self._corrected)

    async def video(self, request: Request) -> Response:
        """What there is to know of a video; the first look reads where its frames lie."""
        try:
            facts = await run_sync(self._session.facts, request.query_params.get("path", ""))
        except MaceError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        return JSONResponse(facts)

    async def frame(self, request: Request) -> Response:
        """A frame as JPEG, by its number from 1; `width` makes it smaller."""
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
        return None if image is None else encode_jpeg(image, _QUALITY, widest=width)

    async def face(self, request: Request) -> Response:
        """The corrected face of a frame as JPEG, its motion since `onset` times `factor`."""
        try:
            asked = request.query_params
            onset, number = int(asked["onset"]), int(asked["number"])
            data = await run_sync(self._face, asked["path"], onset, number, float(asked["factor"]))
        except (KeyError, ValueError, IndexError):
            return PlainTextResponse("there is no such frame\n", status_code=404)
        except (MaceError, OSError) as error:
            return PlainTextResponse(f"{error}\n", status_code=404)
        return Response(data, media_type="image/jpeg")

    def _face(self, path: str, onset: int, number: int, factor: float) -> bytes:
        before, after = self._crops(path, onset, number)
        shown = exaggerate(before, after, factor=factor)
        large = cv2.resize(shown, None, fx=_FACE, fy=_FACE, interpolation=cv2.INTER_CUBIC)
        return encode_jpeg(np.asarray(large, np.uint8), _QUALITY)

    def _corrected(self, path: str, onset: int, number: int) -> np.ndarray:
        video = self._session.open(path).video
        try:
            clip = correct_clip([video.image(onset - 1), video.image(number - 1)])
        except DataError as error:
            raise DataError(f"frame {onset} shows no face to compare with") from error
        if clip.status[1] is not Status.TRACKED:
            raise DataError(f"the face of frame {number} is not found where that of {onset} is")
        return clip.frames

    async def converse(self, websocket: WebSocket) -> None:
        """Tell a page the coding after every edit, and take its own edits."""
        outbox = _Outbox()
        self._outboxes.add(outbox)

        async def receive() -> None:
            while True:
                try:
                    await self._answer(outbox, await websocket.receive_text())
                except KeyError:
                    raise Garbage("frames are not expected here") from None

        async def send() -> None:
            while True:
                for message in await outbox.next():
                    await websocket.send_text(json.dumps(message))

        try:
            self._tell_all()
            await run_together(receive, send)
        finally:
            self._outboxes.discard(outbox)
            self._tell_all()

    async def _answer(self, outbox: "_Outbox", text: str) -> None:
        try:
            message = json.loads(text)
            if not isinstance(message, dict):
                raise ValueError(text)
        except (ValueError, RecursionError):
            outbox.refuse("that was no edit")
            return
        added = None
        try:
            added = await run_sync(self._session.edit, message)
        except MaceError as error:
            outbox.refuse(str(error))
        self._tell_all(outbox, added)

    def _tell_all(self, adder: "_Outbox | None" = None, added: int | None = None) -> None:
        """Tell all pages the state; the one that added an event chooses it."""
        state = {**self._session.state(), "pages": len(self._outboxes)}
        for outbox in self._outboxes:
            outbox.tell(state, added if outbox is adder else None)


class _Outbox:
    """What waits to be sent to one page, so that a slow one holds up no other: its newest state."""

    def __init__(self) -> None:
        self._ready = anyio.Event()
        self._refusals: deque[str] = deque(maxlen=_MOST_REFUSALS)
        self._state: dict[str, Any] | None = None

    def tell(self, state: dict[str, Any], added: int | None) -> None:
        """Take the state in place of an older one, and the event that the page is to choose."""
        if added is None and self._state is not None:
            added = self._state["added"]
        self._state = {**state, "added": added}
        self._ready.set()

    def refuse(self, reason: str) -> None:
        """Say why something was not done."""
        self._refusals.append(reason)
        self._ready.set()

    async def next(self) -> list[dict[str, Any]]:
        """Wait for what there is to send, and take it."""
        await self._ready.wait()
        self._ready = anyio.Event()
        messages = [{"type": "refused", "reason": reason} for reason in self._refusals]
        self._refusals.clear()
        if self._state is not None:
            messages.append(self._state)
            self._state = None
        return messages


def make_app(session: CodingSession, *, guard: Guard, config: ServingConfig) -> Starlette:
    """Return the page as an ASGI application.

    Args:
        session: what is coded.
        guard: who may open the page.
        config: how many pages may be open.
    """
    pages = _Pages(session)
    return make_site(
        Path(__file__).parent / "static",
        guard=guard,
        values={"version": __version__, "coder": session.table.coder, "emotions": EMOTIONS},
        handlers={"/video": pages.video, "/frame": pages.frame, "/face": pages.face},
        most=config.max_clients,
        converse=pages.converse,
    )


def serve(session: CodingSession, *, config: ServingConfig, say: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C.

    Args:
        session: what is coded.
        config: where.
        say: told the page's address, and what to know about it.

    Raises:
        ConfigError: if the address cannot be listened on.
    """
    serve_site(
        lambda guard: make_app(session, guard=guard, config=config),
        config,
        message_bytes=_MAX_MESSAGE_BYTES,
        requests_each=7,  # frames before and behind
        say=say,
    )
