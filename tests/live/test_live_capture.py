"""The capture thread: nothing lags, everything that goes wrong is told, and it always ends."""

import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from mace.errors import DataError, MaceError
from mace.live.capture import Capture
from mace.live.queues import NewestQueue
from mace.live.sources.frame import Frame, Source, SourceLost
from mace.live.sources.stored import IterableSource, Paced

RNG = np.random.default_rng(0)


def picture(size=(32, 24)):
    return RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


class Script(Source):
    """A live source that does, at each opening, what one list of steps says.

    A step is a picture, a time to wait in s, or an error to raise.
    """

    live, fps, size, count, name = True, 0.0, (32, 24), 0, "the camera"

    def __init__(self, *openings):
        super().__init__()
        self._openings = list(openings)
        self.opened = 0

    def frames(self):
        steps = self._openings[min(self.opened, len(self._openings) - 1)]
        self.opened += 1
        start, index = None, 0
        for step in steps:
            if self._closed.is_set():
                return
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                self._closed.wait(step)
            else:
                now = time.monotonic()
                start = now if start is None else start
                yield Frame(index, now - start, step, now)
                index += 1


def run(source, **settings):
    """Capture until the source ends; return frames, and incidents without the end's."""
    frames = []
    capture = Capture(source, Everything(frames), retry_s=(0.02, 8.0), **settings)
    with capture:
        for _ in capture.frames():
            pass
    *incidents, last = capture.incidents
    assert last.kind == "ended"
    return frames, incidents


class Everything(NewestQueue):
    """A queue that keeps a list of all that was put, for tests to look at."""

    def __init__(self, kept):
        super().__init__()
        self._kept = kept

    def put(self, item):
        self._kept.append(item)
        super().put(item)


def kinds(incidents):
    return [incident.kind for incident in incidents]


def test_a_late_consumer_misses_frames_and_its_delay_does_not_grow():
    source = Paced(IterableSource([picture() for _ in range(100)], fps=200))
    delays, indices = [], []
    with Capture(source, NewestQueue()) as capture:
        for frame in capture.frames():
            time.sleep(0.02)
            delays.append(time.monotonic() - frame.captured)
            indices.append(frame.index)
    assert indices == sorted(set(indices))
    assert len(indices) + capture.queue.dropped == 100
    assert capture.queue.dropped > 40
    # A queue would be 1.5 s late by now.
    assert np.median(delays[-5:]) < 0.5
    assert kinds(capture.incidents) == ["ended"]


def test_a_consumer_held_up_for_a_moment_misses_nothing():
    source = Paced(IterableSource([picture() for _ in range(60)], fps=200))
    indices, delays = [], []
    with Capture(source, NewestQueue(burst=60)) as capture:
        for frame in capture.frames():
            time.sleep(0.04 if frame.index == 20 else 0.0)
            indices.append(frame.index)
            delays.append(time.monotonic() - frame.captured)
    assert indices == list(range(60))
    assert capture.queue.dropped == 0
    assert max(delays[20:]) > 0.035  # it was held up


def test_the_true_rate_is_measured():
    with Capture(Paced(IterableSource([picture()] * 30, fps=100)), NewestQueue()) as capture:
        for _ in capture.frames():
            pass
    assert capture.fps == pytest.approx(100)


def test_a_camera_slower_than_it_states_is_told_once():
    source = Script([step for _ in range(240) for step in (picture(), 0.001)])
    source.fps = 5000.0
    _, incidents = run(source)
    assert kinds(incidents) == ["slow"]
    assert "not the 5e+03 it states" in incidents[0].sentence


def test_a_rate_too_low_for_brief_movements_is_told_once():
    source = Script([step for _ in range(240) for step in (picture(), 0.001)])
    frames = source.frames

    def taken_slowly():
        for frame in frames():
            yield replace(frame, captured=100 + frame.index / 15)

    source.frames = taken_slowly
    _, incidents = run(source)
    assert kinds(incidents) == ["slow"]
    assert incidents[0].sentence.startswith("the camera has 15 frames per second: a movement that")


