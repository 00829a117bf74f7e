"""Trainings side by side in this process, each lane a thread."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed


def side_by_side[T](
    work: Callable[[T, Callable[[], bool]], bool], items: Sequence[T], *, lanes: int
) -> Iterator[T]:
    """Yield each item that has been worked on to its end.

    Threads do: they wait for the device most of the time, and it computes without the interpreter.

    Args:
        work: takes an item and a function that says whether to leave early, as another lane has
            failed or nobody waits for results any more; returns whether it came to the end.
        items: what to work on.
        lanes: how many at once; a single one is this thread itself.

    Raises:
        Exception: what `work` raised first, once all lanes have left.
    """
    if lanes == 1:
        for item in items:
            if not work(item, lambda: False):
                return
            yield item
        return
    abandoned = threading.Event()
    with ThreadPoolExecutor(lanes) as pool:
        under_way = {pool.submit(work, item, abandoned.is_set): item for item in items}
        try:
            for future in as_completed(under_way):
                if future.result():
                    yield under_way[future]
        finally:
            abandoned.set()
