"""The live page's server: who is let in, what is bounded, and that nobody takes others along."""

import asyncio
import contextlib
import gc
import json
import struct
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace

import cv2
import pytest
from livefakes import FACTS, FakeEngine, grey_images, looped
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from mace.errors import ConfigError, DataError
from mace.live.web.config import WebConfig
from mace.live.web.guard import Guard, make_guard
from mace.live.web.server import SourceWatch, address_lines, make_app, serve

HOST = "127.0.0.1:8765"
HEADERS = {"host": HOST, "origin": f"http://{HOST}"}
CONFIG = WebConfig()
GUARD = Guard(names=frozenset({"localhost"}))
JPEG = cv2.imencode(".jpg", grey_images(1)[0])[1].tobytes()


def frame_message(sequence, time_ms, data=JPEG):
    return struct.pack("<BBHIdHHI", 1, 1, 0, sequence, time_ms, 0, 0, 0) + data


@contextlib.contextmanager
def page(*, config=CONFIG, guard=GUARD, watch=None, make_engine=FakeEngine):
    app = make_app(FACTS, config=config, guard=guard, watch=watch, make_engine=make_engine)
    with TestClient(app, base_url=f"http://{HOST}") as client:
        yield client


def watching(*, fps=100, seconds=60.0, engine=None):
    return SourceWatch(looped(grey_images(), fps=fps, seconds=seconds), engine or FakeEngine())


def open_socket(client, mode, *, headers=HEADERS, more=""):
    return client.websocket_connect(f"/ws?mode={mode}{more}", headers=headers)


def receive_until(socket, wanted, count=200):
    for _ in range(count):
        message = socket.receive()
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message["code"], message.get("reason"))
        if message.get("text"):
            found = json.loads(message["text"])
            if wanted(found):
                return found
    raise AssertionError("it never came")


def closed_with(socket):
    with pytest.raises(WebSocketDisconnect) as caught:
        receive_until(socket, lambda message: False)
    return caught.value.code, caught.value.reason


