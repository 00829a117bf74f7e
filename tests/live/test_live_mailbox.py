"""The mailbox: newest wins, drops are counted, nobody waits for ever."""

import threading
import time

import pytest

from mace.live.mailbox import Mailbox


def test_the_newest_wins_and_the_others_are_counted():
    box = Mailbox[int]()
    for item in range(5):
        box.put(item)
    assert (box.take(0), box.dropped) == (4, 4)
    assert box.take(0) is None


def test_a_burst_waits_in_order():
    box = Mailbox[int](burst=3)
    for item in range(3):
        box.put(item)
    assert [box.take(0) for _ in range(4)] == [0, 1, 2, None]
    assert box.dropped == 0


def test_a_burst_too_long_leaves_the_newest_until_the_consumer_has_caught_up():
    box = Mailbox[int](burst=3)
    for item in range(4):
        box.put(item)
    assert (box.take(0), box.dropped) == (3, 3)
    # Still behind: it took an item and did not wait for it.
    box.put(4)
    box.put(5)
    assert (box.take(0), box.dropped) == (5, 4)
    assert box.take(0) is None  # caught up
    for item in range(6, 9):
        box.put(item)
    assert [box.take(0) for _ in range(3)] == [6, 7, 8]
    assert box.dropped == 4


def test_nothing_in_time_is_none_and_takes_no_longer_than_asked():
    start = time.monotonic()
    assert Mailbox[int]().take(0.05) is None
    assert 0.04 <= time.monotonic() - start < 2


def test_a_waiting_take_wakes_on_put():
    box, taken = Mailbox[str](), []
    waiting = threading.Thread(target=lambda: taken.append(box.take()))
    waiting.start()
    box.put("now")
    waiting.join(5)
    assert taken == ["now"]


def test_a_waiting_take_wakes_on_close():
    box, taken = Mailbox[str](), []
    waiting = [threading.Thread(target=lambda: taken.append(box.take())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    box.close()
    for thread in waiting:
        thread.join(5)
    assert taken == [None] * 3


def test_what_lay_there_can_be_taken_after_close_but_nothing_comes_in():
    box = Mailbox[int]()
    box.put(1)
    box.close()
    box.put(2)
    assert (box.closed, box.take(), box.take(), box.dropped) == (True, 1, None, 1)


@pytest.mark.parametrize("burst", [1, 8])
def test_every_item_is_taken_or_counted(burst):
    box, taken, items = Mailbox[int](burst=burst), [], 2000

    def consume():
        while (item := box.take()) is not None:
            taken.append(item)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for item in range(items):
        box.put(item)
    box.close()
    consumer.join(5)
    assert taken == sorted(taken)
    assert taken[-1] == items - 1
    assert len(taken) + box.dropped == items
