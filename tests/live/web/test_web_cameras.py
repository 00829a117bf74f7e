"""Browsers' cameras: answers, bounds, and that nobody takes others along."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref

import pytest
from livefakes import FakeEngine
from pages import (
    JPEG,
    closed_with,
    frame_message,
    of_type,
    open_socket,
    page,
    receive_until,
    wait_for,
    watching,
)

from mace.live.web.config import WebConfig
from mace.spotting.records import event_record


def test_a_camera_gets_a_result_for_every_frame_from_a_thread():
    engine = FakeEngine()
    with page(make_engine=lambda: engine) as client, open_socket(client, "camera") as socket:
        receive_until(socket, of_type("ready"))
        for sequence in range(5):
            socket.send_bytes(frame_message(sequence, 1000.0 + 20 * sequence))
            found = receive_until(socket, of_type("results"))
            assert found["ack"] == sequence
            assert found["results"][0]["time"] == pytest.approx(0.02 * sequence)
        socket.send_bytes(frame_message(5, 1000.0))  # a clock that runs backwards
        assert receive_until(socket, of_type("results"))["results"] == []
        socket.send_text('{"type": "reset"}')
        receive_until(socket, of_type("results"))
        assert not engine.closed
        socket.send_text('{"type": "finish"}')
        assert receive_until(socket, of_type("results"))["events"] == [event_record(engine.LAST)]
        assert engine.resets == 1
        assert threading.get_ident() not in engine.threads
        assert len(engine.threads) == 1
    assert engine.closed


GARBAGE = [
    b"",
    b"\x00" * 100,
    b"\xff" * 5000,
    frame_message(1, 2.0, b"GIF89a" + bytes(100)),
    frame_message(1, 2.0, JPEG[:400]),
    frame_message(1, float("nan")),
    "no json",
    '{"type": "sudo"}',
    "[" * 500,
]


@pytest.mark.parametrize("message", GARBAGE, ids=lambda message: repr(message[:12]))
def test_garbage_closes_its_own_connection_and_no_other(message):
    with page() as client, open_socket(client, "camera") as good:
        receive_until(good, of_type("ready"))
        with open_socket(client, "camera") as bad:
            receive_until(bad, of_type("ready"))
            if isinstance(message, bytes):
                bad.send_bytes(message)
            else:
                bad.send_text(message)
            code, reason = closed_with(bad)
        assert code == 1003
        assert reason
        good.send_bytes(frame_message(1, 1.0))
        assert receive_until(good, of_type("results"))["results"]


def test_a_frame_of_too_many_pixels_is_never_decoded():
    bomb = JPEG[:2] + b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff" + bytes(64)
    with page() as client, open_socket(client, "camera") as socket:
        receive_until(socket, of_type("ready"))
        socket.send_bytes(frame_message(1, 1.0, bomb))
        assert "65535x65535" in closed_with(socket)[1]


def test_frames_are_not_taken_from_viewers():
    with page(make_runner=watching(seconds=5)) as client, open_socket(client, "view") as socket:
        socket.send_bytes(frame_message(1, 1.0))
        assert closed_with(socket)[0] == 1003


def test_frames_beyond_the_rate_are_answered_but_not_looked_at():
    engine = FakeEngine()
    config = WebConfig(max_rate=5.0)
    with (
        page(config=config, make_engine=lambda: engine) as client,
        open_socket(client, "camera") as socket,
    ):
        receive_until(socket, of_type("ready"))
        for sequence in range(20):
            socket.send_bytes(frame_message(sequence, float(sequence + 1)))
        acks = [receive_until(socket, of_type("results"))["ack"] for _ in range(20)]
    assert sorted(acks) == list(range(20))
    assert len(engine.images) <= 8


def test_an_engine_that_breaks_takes_nobody_along():
    engines = iter([FakeEngine(), FakeEngine(fails_at=0)])
    with page(make_engine=lambda: next(engines)) as client, open_socket(client, "camera") as good:
        receive_until(good, of_type("ready"))
        with open_socket(client, "camera") as bad:
            receive_until(bad, of_type("ready"))
            bad.send_bytes(frame_message(1, 1.0))
            assert closed_with(bad)[0] == 1011
        good.send_bytes(frame_message(1, 1.0))
        assert receive_until(good, of_type("results"))["results"]


def test_ten_pages_at_once_eight_are_served():
    with page(make_runner=watching()) as client, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(client, "view")) for _ in range(10)]
        for socket in sockets[:8]:
            assert receive_until(socket, of_type("results"))
        for socket in sockets[8:]:
            code, reason = closed_with(socket)
            assert code == 1013
            assert reason.startswith("as many pages are open as are allowed (8)")


def test_a_closed_tab_frees_its_engine_and_its_place():
    alive = weakref.WeakSet()

    def make_engine():
        engine = FakeEngine(slow_s=0.1)
        alive.add(engine)
        return engine

    with page(config=WebConfig(max_cameras=1), make_engine=make_engine) as client:
        for _ in range(3):
            with open_socket(client, "camera") as socket:
                receive_until(socket, of_type("ready"))
                assert len(alive) == 1
                with open_socket(client, "camera") as second:
                    code, reason = closed_with(second)
                    assert code == 1013
                    assert reason.startswith("as many cameras are in use as are allowed (1)")
                socket.send_bytes(frame_message(1, 1.0))  # closed while the engine is at work
            wait_for(lambda: gc.collect() >= 0 and not alive)
            time.sleep(0.05)  # the place is given back just after the engine


def test_an_idle_camera_is_let_go():
    with page(config=WebConfig(idle_s=0.2)) as client, open_socket(client, "camera") as socket:
        receive_until(socket, of_type("ready"))
        code, reason = closed_with(socket)
        assert code == 1008
        assert "no frame came" in reason


def test_a_message_that_is_too_large_closes_its_connection(live_server):
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    async def talk():
        uri = live_server.replace("http", "ws") + "ws?mode=camera"
        origin = live_server.rstrip("/")
        async with connect(uri, origin=origin, max_size=None) as socket:
            await socket.recv()
            await socket.recv()
            with contextlib.suppress(ConnectionClosed):
                await socket.send(bytes(5 * 1024 * 1024))
                await socket.recv()
            return socket.close_code

    assert asyncio.run(talk()) == 1009