def of_type(kind):
    return lambda message: message["type"] == kind


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_the_page_holds_its_notices_and_nothing_from_outside():
    with page() as client:
        answer = client.get("/")
        assert answer.status_code == 200
        assert FACTS.notice in answer.text
        assert "agreed to it" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        for name in ("app.js", "camera.js", "draw.js", "style.css"):
            asset = client.get(f"/{name}")
            assert asset.status_code == 200
            assert "//" not in asset.text.replace("// ", "").replace("https://", "https:")
        for name in ("index.html", "server.py", "..%2Fserver.py", "nothing"):
            assert client.get(f"/{name}").status_code == 404


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("127.0.0.1:8765", True),
        ("localhost:9000", True),
        ("[::1]:8765", True),
        ("192.168.7.9:8765", True),
        ("LOCALHOST", True),
        ("evil.example", False),
        ("localhost.evil.example:8765", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_known_host_names(host, good):
    # A stranger's name that points here (DNS rebinding) is a name; plain addresses cannot be.
    assert GUARD.host_allowed(host) is good
    with page() as client:
        assert client.get("/", headers={"host": host}).status_code == (200 if good else 421)


@pytest.mark.parametrize(
    "origin", [None, "http://evil.example", "null", f"http://{HOST}.evil.example", "file://" + HOST]
)
def test_other_sites_pages_get_no_socket(origin):
    headers = {"host": HOST} if origin is None else {"host": HOST, "origin": origin}
    with (
        page(watch=watching(seconds=1)) as client,
        pytest.raises(WebSocketDisconnect) as caught,
        open_socket(client, "view", headers=headers),
    ):
        pass
    assert caught.value.code == 1008


def test_a_foreign_host_gets_no_socket():
    headers = {"host": "evil.example", "origin": "http://evil.example"}
    with (
        page() as client,
        pytest.raises(WebSocketDisconnect),
        open_socket(client, "camera", headers=headers),
    ):
        pass


def test_the_token_is_asked_for_everywhere():
    guard = replace(GUARD, token="a-secret")
    with page(guard=guard, watch=watching(seconds=5)) as client:
        for path in ("/", "/log"):
            for query in ("", "?token=", "?token=a-secreT", "?token=ä"):
                answer = client.get(path + query)
                assert answer.status_code == 403
                assert "token" in answer.text
            assert client.get(f"{path}?token=a-secret").status_code == 200
        for more in ("", "&token=a-secre"):
            with pytest.raises(WebSocketDisconnect), open_socket(client, "view", more=more):
                pass
        with open_socket(client, "view", more="&token=a-secret") as socket:
            receive_until(socket, of_type("results"))


def test_other_addresses_have_a_token_and_advice():
    assert make_guard(WebConfig()).token is None
    near = address_lines(WebConfig(), None)
    assert list(near) == ["http://127.0.0.1:8765/"]
    for host in ("0.0.0.0", "192.168.1.5", "::"):
        config = WebConfig(host=host)
        tokens = {make_guard(config).token for _ in range(5)}
        assert len(tokens) == 5
        assert min(map(len, tokens)) >= 32
        address, advice = address_lines(config, "secret")
        assert address.endswith("/?token=secret")
        assert "openssl req" in advice
        assert "ssh -L 8765:" in advice


def test_settings_are_checked(tmp_path):
    (tmp_path / "cert.pem").write_text("")
    for wrong in (
        {"port": 70000},
        {"max_clients": 0},
        {"max_rate": 0.0},
        {"preview_quality": 0},
        {"cert": tmp_path / "cert.pem"},
        {"cert": tmp_path / "gone", "key": tmp_path / "gone"},
    ):
        with pytest.raises(ConfigError, match=r"web\."):
            WebConfig(**wrong)


def test_a_viewer_gets_pictures_probabilities_and_every_event():
    with page(watch=watching(fps=100)) as client, open_socket(client, "view") as socket:
        assert receive_until(socket, of_type("hello"))["classes"] == list(FACTS.classes)
        start, pictures, records, events = time.monotonic(), 0, [], []
        while len(events) < 2:
            message = socket.receive()
            if message.get("bytes"):
                pictures += 1
                assert message["bytes"][24:26] == b"\xff\xd8"
                continue
            found = json.loads(message["text"])
            records += found.get("results", [])
            events += found.get("events", [])
        seconds = time.monotonic() - start
        assert len({one["apex"] for one in events}) == 2
        assert 10 <= pictures <= 31 * seconds + 3
        assert records[-1]["faces"][0]["outline"]
        lines = [json.loads(line) for line in client.get("/log").text.splitlines()]
        assert lines[0]["type"] == "session"
        assert [line["apex"] for line in lines if line["type"] == "event"] == [
            one["apex"] for one in events
        ]
        assert sum(line["type"] == "sample" for line in lines) > 10


def test_a_late_viewer_learns_of_the_past_and_the_end():
    watch = SourceWatch(looped(grey_images(), fps=500, seconds=3.0), FakeEngine())
    with page(watch=watch) as client:
        with open_socket(client, "view") as socket:
            ended = receive_until(socket, of_type("ended"), 2000)
        with open_socket(client, "view") as socket:
            history = receive_until(socket, of_type("history"))
            assert receive_until(socket, of_type("ended")) == ended
    assert len(history["events"]) >= 1
    assert len(history["results"]) > 10


def test_pause_is_one_viewer_s_own_and_reset_reaches_the_engine():
    engine = FakeEngine()
    with (
        page(watch=watching(engine=engine)) as client,
        open_socket(client, "view") as paused,
        open_socket(client, "view") as other,
    ):
        paused.send_text('{"type": "pause", "paused": true}')
        paused.send_text('{"type": "reset"}')
        wait_for(lambda: engine.resets == 1)
        for _ in range(40):
            receive_until(other, of_type("results"))
        # What was on its way is still there; then only events follow.
        kinds = [paused.receive() for _ in range(4)]
        for _ in range(2):
            message = receive_until(paused, lambda found: found.get("events"))
            assert not message["results"]
        assert kinds


def test_a_source_that_fails_is_told():
    class Broken(SourceWatch):
        def run(self, publish, stop):
            raise DataError("camera 0 is gone; plug it in")

    with page(watch=Broken([], FakeEngine())) as client, open_socket(client, "view") as socket:
        assert "plug it in" in receive_until(socket, of_type("ended"))["reason"]


def test_a_camera_gets_an_answer_for_every_frame_from_a_thread():
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
        socket.send_text('{"type": "finish"}')
        receive_until(socket, of_type("results"))
        receive_until(socket, of_type("results"))
        assert engine.resets == 1
        assert not engine.closed
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
    with page(watch=watching(seconds=5)) as client, open_socket(client, "view") as socket:
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
    with page(watch=watching()) as client, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(client, "view")) for _ in range(10)]
        for socket in sockets[:8]:
            assert receive_until(socket, of_type("results"))
        for socket in sockets[8:]:
            assert "8 pages are open" in receive_until(socket, of_type("refused"))["reason"]
            assert closed_with(socket)[0] == 1013


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
                    assert "in use" in receive_until(second, of_type("refused"))["reason"]
                socket.send_bytes(frame_message(1, 1.0))  # closed while the engine is at work
            wait_for(lambda: gc.collect() >= 0 and not alive)
            time.sleep(0.05)  # the place is given back just after the engine


def test_an_idle_camera_is_let_go():
    with page(config=WebConfig(idle_s=0.2)) as client, open_socket(client, "camera") as socket:
        receive_until(socket, of_type("ready"))
        code, reason = closed_with(socket)
        assert code == 1008
        assert "no frame came" in reason


def test_modes_that_are_not_offered():
    with page(config=WebConfig(camera=False)) as client:
        for mode in ("view", "camera", "", "x"):
            with open_socket(client, mode) as socket:
                assert closed_with(socket) == (1003, "this server does not offer that mode")


def test_nothing_to_show_and_a_taken_port():
    with pytest.raises(ConfigError, match="nothing to show"):
        serve(FACTS, config=WebConfig())
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = WebConfig(port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match="cannot listen on"):
            serve(FACTS, config=config, make_engine=FakeEngine)


def test_settings_need_no_server():
    code = (
        "import sys, mace.live.web.config; assert not {'jax', 'starlette', 'cv2'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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
