"""The WebSockets of pages: so many at most, closed with a reason, read and written side by side."""

import contextlib
import logging
from collections.abc import Awaitable, Callable

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from mace.errors import MaceError

GARBAGE, IDLE, FAILED, FULL = 1003, 1008, 1011, 1013
"""Codes that a connection closes with."""

# A close frame holds 125 bytes, of which two are the code.
_MAX_REASON = 120
_logger = logging.getLogger(__name__)


class Ended(Exception):
    """The connection closes with this code, and the text as the reason."""

    def __init__(self, reason: str, code: int):
        super().__init__(reason)
        self.code = code


class Garbage(Ended):
    """A message that no page of ours sends."""

    def __init__(self, reason: str):
        super().__init__(reason, GARBAGE)


class Conversations:
    """Holds the WebSockets of one server, `most` at a time.

    Args:
        most: how many may be open.
        serve: speaks with one that is accepted, until the page goes or one of them ends it.
    """

    def __init__(self, most: int, serve: Callable[[WebSocket], Awaitable[None]]) -> None:
        self._most, self._serve, self._open = most, serve, 0

    async def hold(self, websocket: WebSocket) -> None:
        """Accept a page, speak with it, and close it with the reason for that."""
        await websocket.accept()  # else a browser is not told the reason
        code, reason = 1000, ""
        self._open += 1
        try:
            if self._open > self._most:
                full = f"as many pages are open as are allowed ({self._most})"
                raise Ended(f"{full}; close one and try again", FULL)
            await self._serve(websocket)
        except Ended as ended:
            code, reason = ended.code, str(ended)
        except MaceError as error:
            code, reason = FAILED, str(error)
        except WebSocketDisconnect:
            pass
        except Exception:
            _logger.exception("a page's session failed")
            code, reason = FAILED, "the server failed; its terminal says why"
        finally:
            self._open -= 1
        await _close(websocket, code, reason)


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close with a reason; a connection that is gone already is left alone."""
    short = reason.encode()[:_MAX_REASON].decode(errors="ignore")
    with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
        if websocket.application_state is not WebSocketState.DISCONNECTED:
            await websocket.close(code, short)


async def run_together(*parts: Callable[[], Awaitable[None]]) -> None:
    """Run until one part ends, end the others, and raise what it raised."""
    failed: list[Exception] = []
    async with anyio.create_task_group() as group:

        async def run(part: Callable[[], Awaitable[None]]) -> None:
            try:
                await part()
            except Exception as error:
                failed.append(error)
            group.cancel_scope.cancel()

        for part in parts:
            group.start_soon(run, part)
    if failed:
        raise failed[0]
