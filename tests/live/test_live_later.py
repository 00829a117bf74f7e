"""A check that answers later gives the answer about the frame it was asked about."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mace.live.later import in_background

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
        later = in_background(executor)(check)
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
        later = in_background(executor)(check)
        assert later(frame(0), PLACE) is None
        may_fail.set()
        executor.submit(int).result()
        with pytest.raises(ValueError, match="no detector"):
            later(frame(1), PLACE)