def test_an_unplugged_camera_is_opened_until_it_is_back_and_its_clock_goes_on():
    gone = [SourceLost("there is no camera 0")]
    source = Script([picture(), picture(), SourceLost("camera 0 gives no frames")], gone, gone,
                    [picture(), picture()])  # fmt: skip
    frames, incidents = run(source)
    assert source.opened == 4
    assert kinds(incidents) == ["unplugged", "back"]
    assert incidents[0].sentence == "camera 0 gives no frames; trying to open it again"
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    # Waits of 0.02, 0.04 and 0.08 s lie between.
    assert frames[2].time - frames[1].time >= 0.12
    assert frames[3].time - frames[0].time == pytest.approx(frames[3].captured - frames[0].captured)


def test_a_stall_is_told_once_and_so_is_its_end():
    frames, incidents = run(Script([picture(), 0.6, picture(), picture()]), stall_s=0.2)
    assert len(frames) == 3
    assert kinds(incidents) == ["stalled", "back"]
    assert "no frame for 0.2 s" in incidents[0].sentence


def test_a_slow_source_does_not_stall_by_its_own_rate():
    source = Paced(IterableSource([picture(), picture()], fps=4))
    _, incidents = run(source, stall_s=0.05)
    assert incidents == []


def test_a_hanging_picture_is_told_from_a_still_scene():
    still = picture()
    noisy = [np.clip(still.astype(int) + (k % 2), 0, 255).astype(np.uint8) for k in range(6)]
    steps = [step for image in noisy for step in (image, 0.03)]
    assert run(Script(steps), frozen_s=0.1)[1] == []
    steps = [step for image in [still] * 6 + [picture()] for step in (image.copy(), 0.03)]
    frames, incidents = run(Script(steps), frozen_s=0.1)
    assert kinds(incidents) == ["frozen", "back"]
    assert 0.1 <= incidents[0].time <= frames[5].time


def test_frames_of_another_size_are_passed_on_and_told():
    frames, incidents = run(Script([picture(), picture((48, 30)), picture((48, 30))]))
    assert [frame.image.shape[:2] for frame in frames] == [(24, 32), (30, 48), (30, 48)]
    assert kinds(incidents) == ["resized"]
    assert incidents[0].sentence == "the camera gives 48x30 px now, 32x24 before"


def test_damaged_frames_are_told_at_most_once_a_second():
    source = Script([])
    told = []
    Capture(source, NewestQueue(), on_incident=told.append)
    for _ in range(5):
        source.report("unreadable", "a damaged frame")
    assert kinds(told) == ["unreadable"]


@pytest.mark.parametrize("error", [DataError("the file is cut off"), ValueError("a bug")])
def test_errors_reach_the_consumer_as_ours(error):
    with Capture(Script([picture(), error]), NewestQueue()) as capture:
        with pytest.raises(MaceError, match=str(error)) as raised:
            for _ in capture.frames():
                pass
        assert error in (raised.value, raised.value.__cause__)


@pytest.mark.parametrize("step", [30.0, SourceLost("gone")])
def test_stopping_ends_the_thread_whatever_it_waits_for(step):
    before = threading.active_count()
    capture = Capture(Script([picture(), step]), NewestQueue(), retry_s=(30, 30)).start()
    assert capture.queue.take(5) is not None
    start = time.monotonic()
    capture.stop()
    capture.stop()
    assert time.monotonic() - start < 5
    assert threading.active_count() == before
    assert capture.queue.closed
    capture.check()


def test_a_capture_that_was_never_started_can_be_stopped():
    capture = Capture(Script([]), NewestQueue())
    capture.stop()
    assert capture.queue.take() is None


def test_a_forgotten_capture_ends_with_the_interpreter(tmp_path):
    import cv2

    video = tmp_path / "noise.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 200.0, (32, 24))
    for _ in range(10):
        writer.write(picture())
    writer.release()
    code = f"""
from mace.live.capture import Capture
from mace.live.queues import NewestQueue
from mace.live.config import SourceConfig
from mace.live.sources.opening import open_source
source = open_source({str(video)!r}, SourceConfig(realtime=True, fps=1))
capture = Capture(source, NewestQueue()).start()
print(capture.queue.take(10).index >= 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
