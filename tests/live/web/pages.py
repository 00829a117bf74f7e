"""A page of the live server with fakes behind it, and what to say to it."""

import contextlib
import json
import struct
import time

import cv2
import pytest
from livefakes import FACTS, FakeEngine, FakeRunner, grey_images, looped
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from mace.live.web.config import WebConfig
from mace.live.web.server import LivePage
from mace.serving.guard import Guard

HOST = "127.0.0.1:8765"
HEADERS = {"host": HOST, "origin": f"http://{HOST}"}
CONFIG = WebConfig()
GUARD = Guard(names=frozenset({"localhost"}))
JPEG = cv2.imencode(".jpg", grey_images(1)[0])[1].tobytes()


def frame_message(sequence, time_ms, data=JPEG):
    return struct.pack("<BBHIdHHI", 1, 1, 0, sequence, time_ms, 0, 0, 0) + data


@contextlib.contextmanager
def page(*, config=CONFIG, guard=GUARD, make_runner=None, make_engine=FakeEngine):
    runner = make_runner or watching(seconds=0.0)
    page = LivePage(FACTS, config=config, make_runner=runner, make_pipeline=make_engine)
    with TestClient(page.app(guard), base_url=f"http://{HOST}") as client:
        yield client


def watching(*, fps=100, seconds=60.0, engine=None):
    def make_runner(pages):
        frames = looped(grey_images(), fps=fps, seconds=seconds)
        return FakeRunner(frames, engine or FakeEngine(), pages)

    return make_runner


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
