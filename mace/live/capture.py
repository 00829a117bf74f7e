"""The thread that reads a source, so that nothing behind it can hold a camera up."""

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Self

import numpy as np

from mace.errors import DataError, MaceError
from mace.live.queues import NewestQueue, OrderedQueue
from mace.live.sources.frame import Frame, Incident, IncidentKind, Source, SourceLost, few_frames

_KEPT_INCIDENTS = 1000
_RATE_FRAMES = 120
# Cameras lengthen the exposure in the dark, and lower their rate for it without saying so.
_SLOW = 0.8
_QUIET_S = 1.0  # damaged frames are reported this often at most
# Rows looked at first: noise makes them differ from frame to frame unless the picture hangs.
_SPARSE = 16


class Capture:
    """Reads `source` in a thread of its own and lays every frame into `queue`.

    A live source is watched: what stalls, freezes, slows down or changes is an incident, and one
    that is lost is opened anew, ever more rarely, until it is back or `stop` is called.

    Args:
        source: where frames come from; belongs to this object from now on.
        queue: where they are laid; closed at the end. One that keeps the newest keeps the delay
            from growing; one that keeps all holds up the reading, which only a file may be.
        on_incident: called with every incident, in the thread that noticed it.
        stall_s: how long nothing may come before that is an incident, in s.
        frozen_s: how long frames may be bit-identical before that is one, in s.
        retry_s: first and longest wait before a lost source is opened anew, in s; they double.
    """

    def __init__(
        self,
        source: Source,
        queue: NewestQueue[Frame] | OrderedQueue[Frame],
        *,
        on_incident: Callable[[Incident], None] | None = None,
        stall_s: float = 2.0,
        frozen_s: float = 2.0,
        retry_s: tuple[float, float] = (0.5, 8.0),
    ):
        self.source = source
        self.queue = queue
        self._on_incident = on_incident
        self._stall_s = max(stall_s, 3 / source.fps if source.fps > 0 else 0.0)
        self._retry_s = retry_s
        self._watch = PictureWatch(source.name, frozen_s=frozen_s)
        self._incidents: deque[Incident] = deque(maxlen=_KEPT_INCIDENTS)
        self._captured: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._error: MaceError | None = None
        self._read = 0
        self._first: float | None = None
        self._arrived = 0.0
        self._missing: IncidentKind | None = None  # why no frame comes: stalled or unplugged
        self._slow = self._few = False
        self._last_unreadable = -_QUIET_S
        # Daemons, lest a forgotten `stop` hang the interpreter; it stops them itself at its exit,
        # as a thread that dies inside OpenCV takes the process with it.
        self._threads = [threading.Thread(target=self._run, name="capture", daemon=True)]
        if source.live:
            stalls = threading.Thread(target=self._look_for_stalls, name="stalls", daemon=True)
            self._threads.append(stalls)
        source.report = self._source_says

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """The last thousand, oldest first."""
        with self._lock:
            return tuple(self._incidents)

    @property
    def fps(self) -> float:
        """Frames that really come a second, over the last ones; 0 before the second."""
        with self._lock:
            times = tuple(self._captured)
        span = times[-1] - times[0] if times else 0.0
        return (len(times) - 1) / span if span > 0 else 0.0

    def start(self) -> Self:
        """Begin to read; returns itself."""
        atexit.register(self.stop)
        self._arrived = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End reading and wait for it: for the source's read time-out at most."""
        self._stop.set()
        self.source.close()
        self.queue.close()
        for thread in self._threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join()
        atexit.unregister(self.stop)

    def check(self) -> None:
        """Raise what ended the thread, if anything did.

        Raises:
            MaceError: if the source failed for good.
        """
        if self._error is not None:
            raise self._error

    def frames(self) -> Iterator[Frame]:
        """Yield what the queue gives until the source ends or is stopped.

        Raises:
            MaceError: if the source failed for good.
        """
        yield from self.queue
        self.check()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            self._read_on()
        except MaceError as error:
            self._error = error
        except Exception as error:
            self._error = DataError(f"{self.source.name} failed while it was read: {error}")
            self._error.__cause__ = error
        finally:
            self._ended.set()
            self.queue.close()

    def _read_on(self) -> None:
        first_wait, longest_wait = self._retry_s
        wait = first_wait
        while not self._stop.is_set():
            try:
                with closing(self.source.frames()) as frames:
                    for frame in frames:
                        if self.queue.closed:
                            return
                        captured = frame.captured or time.monotonic()
                        frame = replace(frame, captured=captured)
                        self.queue.put(self._watched(frame) if self.source.live else frame)
                        wait = first_wait
                if self.source.live and not self._stop.is_set():
                    self._say("ended", f"{self.source.name} has ended after {self._read} frames")
                return
            except SourceLost as lost:
                self._lost(lost)
            self._stop.wait(wait)
            wait = min(2 * wait, longest_wait)

    def _watched(self, frame: Frame) -> Frame:
        """Return a frame of a live source on one clock, after looking at what is new with it."""
        if self._first is None:
            self._first = frame.captured - frame.time
        elif frame.index < self._read:  # opened anew: the source counts from 0 again
            frame = replace(frame, index=self._read, time=frame.captured - self._first)
        with self._lock:
            self._captured.append(frame.captured)
            missing, self._missing = self._missing, None
            self._arrived = time.monotonic()
        self._read = frame.index + 1
        if missing is not None:
            self._say("back", f"{self.source.name} gives frames again", time_s=frame.time)
        if self._read % _RATE_FRAMES == 0:
            self._look_at_rate(frame.time)
        for kind, sentence in self._watch.see(frame):
            self._say(kind, sentence, time_s=frame.time)
        return frame

    def _look_at_rate(self, time_s: float) -> None:
        rate, stated, before = self.fps, self.source.fps, self._slow
        self._slow = 0 < rate < _SLOW * stated
        if self._slow and not before:
            self._say(
                "slow",
                f"{self.source.name} gives {rate:.3g} frames per second, not the {stated:.3g} it "
                f"states{self.source.remedy}",
                time_s=time_s,
            )
        if not self._few:
            for sentence in few_frames(self.source.name, rate):
                self._few = True
                self._say("slow", sentence, time_s=time_s)

    def _lost(self, lost: SourceLost) -> None:
        with self._lock:
            known, self._missing = self._missing == "unplugged", "unplugged"
            self._captured.clear()
        if not known and not self._stop.is_set():
            self._say("unplugged", f"{lost}; trying to open it again")

    def _look_for_stalls(self) -> None:
        while not self._ended.wait(self._stall_s / 4):
            with self._lock:
                late = time.monotonic() - self._arrived > self._stall_s
                stalled = late and self._missing is None and not self._stop.is_set()
                if stalled:
                    self._missing = "stalled"
            if stalled:
                self._say(
                    "stalled",
                    f"{self.source.name} has given no frame for {self._stall_s:g} s; waiting",
                )

    def _source_says(self, kind: IncidentKind, sentence: str) -> None:
        if kind == "unreadable":
            now = time.monotonic()
            if now - self._last_unreadable < _QUIET_S:
                return
            self._last_unreadable = now
        self._say(kind, sentence)

    def _say(self, kind: IncidentKind, sentence: str, *, time_s: float | None = None) -> None:
        if time_s is None:
            time_s = 0.0 if self._first is None else time.monotonic() - self._first
        incident = Incident(time_s, kind, sentence)
        with self._lock:
            self._incidents.append(incident)
        if self._on_incident is not None:
            self._on_incident(incident)


