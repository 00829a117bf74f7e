"""A page's WebSocket: closed with a reason, read and written side by side."""

import contextlib
from collections.abc import Awaitable, Callable

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

# A close frame holds 125 bytes, of which two are the code.
_MAX_REASON = 120


async def close(websocket: WebSocket, code: int, reason: str) -> None:
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
