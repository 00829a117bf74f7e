"""The runner: a pipeline's threads and queues, so that no stage holds the others up.

A live source is captured in one thread, faces are followed in a second and named in a third.
Tracking is never left out, because it lives on small motions from frame to frame; where predictions
come too slowly, the network is left out and the frames counted. Sinks are handed every result, and
must not take long: windows and pages keep a queue of their own.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any, Self

from mace.errors import MaceError
from mace.inference import Model
from mace.live.capture import Capture
from mace.live.config import LiveConfig
from mace.live.cores import peak_memory_mb, stages_side_by_side
from mace.live.faces import Observed
from mace.live.pipeline import Pipeline, with_last_events
from mace.live.queues import NewestQueue, OrderedQueue
from mace.live.results import Counters, Result, Sink
from mace.live.sources.frame import Frame, Incident, Source
from mace.live.timing import Timings

_RATE_FRAMES = 200
# How long frames of a live source may wait for a tracker that was held up, in s: other programs
# take a core for some hundredths, and a tracker that takes 2 ms of every 5 makes up for it at once.
_PATIENCE_S = 0.05
# Frames of a file that may wait for the next thread, if they hold no more pixels than that: the
# more, the less often a thread waits for another, and beyond these no rate was gained.
_AHEAD, _LEAST_AHEAD, _AHEAD_PX = 16, 4, 2**24
_NOTHING = Counters()


class Runner:
    """Runs from `start` until the source ends or `stop` is called.

    A source that is not live, such as a file that nobody asked to be played at its own speed, loses
    no frame, and none goes without a prediction: everything waits for the slowest thread, and gives
    the results of `predict_frames`.

    Args:
        source: where frames come from; belongs to the runner from now on.
        model: the network.
        config: settings.
        sinks: called with every result, in the order of the frames, in the inference thread. What
            becomes certain when a live source ends comes in its last result, given once more.
        on_incident: called with what happens to the source, in another thread.

    Attributes:
        timings: how long the stages take.
    """

    def __init__(
        self,
        source: Source,
        model: Model,
        *,
        config: LiveConfig,
        sinks: Sequence[Sink],
        on_incident: Callable[[Incident], None] | None = None,
    ) -> None:
        self._pipeline = Pipeline(model, config, live=source.live, fps=source.fps)
        self._source, self._sinks = source, tuple(sinks)
        if source.live:
            most, burst = None, max(round(_PATIENCE_S * source.fps), 1)
            frames = NewestQueue[Frame](burst=burst)
        else:
            fitting = _AHEAD_PX // max(source.size[0] * source.size[1], 1)
            most = max(min(fitting, _AHEAD), _LEAST_AHEAD)
            frames = OrderedQueue[Frame](most)
        self._capture = Capture(source, frames, on_incident=on_incident)
        self._followed = OrderedQueue[Observed](most)
        self._renew = threading.Event()
        self._errors: list[BaseException] = []
        self._counters = Counters()
        self._finished: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._threads = [
            self._thread("mace-faces", self._follow_all),
            self._thread("mace-inference", self._infer_all),
        ]
        self._cores = ExitStack()
        self.timings = Timings()

    @property
    def counters(self) -> Counters:
        """As of the last result."""
        return self._counters

    def start(self) -> Self:
        """Begin; returns itself."""
        self._cores.enter_context(stages_side_by_side())
        self._capture.start()
        for thread in self._threads:
            thread.start()
        return self

    def reset_reference(self) -> None:
        """Take the next frame with a face for the new neutral reference."""
        self._renew.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Return whether the run has ended, after waiting for it for at most `timeout` s."""
        self._threads[-1].join(timeout)
        return not self._threads[-1].is_alive()

    def stop(self) -> None:
        """End everything and wait for it.

        Raises:
            MaceError: what ended the source or a thread.
        """
        self._capture.stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._pipeline.close()
        self._cores.close()
        if self._errors:
            raise self._errors[0]
        self._capture.check()

    def summary(
        self, seconds: float, cpu_s: float, *, since: Counters = _NOTHING
    ) -> dict[str, Any]:
        """Return what was done since the counters were `since`, as JSON can hold it.

        It took `seconds`, and `cpu_s` of processor time.
        """
        counted = {
            name: getattr(self.counters, name) - getattr(since, name)
            for name in ("frames", "dropped", "skipped")
        }
        return {
            "seconds": round(seconds, 3),
            "counters": counted,
            "incidents": [
                {**asdict(incident), "time": round(incident.time, 3)}
                for incident in self._capture.incidents
            ],
            "timings": self.timings.summary(),
            "cpu_ms": round(1e3 * cpu_s / max(counted["frames"], 1), 3),
            "memory_mb": peak_memory_mb(),
        }

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.stop()
        except MaceError:
            if kind is None:
                raise

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._errors.append(error)
            finally:
                # Whoever comes after ends when nothing is left; whoever comes before, at once.
                self._capture.queue.close()
                self._followed.close()
                self._source.close()

        return threading.Thread(target=guarded, name=name, daemon=True)

    def _follow_all(self) -> None:
        faces = self._pipeline.faces
        for frame in self._capture.frames():
            begun = time.monotonic()
            if self._renew.is_set():
                self._renew.clear()
                faces.renew()
            for observed in faces.push(frame):
                self._followed.put(observed)
            self.timings.add("waiting", begun - frame.captured)
            self.timings.add("faces", time.monotonic() - begun)
        for observed in faces.finish():
            self._followed.put(observed)

    def _infer_all(self) -> None:
        if not self._source.live:  # a file's results are one a frame
            for result in with_last_events(self._results(), self._pipeline):
                self._give(result)
            return
        last: Result | None = None
        for last in self._results():
            self._give(last)
        if last is not None and (events := self._pipeline.last_events()):
            self._give(replace(last, events=events))

    def _give(self, result: Result) -> None:
        begun = time.monotonic()
        for sink in self._sinks:
            sink(result)
        self.timings.add("sinks", time.monotonic() - begun)

    def _results(self) -> Iterator[Result]:
        while items := self._followed.take():
            for number, (frame, people) in enumerate(items, start=1):
                begun = time.monotonic()
                late = self._source.live and number < len(items)
                result = self._pipeline.infer(frame, people, skip=late)
                finished = time.monotonic()
                if not late:
                    self.timings.add("inference", finished - begun)
                self.timings.add("delay", finished - frame.captured)
                yield replace(result, counters=self._count(frame, finished, skipped=late))

    def _count(self, frame: Frame, finished: float, *, skipped: bool) -> Counters:
        self._finished.append(finished)
        span = finished - self._finished[0]
        before = self._counters
        self._counters = Counters(
            frames=before.frames + 1,
            dropped=self._capture.queue.dropped,
            skipped=before.skipped + skipped,
            fps=(len(self._finished) - 1) / span if span > 0 else 0.0,
            delay_ms=1e3 * (finished - frame.captured),
        )
        return self._counters
