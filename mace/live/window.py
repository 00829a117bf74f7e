"""The live window: the frame with everything drawn on, the last seconds, and keys."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.errors import ConfigError, OutputError
from mace.live.face_picture import FACTORS, face_picture
from mace.live.overlay import BACK, DIM, TEXT, Looks, draw_result, put_text
from mace.live.queues import LatestResult
from mace.live.results import Result
from mace.live.timeline import History, draw_timeline

TITLE = "MACE live"
KEYS_LINE = (
    "space pause  x exaggerate  m motion  p probabilities  s snapshot  r reset  v record  q quit"
)
_FPS = 30.0
# With the strips and a 4:3 frame it fits a screen of 768 px.
_WIDTH = 720
_TIMELINE = 150
# Side of the faces beside it.
_SIDE = 330
_HEAD = 26
_RECORDING = (80, 80, 240)
# How long the line about the last key stays, in s.
_SAID_S = 2.5


@dataclass
class View:
    """What the window shows; its methods know no screen, so that they can be tested without.

    Attributes:
        classes: their names.
        notice: the line that every picture carries.
        snapshots: folder that pictures are saved to.
        reset_reference: for `r`; called in the window's thread, as is the next.
        record: for `v`; told whether to record, returns what to say.
        factor: by which the first face's motion is multiplied in a picture beside; 1 for none.
    """

    classes: tuple[str, ...]
    notice: str
    snapshots: Path
    reset_reference: Callable[[], None] = lambda: None
    record: Callable[[bool], str] | None = None
    looks: Looks = field(default_factory=Looks)
    factor: float = 1.0
    paused: bool = False
    recording: bool = False
    closed: bool = False
    _history: History = field(default_factory=History)
    _shown: Result | None = None
    _said: str = ""
    _said_at: float = 0.0

    def take(self, result: Result) -> None:
        """Take a result; while paused the timeline goes on and the picture stands still."""
        self._history.add(result)
        if not self.paused:
            self._shown = result

    def picture(self) -> UInt8[np.ndarray, "h w 3"] | None:
        """Return what the window shows now; None before the first frame."""
        if self._shown is None:
            return None
        frame = draw_result(
            self._shown,
            classes=self.classes,
            notice=self.notice,
            events=self._history.named,
            looks=self.looks,
        )
        height = max(1, round(frame.shape[0] * _WIDTH / frame.shape[1]))
        smaller = frame.shape[1] > _WIDTH
        way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        frame = cv2.resize(frame, (_WIDTH, height), interpolation=way)
        timeline = draw_timeline(
            self._history,
            classes=self.classes,
            size=(_WIDTH, _TIMELINE),
            probabilities=self.looks.probabilities,
        )
        picture = np.vstack([self._head(), frame, timeline, self._foot()])
        if self.factor == 1:
            return picture
        return np.hstack([picture, self._exaggerated(self._shown, picture.shape[0])])

    def press(self, key: int) -> None:
        """Do what `key` (its ASCII code, or -1 for none) asks for."""
        match key:
            case 32:
                self.paused = not self.paused
                self._say("")
            case 115:
                self._say(self._snapshot())
            case 114:
                self.reset_reference()
                self._say("the face as it is now counts as neutral")
            case 120:
                self.factor = FACTORS[(FACTORS.index(self.factor) + 1) % len(FACTORS)]
                self._say(f"motion x{self.factor:g}" if self.factor > 1 else "")
            case 109:
                self.looks = replace(self.looks, motion=not self.looks.motion)
            case 112:
                self.looks = replace(self.looks, probabilities=not self.looks.probabilities)
                named = "of every frame: at rest they mean nothing"
                self._say(f"probabilities {named}" if self.looks.probabilities else "")
            case 118:
                self._record()
            case 113 | 27:
                self.closed = True

    def _record(self) -> None:
        if self.record is None:
            self._say("recording needs --out FOLDER")
            return
        try:
            said = self.record(not self.recording)
        except OutputError as error:
            self._say(str(error))
        else:
            self.recording = not self.recording
            self._say(said)

    def _snapshot(self) -> str:
        picture = self.picture()
        if picture is None or self._shown is None:
            return "there is no frame yet"
        path = self.snapshots / f"snapshot-{self._shown.frame.index:08d}.png"
        try:
            self.snapshots.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        except OSError as error:
            return f"cannot write {path}: {error.strerror or error}"
        return f"saved {path}"

    def _say(self, text: str) -> None:
        self._said, self._said_at = text, time.monotonic()

    def _head(self) -> UInt8[np.ndarray, "h w 3"]:
        strip = np.full((_HEAD, _WIDTH, 3), BACK, np.uint8)
        if self._shown is None:
            return strip
        counters = self._shown.counters
        text = f"{counters.fps:5.1f} /s   delay {counters.delay_ms:5.1f} ms"
        text += f"   dropped {counters.dropped}"
        put_text(strip, f"{text}   skipped {counters.skipped}", (10, 18))
        if self.paused:
            put_text(strip, "paused", (_WIDTH - 130, 18))
        if self.recording:
            cv2.circle(strip, (_WIDTH - 60, 13), 5, _RECORDING, -1, cv2.LINE_AA)
            put_text(strip, "REC", (_WIDTH - 48, 18))
        return strip

    def _exaggerated(self, shown: Result, height: int) -> UInt8[np.ndarray, "h w 3"]:
        strip = np.full((height, _SIDE, 3), BACK, np.uint8)
        put_text(strip, f"motion x{self.factor:g}", (10, 18))
        below = _HEAD
        # With one face there is room for it plain as well.
        for factor in (self.factor, 1.0):
            face = None
            if shown.faces:
                face = face_picture(shown.frame, shown.faces[0], side=_SIDE, factor=factor)
            if face is not None and below + _SIDE <= height:
                strip[below : below + _SIDE] = face
            below += _SIDE + _HEAD
            if below <= height and factor > 1:
                put_text(strip, "as it is", (10, below - 8), colour=DIM)
        return strip

    def _foot(self) -> UInt8[np.ndarray, "h w 3"]:
        strip = np.full((_HEAD, _WIDTH, 3), BACK, np.uint8)
        fresh = self._said and time.monotonic() - self._said_at < _SAID_S
        put_text(strip, self._said if fresh else KEYS_LINE, (10, 17), colour=TEXT if fresh else DIM)
        return strip


def require_display() -> None:
    """Check that a window can be shown, since OpenCV ends the whole process where none can.

    Raises:
        ConfigError: without a screen, or with an OpenCV that has no windows.
    """
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise ConfigError(
            "there is no screen to show a window on (neither DISPLAY nor WAYLAND_DISPLAY is set); "
            "use --web to look from another machine, or --out to record without a window"
        )
    if "GUI:                           NONE" in cv2.getBuildInformation():
        raise ConfigError(
            "this OpenCV was built without windows (opencv-python-headless); install "
            "opencv-python, or use --web"
        )


def show(view: View, results: LatestResult, *, ended: Callable[[], bool]) -> None:
    """Show results in a window until it is closed, the queue is, or `ended` says so.

    Runs in the thread that calls it, at 30 pictures a second at most; macOS allows windows in a
    process's main thread only.

    Args:
        view: what is shown, and what the keys do.
        results: the newest result; what the window is too slow for is never shown.
        ended: whether there is nothing more to show; asked often.

    Raises:
        ConfigError: if no window can be shown.
    """
    require_display()
    cv2.namedWindow(TITLE, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    try:
        while not view.closed and not ended():
            started = time.monotonic()
            result = results.take(timeout=1 / _FPS)
            if result is not None:
                view.take(result)
            elif results.closed:
                break
            picture = view.picture()
            if picture is not None:
                cv2.imshow(TITLE, picture)
            left = 1 / _FPS - (time.monotonic() - started)
            key = cv2.waitKey(max(1, round(1000 * left)))
            view.press(-1 if key < 0 else key & 0xFF)
            # The cross in the window's corner says nothing; the window is simply gone.
            if picture is not None and cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                break
    finally:
        cv2.destroyAllWindows()
