"""One open page: a viewer of the server's source, or a camera with a pipeline of its own."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from starlette.websockets import WebSocket, WebSocketDisconnect

from mace.errors import MaceError
from mace.live.pipeline import Pipeline
from mace.live.results import Result
from mace.live.sources.frame import Frame
from mace.live.web.broadcast import Broadcast, Viewer
from mace.live.web.config import WebConfig
from mace.live.web.protocol import (
    Garbage,
    Picture,
    decode_picture,
    parse_command,
    parse_picture,
    result_record,
    results_message,
    to_json,
)
from mace.serving.sockets import close, run_together

GARBAGE, REFUSED, FAILED, FULL = 1003, 1008, 1011, 1013
# Buttons pressed faster than this are no person's.
_COMMANDS_PER_S = 10.0


class Ended(Exception):
    """The connection ends with this code and reason."""

    def __init__(self, code: int, reason: str):
        super().__init__(reason)
        self.code = code


class Bucket:
    """Allows `rate` things a second over time, and a second's worth at once."""

    def __init__(self, rate: float):
        self._rate = self._level = rate
        self._time = time.monotonic()

    def take(self) -> bool:
        """Whether one more is allowed now."""
        now = time.monotonic()
        self._level = min(self._rate, self._level + (now - self._time) * self._rate)
        self._time = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


async def refuse(websocket: WebSocket, reason: str) -> None:
    """Say why not, and close; a page cannot read a reason from before the connection."""
    with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
        await websocket.send_text(to_json({"type": "refused", "reason": reason}))
    await close(websocket, FULL, reason)


async def view(websocket: WebSocket, broadcast: Broadcast, reset: Callable[[], None]) -> None:
    """Serve a page that watches the server's source, until it goes or misbehaves."""
    viewer = Viewer()
    broadcast.attach(viewer)

    async def receive() -> None:
        bucket = Bucket(_COMMANDS_PER_S)
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            command = _command(message, bucket)
            match command:
                case {"type": "pause", "paused": bool(paused)}:
                    viewer.paused = paused
                case {"type": "reset"}:
                    reset()
                case _:
                    raise Garbage("a command is not known")

    async def send() -> None:
        while True:
            for message in await viewer.next():
                if isinstance(message, str):
                    await websocket.send_text(message)
                else:
                    await websocket.send_bytes(message)

    try:
        await run_together(receive, send)
    finally:
        broadcast.detach(viewer)


def _command(message: Mapping[str, Any], bucket: Bucket) -> dict[str, object]:
    text = message.get("text")
    if not isinstance(text, str):
        raise Garbage("frames are not expected here")
    if not bucket.take():
        raise Garbage("too many commands a second")
    return parse_command(text)


class CameraSession:
    """A page that sends frames, and the pipeline that answers it, in a thread of its own.

    Args:
        websocket: accepted already.
        make_pipeline: may take long.
        config: the bounds.
        release: called once when the pipeline is free again, also where that is after `run`.
    """

    def __init__(
        self,
        websocket: WebSocket,
        make_pipeline: Callable[[], Pipeline],
        *,
        config: WebConfig,
        release: Callable[[], None],
    ):
        self._websocket = websocket
        self._make_pipeline = make_pipeline
        self._config = config
        self._release = release
        self._pipeline: Pipeline | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="camera")
        self._queue: asyncio.Queue[Picture | Literal["reset", "finish"]] = asyncio.Queue(
            config.max_in_flight
        )
        self._frames = 0
        self._start_ms = self._last_ms = 0.0

    async def run(self) -> None:
        """Serve the page until it goes, is idle or misbehaves."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._prepare)
            await self._websocket.send_text(to_json({"type": "ready"}))
            await run_together(self._receive, self._answer)
        finally:
            # The thread may be in the middle of a frame; the pipeline is let go of after it.
            freed = self._thread.submit(self._free)
            freed.add_done_callback(lambda _: loop.call_soon_threadsafe(self._release))
            self._thread.shutdown(wait=False)

    async def _receive(self) -> None:
        frames, commands = Bucket(self._config.max_rate), Bucket(_COMMANDS_PER_S)
        while True:
            try:
                async with asyncio.timeout(self._config.idle_s):
                    message = await self._websocket.receive()
            except TimeoutError:
                raise Ended(REFUSED, "no frame came for too long; connect again") from None
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes")
            if data is None:
                await self._queue.put(self._order(_command(message, commands)))
                continue
            picture = parse_picture(data, max_pixels=self._config.max_pixels)
            if frames.take():
                # Waits while `max_in_flight` wait already: the page's own sending then stalls.
                await self._queue.put(picture)
            else:
                await self._websocket.send_text(results_message([], [], ack=picture.sequence))

    def _order(self, command: dict[str, object]) -> Literal["reset", "finish"]:
        match command["type"]:
            case "reset":
                return "reset"
            case "finish":
                return "finish"
            case _:
                raise Garbage("a command is not known")

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            item = await self._queue.get()
            captured = time.monotonic()
            try:
                text = await loop.run_in_executor(self._thread, self._reply, item, captured)
            except MaceError as error:
                raise Ended(FAILED, str(error)) from error
            await self._websocket.send_text(text)
            if item == "finish":
                return

    def _prepare(self) -> None:
        self._pipeline = self._make_pipeline()

    def _free(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    def _reply(self, item: Picture | Literal["reset", "finish"], captured: float) -> str:
        results = self._work(item, captured)
        events = [event for result in results for event in result.events]
        if item == "finish" and self._pipeline is not None:
            events += self._pipeline.last_events()
        ack = item.sequence if isinstance(item, Picture) else None
        return results_message([result_record(result) for result in results], events, ack=ack)

    def _work(self, item: Picture | Literal["reset", "finish"], captured: float) -> list[Result]:
        pipeline = self._pipeline
        if pipeline is None:
            return []
        if item == "reset":
            pipeline.reset_reference()
            return []
        if item == "finish":
            return pipeline.finish()
        if self._frames and item.time_ms <= self._last_ms:
            return []  # out of order, or twice the same
        image = decode_picture(item)
        if not self._frames:
            self._start_ms = item.time_ms
        frame = Frame(self._frames, (item.time_ms - self._start_ms) / 1000, image, captured)
        self._last_ms = item.time_ms
        self._frames += 1
        return pipeline.push(frame)
