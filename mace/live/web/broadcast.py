"""One stream of results to many pages: pictures newest-wins, events all of them."""

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from starlette.websockets import WebSocket

from mace.live.queues import LatestResult
from mace.live.results import Result
from mace.live.web.config import WebConfig
from mace.live.web.protocol import (
    COMMANDS_PER_S,
    Bucket,
    picture_message,
    receive_command,
    result_record,
    results_message,
    to_json,
)
from mace.pictures.jpeg import encode_jpeg
from mace.serving.sockets import Garbage, run_together
from mace.spotting.records import event_record

# Ten minutes of samples at 30 a second, and as many events as a page can list.
_LOG_SAMPLES = 18_000
_LOG_EVENTS = 10_000
# What a page that opens now is told of the past: its timeline's seconds.
_HISTORY_S = 10.0
_HISTORY_EVENTS = 200
# Pictures are for looking at, not for measuring: JPEG of this quality, so many px wide at most.
_QUALITY, _WIDEST = 80, 960
# Not drawn on timelines, and most of a record's bytes.
_GEOMETRY = ("outline", "landmarks", "motion")


class Viewer:
    """What waits to be sent to one page; belongs to the event loop."""

    def __init__(self) -> None:
        self.paused = False
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._texts: deque[str] = deque(maxlen=_LOG_EVENTS)
        self._newest: tuple[str, bytes] | None = None

    def post(self, texts: Sequence[str], newest: tuple[str, bytes] | None) -> None:
        """Hand over from any thread: `texts` are all sent, of the `newest` only the last."""
        self._loop.call_soon_threadsafe(self._receive, texts, newest)

    def _receive(self, texts: Sequence[str], newest: tuple[str, bytes] | None) -> None:
        self._texts.extend(texts)
        if newest is not None and not self.paused:
            self._newest = newest
        if self._texts or self._newest:
            self._ready.set()

    async def next(self) -> list[str | bytes]:
        """Wait for what there is to send, and take it."""
        await self._ready.wait()
        self._ready.clear()
        messages: list[str | bytes] = [*self._texts, *(self._newest or ())]
        self._texts.clear()
        self._newest = None
        return messages


class Broadcast:
    """Takes results from the loop without ever holding it up, and tells all pages.

    Pictures are encoded once, in a thread of their own, `preview_fps` times a second at most.
    """

    def __init__(self, config: WebConfig):
        self._config = config
        self._lock = threading.Lock()
        self._newest = LatestResult()
        self._viewers: set[Viewer] = set()
        self._samples: deque[str] = deque(maxlen=_LOG_SAMPLES)
        self._told: deque[str] = deque(maxlen=_LOG_EVENTS)
        self._ended: str | None = None
        self._last: Result | None = None
        self._thread = threading.Thread(target=self._run, name="broadcast", daemon=True)

    def publish(self, result: Result) -> None:
        """Take a result from any thread; never blocks for longer than a list's append."""
        self._newest.put(result)

    def start(self) -> None:
        """Start telling."""
        self._thread.start()

    def close(self) -> None:
        """Stop telling, once the newest result is told."""
        self._newest.close()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def end(self, reason: str) -> None:
        """Say that the source has ended, and why, after everything that it gave."""
        self.close()
        text = to_json({"type": "ended", "reason": reason})
        with self._lock:
            self._ended = text
            for viewer in self._viewers:
                viewer.post([text], None)

    def attach(self, viewer: Viewer) -> None:
        """Tell `viewer` the last seconds, the last picture, and everything from now on."""
        last = self._last
        newest = None if last is None else self._message(last, result_record(last))
        with self._lock:
            samples = list(self._samples)[-round(_HISTORY_S * self._config.preview_fps) :]
            events = list(self._told)[-_HISTORY_EVENTS:]
            lists = f'"results":[{",".join(samples)}],"events":[{",".join(events)}]'
            history = f'{{"type":"history",{lists}}}'
            viewer.post([history] if self._ended is None else [history, self._ended], newest)
            self._viewers.add(viewer)

    def detach(self, viewer: Viewer) -> None:
        """Forget `viewer`."""
        with self._lock:
            self._viewers.discard(viewer)

    def log(self) -> Iterator[str]:
        """Yield the session's log as lines: the events, then samples of the last ten minutes."""
        with self._lock:
            told, samples = list(self._told), list(self._samples)
        yield from (f'{{"type":"event",{text[1:]}\n' for text in told)
        yield from (f'{{"type":"sample",{text[1:]}\n' for text in samples)

    def _run(self) -> None:
        interval = 1 / self._config.preview_fps
        while True:
            started = time.monotonic()
            result = self._newest.take(timeout=1.0)
            if result is not None:
                self._tell(result)
            elif self._newest.closed:
                return
            time.sleep(max(0.0, started + interval - time.monotonic()))

    def _tell(self, result: Result) -> None:
        self._last = result
        record = result_record(result)
        compact = {**record, "faces": [_without_geometry(face) for face in record["faces"]]}
        with self._lock:
            watched = any(not viewer.paused for viewer in self._viewers)
        newest = self._message(result, record) if watched else None
        texts = [results_message([], result.events)] if result.events else []
        with self._lock:
            self._samples.append(to_json(compact))
            self._told.extend(json.dumps(event_record(event)) for event in result.events)
            for viewer in self._viewers:
                viewer.post(texts, newest)

    def _message(self, result: Result, record: dict[str, Any]) -> tuple[str, bytes]:
        return results_message([record], []), self._picture(result)

    def _picture(self, result: Result) -> bytes:
        image = result.frame.colour()
        return picture_message(
            encode_jpeg(image, _QUALITY, widest=_WIDEST),
            sequence=result.frame.index,
            time_ms=1000 * result.frame.time,
            size=(image.shape[1], image.shape[0]),
        )


async def view(websocket: WebSocket, broadcast: Broadcast, reset: Callable[[], None]) -> None:
    """Serve a page that watches the server's source, until it goes or misbehaves."""
    viewer = Viewer()
    broadcast.attach(viewer)

    async def receive() -> None:
        bucket = Bucket(COMMANDS_PER_S)
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            match receive_command(message, bucket):
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


def _without_geometry(face: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in face.items() if name not in _GEOMETRY}
