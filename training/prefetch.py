"""Batches prepared one step ahead, in a thread, while the networks compute."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np

from support.parallel import in_parallel

Batch = dict[str, np.ndarray]  # arguments of DCGAN.train_step


class Prefetch(ExitStack):
    """Hands out make(step, replica); when its `with` block ends, no thread is left running."""

    def __init__(self, make: Callable[[int, int], Batch], end: int):
        """Prepare batches of steps below `end`; `make` is called in one thread for each replica."""
        super().__init__()
        self._make, self._end = make, end
        self._made: dict[int, Iterator[tuple[int, Batch]]] = {}

    def batch(self, step: int, replica: int) -> Batch:
        """A replica's batch for one step after the other; raises what making it raised."""
        if replica not in self._made:
            steps = range(step, self._end)
            made = in_parallel(lambda number: self._make(number, replica), steps, 1, ahead=1)
            self.callback(made.close)
            self._made[replica] = made
        number, batch = next(self._made[replica])
        assert number == step, f"asked for the batch of step {step}, {number} is the next"
        return batch
