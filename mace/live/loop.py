"""The live loop: capture, faces and inference in a thread each, so that none holds the others up.

Tracking is never left out, because it lives on small motions from frame to frame; where predictions
come too slowly, the network is left out and the frames counted. Whoever shows or records results is
handed every one of them, and must not take long: windows and pages keep a `Mailbox` of their own.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Self

from mace.errors import MaceError
from mace.inference import Model
from mace.live.capture import Capture
from mace.live.config import LiveConfig
from mace.live.cores import stages_side_by_side
from mace.live.crowd import Seen
from mace.live.engine import FaceStage, InferenceStage
from mace.live.handover import Handover
from mace.live.mailbox import Mailbox
from mace.live.results import Counters, Result
from mace.live.sources.frame import Frame, Source
from mace.live.sources.incident import Incident
from mace.live.timing import Timings
from mace.spotting.events import Event

_RATE_FRAMES = 200
# How long frames of a live source may wait for a tracker that was held up, in s: other programs
# take a core for some hundredths, and a tracker that takes 2 ms of every 5 makes up for it at once.
_HELD_UP_S = 0.05
# Frames of a file that may wait for the next thread, if they hold no more pixels than that: the
# more, the less often a thread waits for another, and beyond these no rate was gained.
_AHEAD, _LEAST_AHEAD, _AHEAD_PX = 16, 4, 2**24


class LiveLoop:
    """Runs from `start` until the source ends or `stop` is called.

    A source that is not live, such as a file that nobody asked to be played at its own speed, loses
    no frame, and none goes without a prediction: everything waits for the slowest thread, and gives
    the results of `predict_frames`.

    Args:
        source: where frames come from; belongs to the loop from now on.
        bundle: the network.
        config: settings.
        consumers: called with every result, in the order of the frames, in the inference thread.
        on_incident: called with what happens to the source, in another thread.
        on_last: called once at the end of a live source, in the inference thread, with the events
            that were waiting for more frames; of a file they come with its last result.
    """

    def __init__(
        self,
        source: Source,
        bundle: Model,
        *,
        config: LiveConfig,
        consumers: Sequence[Callable[[Result], None]],
        on_incident: Callable[[Incident], None] | None = None,
        on_last: Callable[[tuple[Event, ...]], None] | None = None,
    ) -> None:
        self._faces = FaceStage(bundle, config, live=source.live, fps=source.fps)
        self._inference = InferenceStage(bundle, config, face=self._faces.face, live=source.live)
        self._consumers, self._on_last = tuple(consumers), on_last
        self._source = source
        mailbox = Mailbox[Frame](burst=max(round(_HELD_UP_S * source.fps), 1))
        self._capture = Capture(source, mailbox, on_incident=on_incident)
        fitting = _AHEAD_PX // max(source.size[0] * source.size[1], 1)
        most = None if source.live else max(min(fitting, _AHEAD), _LEAST_AHEAD)
        self._read = Handover[Frame](most)
        self._tracked = Handover[tuple[Frame, tuple[Seen, ...]]](most)
        self._renew = threading.Event()
        self._errors: list[BaseException] = []
        self._counters = Counters()
        self._finished: deque[float] = deque(maxlen=_RATE_FRAMES)
        works = [(self._follow, "mace-faces"), (self._infer, "mace-inference")]
        if not source.live:
            works.insert(0, (self._read_all, "mace-reading"))
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for work, name in works
        ]
        self._cores = ExitStack()
        self.timings = Timings()

    @property
    def counters(self) -> Counters:
        """As of the last result."""
        return self._counters

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What has happened to the source."""
        return self._capture.incidents

    def start(self) -> Self:
        """Begin; returns itself."""
        self._cores.enter_context(stages_side_by_side())
        if self._source.live:
            self._capture.start()
        for thread in self._threads:
            thread.start()
        return self

    def reset_reference(self) -> None:
        """Take the next frame with a face for the new neutral reference."""
        self._renew.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether the loop has ended, after waiting for it for at most `timeout` s."""
        self._threads[-1].join(timeout)
        return not self._threads[-1].is_alive()

    def stop(self) -> None:
        """End everything and wait for it.

        Raises:
            MaceError: what ended the source or a thread.
        """
        self._capture.stop()  # ends the source, whoever reads it
        self._read.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._faces.close()
        self._cores.close()
        if self._errors:
            raise self._errors[0]
        self._capture.check()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.stop()
        except MaceError:
            if kind is None:
                raise

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._errors.append(error)
        finally:
            # Whoever comes after ends when nothing is left; whoever comes before, at once.
            self._source.close()
            self._capture.mailbox.close()
            self._read.close()
            if work != self._read_all:
                self._tracked.close()

    def _read_all(self) -> None:
        with closing(self._source.frames()) as frames:
            for frame in frames:
                self._read.put([replace(frame, captured=frame.captured or time.monotonic())])
                if self._read.closed:
                    return

    def _frames(self) -> Iterator[Frame]:
        if self._source.live:
            yield from self._capture.frames()
            return
        while frames := self._read.take():
            yield from frames

    def _follow(self) -> None:
        for frame in self._frames():
            begun = time.monotonic()
            if self._renew.is_set():
                self._renew.clear()
                self._faces.renew()
            self._tracked.put(self._faces.push(frame))
            self.timings.add("waiting", begun - frame.captured)
            self.timings.add("faces", time.monotonic() - begun)
        self._tracked.put(self._faces.finish())

    def _infer(self) -> None:
        if self._source.live:
            for result in self._results():
                self._pass_on(result)
            if self._on_last is not None:
                self._on_last(self._inference.finish())
            return
        held: Result | None = None  # so that the file's end can be told with its last frame
        for result in self._results():
            if held is not None:
                self._pass_on(held)
            held = result
        if held is not None:
            self._pass_on(replace(held, events=held.events + self._inference.finish()))

    def _results(self) -> Iterator[Result]:
        while items := self._tracked.take():
            for number, (frame, seen) in enumerate(items, start=1):
                begun = time.monotonic()
                late = self._source.live and number < len(items)
                result = self._inference.push(frame, seen, skip=late)
                finished = time.monotonic()
                if not late:
                    self.timings.add("inference", finished - begun)
                self.timings.add("delay", finished - frame.captured)
                yield replace(result, counters=self._count(frame, finished, skipped=late))

    def _pass_on(self, result: Result) -> None:
        begun = time.monotonic()
        for consumer in self._consumers:
            consumer(result)
        self.timings.add("consumers", time.monotonic() - begun)

    def _count(self, frame: Frame, finished: float, *, skipped: bool) -> Counters:
        self._finished.append(finished)
        span = finished - self._finished[0]
        before = self._counters
        self._counters = Counters(
            frames=before.frames + 1,
            dropped=self._capture.mailbox.dropped,
            skipped=before.skipped + skipped,
            fps=(len(self._finished) - 1) / span if span > 0 else 0.0,
            delay_ms=1e3 * (finished - frame.captured),
        )
        return self._counters
