"""Paced sources: every frame at its time, by a clock that the tests turn."""

import threading
import time

import cv2
import numpy as np
import pytest

from mace.errors import DataError
from mace.live.config import SourceConfig
from mace.live.sources.opening import open_source
from mace.live.sources.stored import IterableSource, Paced


class Clock:
    """A clock that stands still unless somebody waits or works."""

    def __init__(self):
        self.time, self.waits = 100.0, []

    def now(self):
        return self.time

    def wait(self, seconds):
        self.waits.append(seconds)
        self.time += seconds


def memory(count=5, fps=200.0):
    return IterableSource([np.full((4, 6, 3), level, np.uint8) for level in range(count)], fps=fps)


def test_frames_come_at_their_times_and_carry_them():
    clock = Clock()
    frames = list(Paced(memory(), now=clock.now, wait=clock.wait).frames())
    assert [frame.captured for frame in frames] == pytest.approx(
        [100, 100.005, 100.01, 100.015, 100.02]
    )
    assert [frame.time for frame in frames] == pytest.approx([0, 0.005, 0.01, 0.015, 0.02])
    assert clock.waits == pytest.approx([0.005] * 4)


def test_work_between_frames_is_waited_less_for():
    clock = Clock()
    for frame in Paced(memory(), now=clock.now, wait=clock.wait).frames():
        assert clock.time == pytest.approx(frame.captured)
        clock.time += 0.003
    assert clock.waits == pytest.approx([0.002] * 4)


def test_a_late_reader_gets_frames_at_once_with_the_times_they_should_have_had():
    clock, frames = Clock(), []
    for frame in Paced(memory(), now=clock.now, wait=clock.wait).frames():
        frames.append(frame)
        clock.time += 0.012
    assert clock.waits == []
    assert [frame.captured for frame in frames] == pytest.approx(
        [100, 100.005, 100.01, 100.015, 100.02]
    )


def test_a_source_too_slow_for_its_rate_is_reported_and_does_not_lag_for_ever():
    clock, told, late = Clock(), [], []
    source = Paced(memory(100), now=clock.now, wait=clock.wait)
    source.report = lambda kind, sentence: told.append((kind, sentence))
    for frame in source.frames():
        late.append(clock.time - frame.captured)
        clock.time += 0.05
    assert max(late) < 0.6
    assert {kind for kind, _ in told} == {"slow"}
    assert "200 frames per second" in told[0][1]


def test_a_source_that_has_no_rate_cannot_be_paced():
    timed = IterableSource([(0.0, np.zeros((4, 6), np.uint8))], fps=None)
    with pytest.raises(DataError, match="--fps"):
        Paced(timed)


def test_on_the_real_clock_the_rate_is_kept():
    source = Paced(memory(21, fps=200))
    start = time.monotonic()
    captured = [frame.captured for frame in source.frames()]
    assert 0.1 <= time.monotonic() - start < 2
    assert captured[-1] - captured[0] == pytest.approx(0.1)
    assert start <= captured[0]


def test_closing_wakes_a_paced_source():
    source = Paced(memory(5, fps=0.01))
    threading.Timer(0.1, source.close).start()
    start = time.monotonic()
    assert len(list(source.frames())) == 1
    assert time.monotonic() - start < 5


def test_a_folder_is_played_in_real_time_if_asked(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"img{number}.png"), np.zeros((8, 8, 3), np.uint8))
    source = open_source(tmp_path, SourceConfig(realtime=True), fps=200)
    first, second, *_ = source.frames()
    assert second.captured - first.captured == pytest.approx(0.005)
    assert source.live
    assert not open_source(tmp_path).live


def test_nothing_in_memory_is_refused():
    with pytest.raises(DataError, match="holds no images"):
        IterableSource([], fps=200)
