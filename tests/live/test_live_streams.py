"""Network streams over loopback: JPEG images over HTTP, gone senders, hidden passwords."""

import http.server
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from mace.errors import DataError
from mace.live.capture import Capture
from mace.live.config import SourceConfig
from mace.live.queues import NewestQueue
from mace.live.sources.frame import SourceLost
from mace.live.sources.opening import open_source
from mace.live.sources.stream import NetworkStream


class Sender(http.server.BaseHTTPRequestHandler):
    """Sends images one after the other, as network cameras do; then hangs up."""

    frames = 40

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        rng = np.random.default_rng(0)
        try:
            for _ in range(self.frames):
                image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
                jpeg = cv2.imencode(".jpg", image)[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                time.sleep(0.01)
            if self.path.endswith("silent"):
                self.server.stopped.wait(20)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the reader has enough

    def log_message(self, *_):
        pass


@pytest.fixture
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sender)
    server.stopped = threading.Event()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}/video"
    server.stopped.set()
    server.shutdown()
    server.server_close()
    serving.join()


def test_images_over_http_arrive_with_the_times_of_their_arrival(address):
    source = open_source(address)
    assert isinstance(source, NetworkStream)
    frames, before = source.frames(), time.monotonic()
    taken = [next(frames) for _ in range(10)]
    frames.close()
    assert source.size == (64, 48)
    assert taken[0].image.shape == (48, 64, 3)
    assert [frame.index for frame in taken] == list(range(10))
    times = [frame.captured for frame in taken]
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] <= time.monotonic()


def test_a_sender_that_hangs_up_is_called_again(address):
    queue = NewestQueue()
    with Capture(open_source(address), queue, retry_s=(0.05, 8.0)) as capture:
        for frame in capture.frames():
            if frame.index > Sender.frames + 5:
                break
    assert [incident.kind for incident in capture.incidents][:2] == ["unplugged", "back"]


def test_a_sender_that_falls_silent_is_given_up_in_time(address):
    config = SourceConfig(read_timeout_s=0.5)
    frames = open_source(f"{address}/silent", config).frames()
    start = time.monotonic()
    with pytest.raises(SourceLost, match="gives no frames any more"):
        list(frames)
    assert time.monotonic() - start < 8


def test_nobody_at_the_address_is_one_sentence_without_the_password():
    code = """
from mace.errors import DataError
from mace.live.config import SourceConfig
from mace.live.sources.opening import open_source
for scheme in ("http", "rtsp"):
    try:
        open_source(f"{scheme}://me:secret@127.0.0.1:9/door", SourceConfig(open_timeout_s=2))
    except DataError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line.partition("; check")[0] for line in lines] == [
        "there is no video at http://127.0.0.1:9/door",
        "there is no video at rtsp://127.0.0.1:9/door",
    ]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://me:a@b@host:554/x", "rtsp://host:554/x"),
        ("http://host/@handle", "http://host/@handle"),
    ],
)
def test_names_hide_passwords_and_nothing_else(address, name):
    with pytest.raises(DataError, match=rf"no video at {name};"):
        NetworkStream(address, opener=Closed)


class Closed:
    """A reader that could not be opened."""

    def __init__(self, *_):
        pass

    def isOpened(self):
        return False

    def release(self):
        pass