class PictureWatch:
    """Compares every frame with the one before it.

    A camera that looks at a still scene gives noise; only a driver or sender that hangs repeats a
    frame bit for bit. Costs a sixteenth of the rows unless it does.
    """

    def __init__(self, name: str, *, frozen_s: float):
        self._name = name
        self._frozen_s = frozen_s
        self._before: np.ndarray | None = None
        self._since = 0.0
        self._frozen = False

    def see(self, frame: Frame) -> list[tuple[IncidentKind, str]]:
        """Return what is new with this frame, kinds with their sentences."""
        before, self._before = self._before, frame.image
        image, news = frame.image, []
        if before is not None and before.shape != image.shape:
            (h0, w0), (h1, w1) = before.shape[:2], image.shape[:2]
            news.append(("resized", f"{self._name} gives {w1}x{h1} px now, {w0}x{h0} before"))
        same = before is not None and _identical(before, image)
        if not same:
            if self._frozen:
                news.append(("back", f"the picture of {self._name} moves again"))
            self._since, self._frozen = frame.time, False
        elif not self._frozen and frame.time - self._since >= self._frozen_s:
            self._frozen = True
            news.append((
                "frozen",
                f"{self._name} has given the very same picture for {self._frozen_s:g} s: "
                "it hangs, or its lens is shut",
            ))  # fmt: skip
        return news


def _identical(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a[::_SPARSE], b[::_SPARSE]) and np.array_equal(a, b)
