"""Batches made one step ahead, in a thread of their own, while the networks compute."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np

Batch = dict[str, np.ndarray]  # arguments of DCGAN.train_step


class Ahead:
    """A context manager that hands out make(step, replica), begun when step - 1 was asked for."""

    def __init__(self, make: Callable[[int, int], Batch], end: int):
        """Make batches of steps below `end`; `make` is called in another thread."""
        self._make, self._end = make, end
        self._pool = ThreadPoolExecutor(1)
        self._begun: dict[tuple[int, int], Future[Batch]] = {}

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def batch(self, step: int, replica: int) -> Batch:
        """The batch of a replica for a step; raises what making it raised."""
        future = self._begun.pop((step, replica), None) or self._begin(step, replica)
        if step + 1 < self._end:
            self._begun[step + 1, replica] = self._begin(step + 1, replica)
        return future.result()

    def _begin(self, step: int, replica: int) -> Future[Batch]:
        return self._pool.submit(self._make, step, replica)
