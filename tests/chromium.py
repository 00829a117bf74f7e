"""Headless Chromium over its DevTools protocol: only what the tests of the page need."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import time
import urllib.request

from websockets.sync.client import connect


class Chromium:
    """One browser with one tab, whose camera plays a video file over and over."""

    def __init__(self, profile, *, video=None, size=(1280, 800), mobile=False):
        program = shutil.which("chromium") or shutil.which("google-chrome")
        assert program, "this test needs Chromium (Debian: apt-get install chromium)"
        arguments = [
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--remote-debugging-port=0", "--remote-allow-origins=*"),
            *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
            *("--disable-quic", f"--window-size={size[0]},{size[1]}"),
            f"--user-data-dir={profile}",
        ]
        if video is not None:
            arguments.append(f"--use-file-for-fake-video-capture={video}")
        self.process = subprocess.Popen(
            [program, *arguments, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack = contextlib.ExitStack()
        try:
            self._attach(profile)
        except BaseException:
            self._end()
            raise
        self._numbers = itertools.count(1)
        self.errors = []
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=2 if mobile else 1,
            mobile=mobile,
        )

    def _attach(self, profile):
        marker = profile / "DevToolsActivePort"
        wait_until(lambda: marker.exists() and len(marker.read_text().splitlines()) == 2, 30)
        port = marker.read_text().split()[0]
        wait_until(lambda: self._tabs(port), 10)
        tab, *_ = self._tabs(port)
        self.socket = self._stack.enter_context(connect(tab["webSocketDebuggerUrl"], max_size=None))

    @staticmethod
    def _tabs(port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
            return [tab for tab in json.load(answer) if tab["type"] == "page"]

    def call(self, method, **parameters):
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=30))
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def _note(self, message):
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(parameters["exceptionDetails"])
        if message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])

    def open(self, address):
        self.call("Page.navigate", url=address)
        wait_until(lambda: self.run("document.readyState") == "complete", 20)

    def run(self, script):
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key, code, *, modifiers=0):
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                modifiers=modifiers,
                **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}),
            )

    def screenshot(self, path, *, whole=False):
        found = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self):
        self._end()

    def _end(self):
        self._stack.close()
        self.process.terminate()
        self.process.wait(timeout=20)


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
    return found


def write_y4m(path, images, *, fps):
    """Write grey images as a video that Chromium takes for a camera."""
    height, width = images[0].shape
    flat = bytes([128]) * (height * width // 2)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for image in images:
            file.write(b"FRAME\n" + image.tobytes() + flat)
