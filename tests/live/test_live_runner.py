"""Threads around the pipeline: nothing lost that need not be, and no delay that grows."""

import itertools
import threading
import time

import pytest

from mace.errors import DataError
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline, predict_frames
from mace.live.runner import Runner
from mace.live.sources.stored import IterableSource, Paced

CONFIG = LiveConfig()


@pytest.fixture(scope="module")
def images(surprise):
    return list(surprise.frames[surprise.onset :])


def run(source, bundle, *, sinks=(), config=CONFIG):
    found = []
    with Runner(source, bundle, config=config, sinks=[found.append, *sinks]) as loop:
        assert loop.wait(120)
    return found, loop


def test_a_file_loses_no_frame_and_gets_every_prediction(images, bundle):
    found, loop = run(IterableSource(images, fps=200), bundle)
    assert [one.frame.index for one in found] == list(range(len(images)))
    assert loop.counters.frames == len(images)
    assert loop.counters.dropped == loop.counters.skipped == 0
    assert all(one.faces[0].probabilities is not None for one in found)
    assert set(loop.timings.summary()) >= {"faces", "inference", "delay"}


def test_frames_that_come_while_inference_is_slow_are_tracked_and_counted(images, bundle):
    source = Paced(IterableSource(itertools.cycle(images), fps=100))
    found = []
    sinks = [found.append, lambda _: time.sleep(0.05)]
    with Runner(source, bundle, config=CONFIG, sinks=sinks) as loop:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(map(tracked_without_prediction, found)):
            time.sleep(0.02)
    assert any(map(tracked_without_prediction, found))
    assert loop.counters.skipped >= sum(map(tracked_without_prediction, found))
    assert loop.counters.frames == len(found)


def tracked_without_prediction(result):
    return any(face.tracked and face.inputs is None for face in result.faces)


def test_a_consumer_that_fails_ends_the_loop_and_is_reported(images, bundle):
    def fail(_):
        raise DataError("the disk is full")

    source = IterableSource(images, fps=200)
    loop = Runner(source, bundle, config=CONFIG, sinks=[fail]).start()
    assert loop.wait(60)
    with pytest.raises(DataError, match="disk is full"):
        loop.stop()
    assert not any(thread.name.startswith("mace-") for thread in threading.enumerate())


def test_stopping_in_the_middle_ends_every_thread(images, bundle):
    source = Paced(IterableSource(itertools.cycle(images), fps=100))
    with Runner(source, bundle, config=CONFIG, sinks=[]) as loop:
        deadline = time.monotonic() + 60
        while loop.counters.frames < 10 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not loop.wait(0)
    assert loop.counters.frames >= 10
    assert not any(thread.name.startswith("mace-") for thread in threading.enumerate())


def test_a_new_reference_is_taken_when_asked_for(images, bundle):
    source = Paced(IterableSource(itertools.cycle(images), fps=50))
    seen = []
    with Runner(source, bundle, config=CONFIG, sinks=[seen.append]) as loop:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ids = {one.faces[0].reference_id for one in seen if one.faces}
            if 0 in ids and max(ids) == 0:
                loop.reset_reference()
            if max(ids, default=-1) > 0:
                break
            time.sleep(0.02)
    assert max(one.faces[0].reference_id for one in seen if one.faces) > 0


def test_the_runner_says_of_a_file_what_the_pipeline_says(images, bundle):
    threaded, _ = run(IterableSource(images, fps=200), bundle)
    plain = list(
        predict_frames(
            IterableSource(images, fps=200).frames(), model=bundle, config=CONFIG, fps=200
        )
    )
    for one, other in zip(threaded, plain, strict=True):
        assert one.faces[0].label == other.faces[0].label
        assert (one.faces[0].smoothed == other.faces[0].smoothed).all()


def test_a_file_that_ends_while_the_face_is_new_loses_no_frame(images, bundle):
    # The tracker waits for five frames before it gives the first.
    found, loop = run(IterableSource(images[:3], fps=200), bundle)
    assert [one.frame.index for one in found] == [0, 1, 2]
    assert loop.counters.frames == 3
    assert all(one.faces[0].tracked for one in found)


def test_what_becomes_certain_at_a_file_s_end_is_told_with_its_last_frame(
    images, bundle, monkeypatch
):
    monkeypatch.setattr(Pipeline, "last_events", lambda _: ("late",))
    threaded, _ = run(IterableSource(images, fps=200), bundle)
    frames = IterableSource(images, fps=200).frames()
    plain = list(predict_frames(frames, model=bundle, config=CONFIG))
    for found in (threaded, plain):
        assert found[-1].events[-1:] == ("late",)
        assert all("late" not in one.events for one in found[:-1])
