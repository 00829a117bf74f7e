"""Looking for faces in a thread: answers arrive, errors surface, nothing stays behind."""

import dataclasses
import gc
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.face.detector import Detection, FaceDetector
from mace.live.config import LiveConfig
from mace.live.detection import BackgroundDetector, Deferred
from mace.live.runner import Runner
from mace.live.sources.stored import IterableSource, Paced
from mace.motion.config import MotionConfig

BLANK = np.zeros((240, 320), np.uint8)


class Slow:
    """Finds one face, when it is let; nothing is left of it after `gone` is set."""

    def __init__(self, error=None):
        self.let, self.looking, self.error = threading.Event(), threading.Event(), error
        self.gone, self.looks = False, 0

    def detect(self, gray):
        self.looks += 1
        self.looking.set()
        assert self.let.wait(20)
        if self.error is not None:
            raise self.error
        return [Detection(10, 10, 110, 110, 1.0)]

    def near(self, gray, centre, width):
        return None if self.gone else Detection(12, 10, 112, 110, 0.5)


def wait_for(look, seconds=20):
    deadline = time.monotonic() + seconds
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


def threads():
    return [one for one in threading.enumerate() if one.name.startswith("mace-")]


def test_answers_arrive_later_and_are_confirmed_in_the_frame_of_the_moment():
    detector = Slow()
    with closing(BackgroundDetector(detector)) as background:
        assert background.detect(BLANK) is None
        assert detector.looking.wait(20)
        assert background.detect(BLANK) is None  # busy; this frame is not kept
        detector.let.set()
        assert wait_for(lambda: background.detect(BLANK)) == [Detection(12, 10, 112, 110, 0.5)]


def test_a_face_that_has_gone_meanwhile_is_not_there():
    detector = Slow()
    with closing(BackgroundDetector(detector)) as background:
        detector.let.set()
        background.detect(BLANK)
        detector.gone = True
        assert wait_for(lambda: background.detect(BLANK)) == []


def test_only_one_frame_is_looked_at_while_it_is_busy():
    detector = Slow()
    with closing(BackgroundDetector(detector)) as background:
        for _ in range(50):
            background.detect(BLANK)
        assert detector.looking.wait(20)
        assert detector.looks == 1
        detector.let.set()


def test_two_threads_find_what_one_finds(scene):
    picture = scene([(0, 160, 200), (1, 480, 220)])
    expected = FaceDetector().detect(picture)
    near = [FaceDetector().near(picture, one.centre, one.width) for one in expected]
    with closing(BackgroundDetector(FaceDetector())) as background:
        for _ in range(5):
            assert FaceDetector().detect(picture) == expected
            assert wait_for(lambda: background.detect(picture)) == near


def test_an_error_is_raised_where_somebody_asks():
    detector = Slow(error=ValueError("no such image"))
    detector.let.set()
    with (
        closing(BackgroundDetector(detector)) as background,
        pytest.raises(ValueError, match="no such"),
    ):
        wait_for(lambda: background.detect(BLANK))
    assert threads() == []


def test_closing_waits_for_the_look_and_ends_the_thread():
    detector = Slow()
    background = BackgroundDetector(detector)
    background.detect(BLANK)
    assert detector.looking.wait(20)
    threading.Timer(0.2, detector.let.set).start()
    background.close()
    assert detector.let.is_set()
    assert threads() == []
    background.close()
    assert background.detect(BLANK) is None
    assert threads() == []


def test_no_frame_is_kept_alive():
    detector = Slow()
    detector.let.set()
    with closing(BackgroundDetector(detector)) as background:
        frame = np.zeros((240, 320), np.uint8)
        watch = weakref.ref(frame)
        background.detect(frame)
        del frame
        deadline = time.monotonic() + 20
        while watch() is not None and time.monotonic() < deadline:
            time.sleep(0.005)
            gc.collect()
        assert watch() is None


def test_nothing_runs_before_the_first_look(bundle):
    background = BackgroundDetector(Slow())
    assert threads() == []
    background.close()
    # A loop that cannot be made must not leave a thread behind.
    still = dataclasses.replace(bundle, motion=MotionConfig(representation="appearance", size=28))
    source = Paced(IterableSource([np.zeros((48, 64, 3), np.uint8)] * 2, fps=50))
    with pytest.raises(ConfigError, match="measures flow"):
        Runner(source, still, config=LiveConfig(adapt_s=1.0), sinks=[])
    assert threads() == []


def test_a_program_that_forgets_to_close_still_ends():
    program = (
        "import numpy as np\n"
        "from mace.face.detector import FaceDetector\n"
        "from mace.live.detection import BackgroundDetector\n"
        "background = BackgroundDetector(FaceDetector())\n"
        "background.detect(np.zeros((120, 160), np.uint8))\n"
        "print('over')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "over\n"


PLACE = np.eye(2, 3)


def frame(value):
    return np.full((2, 2), value, np.uint8)


def test_frames_go_on_until_the_answer_is_there():
    asked, may_answer = [], threading.Event()

    def check(gray, transform):
        asked.append(int(gray[0, 0]))
        may_answer.wait(5)
        return bool(gray[0, 0] == 1)

    with ThreadPoolExecutor(1) as executor:
        later = Deferred(executor, check)
        assert [later(frame(value), PLACE) for value in (1, 2, 3)] == [None, None, None]
        may_answer.set()
        executor.submit(int).result()  # the one worker is past the check
        assert later(frame(4), PLACE) is True
        assert asked == [1]
        answers = [later(frame(5), PLACE)]
        executor.submit(int).result()
        answers.append(later(frame(6), PLACE))
        assert False in answers
        assert asked[:2] == [1, 5]


def test_a_check_that_fails_says_so():
    may_fail = threading.Event()

    def check(gray, transform):
        may_fail.wait(5)
        raise ValueError("no detector")

    with ThreadPoolExecutor(1) as executor:
        later = Deferred(executor, check)
        assert later(frame(0), PLACE) is None
        may_fail.set()
        executor.submit(int).result()
        with pytest.raises(ValueError, match="no detector"):
            later(frame(1), PLACE)
