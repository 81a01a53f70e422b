"""Work for many items in threads: in order, within bounds, and over when nobody wants more."""

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from support.parallel import in_parallel


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_at_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item**2

    wanted = [(item, item**2) for item in range(100)]
    assert list(in_parallel(slow_at_first, range(100), workers=4)) == wanted
    assert list(in_parallel(slow_at_first, [])) == []


def test_items_are_fetched_as_the_work_goes_on() -> None:
    """Also from an endless source, which a bound on the memory implies."""
    fetched = []

    def source() -> Iterator[int]:
        for item in itertools.count():
            fetched.append(item)
            yield item

    results = in_parallel(str, source(), workers=2, ahead=3)
    assert next(results) == (0, "0")
    assert fetched == list(range(2 * 3 + 1))
    assert next(results) == (1, "1")
    assert fetched == list(range(2 * 3 + 2))


def test_all_workers_work_at_once() -> None:
    together = threading.Barrier(3)
    ranks = [rank for _, rank in in_parallel(lambda _: together.wait(30), range(3), workers=3)]
    assert sorted(ranks) == [0, 1, 2], "no one waited in vain for the others"


def test_the_next_item_is_worked_on_while_one_is_in_use() -> None:
    begun = [threading.Event() for _ in range(3)]
    results = in_parallel(lambda event: event.set(), begun, workers=1, ahead=1)
    next(results)
    assert begun[1].wait(30)


def test_whoever_stops_early_waits_only_for_what_has_begun() -> None:
    done = []
    release = threading.Event()

    def work(item: int) -> None:
        if item:
            release.wait(30)
        done.append(item)

    results = in_parallel(work, range(50), workers=1, ahead=20)
    next(results)
    threading.Timer(0.05, release.set).start()
    results.close()
    assert done in ([0], [0, 1])


def test_what_the_work_raises_is_raised_in_its_turn() -> None:
    results = in_parallel(lambda item: 1 // item, [1, 0, 1], workers=2)
    assert next(results) == (1, 1)
    with pytest.raises(ZeroDivisionError):
        next(results)
