"""A file played as a camera would have given it: every frame at its time."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from mace.live.sources.frame import Frame, Source, SourceBase, stated_rate

# A reader that is late by more than this is not held up for a moment but too slow for the rate.
LATE_S = 0.5


class Paced(SourceBase):
    """Another source's frames, delivered at their own times on the monotonic clock.

    `Frame.captured` is the scheduled time, not the one of delivery, so that whatever delays a
    frame counts as delay. Where reading is slower than the rate the schedule is shifted, which is
    reported: else the delay would grow without bound.
    """

    live = True

    def __init__(
        self,
        source: Source,
        *,
        fps: float | None = None,
        loop: bool = False,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ):
        super().__init__()
        self._source = source
        self._asked = fps
        self._loop = loop
        self._now = now
        self._wait = wait or self._closed.wait
        self.name = source.name
        self.size = source.size
        self.count = 0 if loop else source.count
        self.fps = stated_rate(fps, source.fps, source.name)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield every frame once its time has come; late ones at once."""
        self._source.report = self.report
        start = None
        begun = moment = 0.0
        for index, frame in enumerate(self._read()):
            if self._asked is not None:
                moment = index / self._asked
            else:
                # Begun again, the first frame comes as long after the last as frames usually do.
                begun = moment + 1 / self.fps if index and frame.index == 0 else begun
                moment = begun + frame.time
            # The clock starts with the first frame in hand: opening is no delay of playing.
            start = self._now() if start is None else start
            ahead = start + moment - self._now()
            if ahead > 0:
                self._wait(ahead)
            elif ahead < -LATE_S:
                self.report(
                    "slow",
                    f"{self.name} is read more slowly than its {self.fps:g} frames per second; "
                    f"its clock was set back by {-ahead:.1f} s",
                )
                start -= ahead
            if self._closed.is_set():
                return
            yield replace(frame, index=index, time=moment, captured=start + moment)

    def close(self) -> None:
        """Let `frames` end soon; may be called from any thread and more than once."""
        super().close()
        self._source.close()

    def _read(self) -> Iterator[Frame]:
        yield from self._source.frames()
        while self._loop and not self._closed.is_set():
            yield from self._source.frames()


def paced(source: Source, fps: float | None = None, *, loop: bool = False) -> Paced:
    """Return `source` played at `fps`, by default by its own times, once or endlessly."""
    return Paced(source, fps=fps, loop=loop)
