"""Tracks are confirmed now and then, and end after three misses in a row."""

import numpy as np
import pytest

from mace.face.confirming import Confirmation

GRAY, PLACE = np.zeros((4, 4), np.uint8), np.eye(2, 3)


@pytest.mark.parametrize(
    ("answers", "ends_at"),
    [
        ([True, True], None),
        ([False, False, False], 10 + 2 + 2),  # sooner again after a miss: a fifth of the interval
        ([False, False, True, False, False], None),
        ([False, None, None, False, None, False], 10 + 2 + 1 + 1 + 2 + 1),
    ],
)
def test_three_misses_in_a_row_end_a_track(answers, ends_at):
    left = iter(answers)
    confirmed = Confirmation(lambda *_: next(left, True), interval=10)
    given = [confirmed(GRAY, PLACE) for _ in range(60)]
    ended = given.index(False) + 1 if False in given else None
    assert ended == ends_at


def test_it_asks_once_an_interval_and_not_right_after_a_face_was_found():
    asked = []

    def check(gray, transform):
        asked.append(frame)
        return True

    confirmed = Confirmation(check, interval=5)
    for frame in range(1, 21):
        if frame == 8:
            confirmed.begin()
        confirmed(GRAY, PLACE)
    assert asked == [5, 12, 17]
