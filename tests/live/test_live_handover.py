"""The handover: nothing is lost, nobody waits for ever."""

import threading
import time

from mace.live.handover import Handover


def _begun(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_everything_is_taken_at_once_and_in_order():
    over = Handover[int]()
    over.put([0, 1])
    over.put([2])
    assert over.take() == [0, 1, 2]


def test_all_items_arrive_in_order_from_a_faster_thread():
    over, taken = Handover[int](most=4), []

    def produce():
        for item in range(500):
            over.put([item])
        over.close()

    thread = _begun(produce)
    while items := over.take():
        assert len(items) <= 4
        taken += items
    thread.join(10)
    assert taken == list(range(500))


def test_a_full_place_holds_the_producer_until_it_is_emptied():
    over, put = Handover[int](most=1), threading.Event()
    over.put([0])

    def produce():
        over.put([1])
        put.set()

    thread = _begun(produce)
    assert not put.wait(0.1)
    assert over.take() == [0]
    assert put.wait(10)
    thread.join(10)
    assert over.take() == [1]


def test_closing_wakes_a_consumer_with_nothing_and_a_producer_whose_item_is_kept():
    empty, full = Handover[int](), Handover[int](most=1)
    full.put([0])
    taken: list[list[int]] = []
    waiting = [_begun(lambda: taken.append(empty.take())), _begun(lambda: full.put([1]))]
    time.sleep(0.05)
    empty.close()
    full.close()
    for thread in waiting:
        thread.join(10)
    assert taken == [[]]
    assert empty.closed
    assert full.take() == [0, 1]
    assert full.take() == []
