"""Queues: newest wins or nothing is lost, drops are counted, nobody waits for ever."""

import threading
import time

import pytest

from mace.live.queues import NewestQueue, OrderedQueue


def test_the_newest_wins_and_the_others_are_counted():
    box = NewestQueue[int]()
    for item in range(5):
        box.put(item)
    assert (box.take(0), box.dropped) == (4, 4)
    assert box.take(0) is None


def test_a_burst_waits_in_order():
    box = NewestQueue[int](burst=3)
    for item in range(3):
        box.put(item)
    assert [box.take(0) for _ in range(4)] == [0, 1, 2, None]
    assert box.dropped == 0


def test_a_burst_too_long_leaves_the_newest_until_the_consumer_has_caught_up():
    box = NewestQueue[int](burst=3)
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
    assert NewestQueue[int]().take(0.05) is None
    assert 0.04 <= time.monotonic() - start < 2


def test_a_waiting_take_wakes_on_put():
    box, taken = NewestQueue[str](), []
    waiting = threading.Thread(target=lambda: taken.append(box.take()))
    waiting.start()
    box.put("now")
    waiting.join(5)
    assert taken == ["now"]


def test_a_waiting_take_wakes_on_close():
    box, taken = NewestQueue[str](), []
    waiting = [threading.Thread(target=lambda: taken.append(box.take())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    box.close()
    for thread in waiting:
        thread.join(5)
    assert taken == [None] * 3


def test_what_lay_there_can_be_taken_after_close_but_nothing_comes_in():
    box = NewestQueue[int]()
    box.put(1)
    box.close()
    box.put(2)
    assert (box.closed, box.take(), box.take(), box.dropped) == (True, 1, None, 1)


@pytest.mark.parametrize("burst", [1, 8])
def test_every_item_is_taken_or_counted(burst):
    box, taken, items = NewestQueue[int](burst=burst), [], 2000

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


def _begun(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_everything_is_taken_at_once_and_in_order():
    over = OrderedQueue[int]()
    for item in range(3):
        over.put(item)
    assert [*over.take()] == [0, 1, 2]


def test_all_items_arrive_in_order_from_a_faster_thread():
    over, taken = OrderedQueue[int](most=4), []

    def produce():
        for item in range(500):
            over.put(item)
        over.close()

    thread = _begun(produce)
    while items := over.take():
        assert len(items) <= 4
        taken += items
    thread.join(10)
    assert taken == list(range(500))


def test_a_full_place_holds_the_producer_until_it_is_emptied():
    over, put = OrderedQueue[int](most=1), threading.Event()
    over.put(0)

    def produce():
        over.put(1)
        put.set()

    thread = _begun(produce)
    assert not put.wait(0.1)
    assert [*over.take()] == [0]
    assert put.wait(10)
    thread.join(10)
    assert [*over.take()] == [1]


def test_closing_wakes_a_consumer_with_nothing_and_a_producer_whose_item_is_kept():
    empty, full = OrderedQueue[int](), OrderedQueue[int](most=1)
    full.put(0)
    taken: list[list[int]] = []
    waiting = [_begun(lambda: taken.append([*empty.take()])), _begun(lambda: full.put(1))]
    time.sleep(0.05)
    empty.close()
    full.close()
    for thread in waiting:
        thread.join(10)
    assert taken == [[]]
    assert empty.closed
    assert [*full.take()] == [0, 1]
    assert not full.take()
