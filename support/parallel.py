"""The same work for many items, in threads, with the results in order."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = 0, ahead: int = 16
) -> Generator[tuple[Item, Result], None, None]:
    """Yield (item, function(item)) in the order of the items; raises what `function` raises.

    The function is called in `workers` threads (0: one for each core), each at most `ahead` items
    ahead of the one handed out, which bounds the memory. Items are fetched in the caller's thread,
    as the work goes on.
    """
    workers = workers or os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers)
    begun: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            begun.append((item, pool.submit(function, item)))
            if len(begun) > ahead * workers:
                first, future = begun.popleft()
                yield first, future.result()
        for first, future in begun:
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)  # whoever stops early waits only for what has begun
