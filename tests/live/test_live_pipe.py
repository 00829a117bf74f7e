"""Standard input: JPEG streams and raw frames, whole, damaged, cut off and of a wrong size."""

import os
import threading
import time

import cv2
import numpy as np
import pytest

from mace.errors import ConfigError, DataError
from mace.live.config import SourceConfig
from mace.live.sources.pipe import Pipe


def jpeg(level, size=(32, 24)):
    good, data = cv2.imencode(".jpg", np.full((size[1], size[0], 3), level, np.uint8))
    assert good
    return data.tobytes()


@pytest.fixture
def piped():
    """Return sources that read given bytes from a pipe."""
    opened = []

    def open_pipe(data, *, end=True, **settings):
        read, write = os.pipe()
        opened.append(read)

        def send():
            for at in range(0, len(data), 1000):
                os.write(write, data[at : at + 1000])
            if end:
                os.close(write)
            else:
                opened.append(write)

        threading.Thread(target=send, daemon=True).start()
        return Pipe(SourceConfig(**settings), fd=read)

    yield open_pipe
    for fd in opened:
        os.close(fd)


def test_jpeg_frames_have_the_asked_times(piped):
    source = piped(b"".join(map(jpeg, (10, 90, 200))), fps=50)
    frames = list(source.frames())
    assert (source.size, source.fps, source.live) == ((32, 24), 50.0, False)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.02, 0.04])
    assert [round(frame.image.mean()) for frame in frames] == pytest.approx([10, 90, 200], abs=2)
    assert {frame.captured for frame in frames} == {0.0}


def test_a_frame_is_looked_at_in_grey_and_shown_in_colour(piped):
    sent = np.full((24, 32, 3), 110, np.uint8)
    sent[:, :16] = 160, 70, 90
    _, data = cv2.imencode(".jpg", sent, [cv2.IMWRITE_JPEG_QUALITY, 100])
    (frame,) = piped(data.tobytes(), fps=30.0).frames()
    assert frame.image.shape == (24, 32)
    np.testing.assert_array_equal(frame.colour(), cv2.imdecode(data, cv2.IMREAD_COLOR))
    # The luminance of JPEG is that of OpenCV's conversion, but for rounding (and for colours that
    # leave the range of 8 bits).
    expected = cv2.cvtColor(frame.colour(), cv2.COLOR_BGR2GRAY).astype(int)
    assert np.abs(frame.image - expected).max() <= 2


def test_without_a_rate_frames_have_the_times_of_their_arrival(piped):
    source = piped(b"".join(map(jpeg, (10, 90, 200))))
    before = time.monotonic()
    frames = list(source.frames())
    assert (source.fps, source.live) == (0.0, True)
    assert all(before <= frame.captured <= time.monotonic() for frame in frames)
    assert frames[2].time == frames[2].captured - frames[0].captured


def test_garbage_between_frames_is_reported_and_passed_over(piped):
    source, told = piped(jpeg(10) + b"garbage" * 9 + jpeg(90) + jpeg(200)), []
    source.report = lambda kind, sentence: told.append((kind, sentence))
    assert len(list(source.frames())) == 3
    assert [kind for kind, _ in told] == ["unreadable"]
    assert "63 bytes near frame" in told[0][1]


def test_a_stream_cut_off_inside_a_frame_gives_the_others_first(piped):
    frames = piped(jpeg(10) + jpeg(90) + jpeg(200)[:-30]).frames()
    assert [next(frames).index, next(frames).index] == [0, 1]
    with pytest.raises(DataError, match="ends inside frame 2"):
        next(frames)


def test_what_holds_no_jpeg_is_refused(piped):
    with pytest.raises(DataError, match="holds no JPEG images"):
        piped(b"These are words. " * 100)


def test_a_sender_that_says_nothing_is_given_up(piped):
    with pytest.raises(DataError, match=r"nothing came on pipe \d+ within 0\.3 s"):
        piped(b"", end=False, open_timeout_s=0.3)


@pytest.mark.parametrize(("kind", "shape"), [("gray", (24, 32)), ("bgr", (24, 32, 3))])
def test_raw_frames_keep_every_byte(piped, kind, shape):
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    source = piped(images.tobytes(), stdin=kind, width=32, height=24, fps=200)
    np.testing.assert_array_equal([frame.image for frame in source.frames()], images)
    assert source.size == (32, 24)


def test_raw_frames_of_another_size_are_told_at_the_end(piped):
    source = piped(bytes(2000), stdin="gray", width=32, height=24, fps=200)
    with pytest.raises(DataError, match=r"inside frame 2, after 464 of its 768 bytes.*32x24 px"):
        list(source.frames())


def test_raw_frames_must_say_their_size():
    with pytest.raises(ConfigError, match=r"source\.width"):
        SourceConfig(stdin="gray", width=32)


def test_a_closed_pipe_ends_though_nothing_comes(piped):
    source = piped(b"", end=False, stdin="gray", width=32, height=24)
    threading.Timer(0.1, source.close).start()
    start = time.monotonic()
    assert list(source.frames()) == []
    assert time.monotonic() - start < 5
