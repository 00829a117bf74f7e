"""The page with the real engine, and the real loop, on a rendered face."""

import json
import struct

import cv2
import pytest
from starlette.testclient import TestClient

from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.runner import Runner
from mace.live.sources.opening import open_source
from mace.live.web.config import WebConfig
from mace.live.web.server import LivePage
from mace.serving.guard import Guard

HOST = "127.0.0.1:8765"
HEADERS = {"host": HOST, "origin": f"http://{HOST}"}


def facts_of(bundle):
    return {"classes": list(bundle.classes), "notice": "synthetic", "model": "", "source": ""}


def texts(socket):
    while True:
        message = socket.receive()
        if message.get("text"):
            yield json.loads(message["text"])


def opened(bundle, folder, config):
    def make_runner(pages):
        return Runner(open_source(folder), bundle, config=LiveConfig(), sinks=(pages.publish,))

    page = LivePage(
        facts_of(bundle),
        config=config,
        make_runner=make_runner,
        make_pipeline=lambda: Pipeline(bundle, LiveConfig()),
    )
    return page.app(Guard(frozenset({"localhost"})))


def test_a_camera_s_frames_get_the_engine_s_results(bundle, surprise, surprise_folder):
    app = opened(bundle, surprise_folder, WebConfig())
    frames = surprise.frames[:8]
    with (
        TestClient(app, base_url=f"http://{HOST}") as client,
        client.websocket_connect("/ws?mode=camera", headers=HEADERS) as socket,
    ):
        incoming = texts(socket)
        next(message for message in incoming if message["type"] == "ready")
        found = []
        for number, image in enumerate(frames):
            grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            height, width = grey.shape
            header = struct.pack("<BBHIdHHI", 1, 2, 0, number, 20.0 * number, width, height, 0)
            socket.send_bytes(header + grey.tobytes())
            answer = next(incoming)
            assert answer["ack"] == number
            found += answer["results"]
        socket.send_text('{"type": "finish"}')
        found += next(incoming)["results"]
    assert [one["frame"] for one in found] == list(range(len(frames)))
    face = found[-1]["faces"][0]
    assert face["label"] in bundle.classes
    assert sum(face["smoothed"]) == pytest.approx(1, abs=1e-3)
    assert len(face["landmarks"]) >= 5


def test_the_loop_is_watched(bundle, surprise_folder):
    app = opened(bundle, surprise_folder, WebConfig(camera=False))
    with (
        TestClient(app, base_url=f"http://{HOST}") as client,
        client.websocket_connect("/ws?mode=view", headers=HEADERS) as socket,
    ):
        ended = next(message for message in texts(socket) if message["type"] == "ended")
        lines = [json.loads(line) for line in client.get("/log").text.splitlines()]
    assert ended["reason"] == "the source has ended"
    assert any(line["type"] == "sample" for line in lines)
