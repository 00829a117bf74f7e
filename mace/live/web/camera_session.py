"""A page that sends its own camera's frames, and has a pipeline of its own."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, cast

from starlette.websockets import WebSocket

from mace.live.pipeline import Pipeline
from mace.live.results import Result
from mace.live.sources.frame import Frame
from mace.live.web.config import WebConfig
from mace.live.web.protocol import (
    COMMANDS_PER_S,
    Bucket,
    Picture,
    decode_picture,
    parse_picture,
    receive_command,
    result_record,
    results_message,
    to_json,
)
from mace.serving.sockets import IDLE, Ended, Garbage, run_together

type Order = Literal["reset", "finish"]


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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="camera")
        self._queue: asyncio.Queue[Picture | Order] = asyncio.Queue(config.max_in_flight)
        self._frames = 0
        self._start_ms = self._last_ms = 0.0

    async def run(self) -> None:
        """Serve the page until it goes, is idle or misbehaves."""
        loop = asyncio.get_running_loop()
        made = self._thread.submit(self._make_pipeline)
        try:
            pipeline = await asyncio.wrap_future(made)
            await self._websocket.send_text(to_json({"type": "ready"}))
            await run_together(self._receive, lambda: self._answer(pipeline))
        finally:
            # The thread may be in the middle of a frame; the pipeline is let go of after it.
            freed = self._thread.submit(lambda: made.result().close())
            freed.add_done_callback(lambda _: loop.call_soon_threadsafe(self._release))
            self._thread.shutdown(wait=False)

    async def _receive(self) -> None:
        frames, commands = Bucket(self._config.max_rate), Bucket(COMMANDS_PER_S)
        while True:
            try:
                async with asyncio.timeout(self._config.idle_s):
                    message = await self._websocket.receive()
            except TimeoutError:
                raise Ended("no frame came for too long; connect again", IDLE) from None
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes")
            if data is None:
                order = receive_command(message, commands)["type"]
                if order not in ("reset", "finish"):
                    raise Garbage("a command is not known")
                await self._queue.put(cast(Order, order))
                continue
            picture = parse_picture(data, max_pixels=self._config.max_pixels)
            if frames.take():
                # Waits while `max_in_flight` wait already: the page's own sending then stalls.
                await self._queue.put(picture)
            else:
                await self._websocket.send_text(results_message([], [], ack=picture.sequence))

    async def _answer(self, pipeline: Pipeline) -> None:
        loop = asyncio.get_running_loop()
        item = None
        while item != "finish":
            item = await self._queue.get()
            work = self._thread, self._reply, pipeline, item, time.monotonic()
            await self._websocket.send_text(await loop.run_in_executor(*work))

    def _reply(self, pipeline: Pipeline, item: Picture | Order, captured: float) -> str:
        results, last, ack = [], (), None
        if item == "reset":
            pipeline.reset_reference()
        elif item == "finish":
            results = pipeline.finish()
            last = pipeline.last_events()
        else:
            results, ack = self._results(pipeline, item, captured), item.sequence
        events = [event for result in results for event in result.events]
        records = [result_record(result) for result in results]
        return results_message(records, [*events, *last], ack=ack)

    def _results(self, pipeline: Pipeline, picture: Picture, captured: float) -> list[Result]:
        if self._frames and picture.time_ms <= self._last_ms:
            return []  # out of order, or twice the same
        image = decode_picture(picture)
        if not self._frames:
            self._start_ms = picture.time_ms
        frame = Frame(self._frames, (picture.time_ms - self._start_ms) / 1000, image, captured)
        self._last_ms = picture.time_ms
        self._frames += 1
        return pipeline.push(frame)
