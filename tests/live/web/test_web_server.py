"""The live page: what is on it, who is let in, and what viewers get."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from livefakes import FACTS, FakeEngine
from pages import (
    GUARD,
    HOST,
    closed_with,
    of_type,
    open_socket,
    page,
    receive_until,
    wait_for,
    watching,
)
from starlette.websockets import WebSocketDisconnect

from mace.errors import ConfigError, DataError
from mace.live.web import server
from mace.live.web.config import WebConfig
from mace.live.web.server import LivePage
from mace.serving.guard import make_guard
from mace.serving.server import address_lines
from mace.spotting.records import event_record


def test_the_page_holds_its_notices_and_nothing_from_outside():
    with page() as client:
        answer = client.get("/")
        assert answer.status_code == 200
        assert FACTS["notice"] in answer.text
        assert "agreed to it" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        files = (Path(server.__file__).parent / "static").glob("*.[jc]s*")
        names = [file.name for file in files]
        assert {"app.js", "style.css"} < set(names)
        for name in names:
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
        page(make_runner=watching(seconds=1)) as client,
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
    with page(guard=guard, make_runner=watching(seconds=5)) as client:
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
        {"preview_fps": 0},
        {"cert": tmp_path / "cert.pem"},
        {"cert": tmp_path / "gone", "key": tmp_path / "gone"},
    ):
        with pytest.raises(ConfigError, match=r"web\."):
            WebConfig(**wrong)


def test_a_viewer_gets_pictures_probabilities_and_every_event():
    with page(make_runner=watching(fps=100)) as client, open_socket(client, "view") as socket:
        assert receive_until(socket, of_type("hello"))["classes"] == FACTS["classes"]
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


LAST = event_record(FakeEngine.LAST)


def test_a_late_viewer_learns_of_the_past_and_the_end():
    with page(make_runner=watching(fps=500, seconds=3.0)) as client:
        with open_socket(client, "view") as socket:
            # What became certain by the end is told before it.
            told = receive_until(socket, lambda one: one.get("events", [{}])[-1:] == [LAST], 2000)
            assert told["type"] == "results"
            ended = receive_until(socket, of_type("ended"))
        with open_socket(client, "view") as socket:
            history = receive_until(socket, of_type("history"))
            assert receive_until(socket, of_type("ended")) == ended
            last = receive_until(socket, of_type("results"))
            assert last["results"][0]["time"] > 2.9
            assert socket.receive()["bytes"][24:26] == b"\xff\xd8"
    assert history["events"][-1] == LAST
    assert len(history["results"]) > 10


def test_pause_is_one_viewer_s_own_and_reset_reaches_the_engine():
    engine = FakeEngine()
    with (
        page(make_runner=watching(engine=engine)) as client,
        open_socket(client, "view") as paused,
        open_socket(client, "view") as other,
    ):
        receive_until(other, of_type("results"))  # the source is open: there is what to reset
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
    def make_runner(pages):
        raise DataError("camera 0 is gone; plug it in")

    with page(make_runner=make_runner) as client, open_socket(client, "view") as socket:
        assert "plug it in" in receive_until(socket, of_type("ended"))["reason"]


def test_modes_that_are_not_offered():
    with page(config=WebConfig(camera=False)) as client:
        for mode in ("camera", "", "x"):
            with open_socket(client, mode) as socket:
                assert closed_with(socket) == (1003, "this server does not offer that mode")


def test_a_taken_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = WebConfig(port=taken.getsockname()[1])
        page = LivePage(FACTS, config=config, make_runner=watching(), make_pipeline=FakeEngine)
        with pytest.raises(ConfigError, match="cannot listen on"):
            page.serve(print)


def test_settings_need_no_server():
    code = (
        "import sys, mace.live.web.config; assert not {'jax', 'starlette', 'cv2'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
