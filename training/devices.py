"""Where the steps of a training are computed: one device, and the interface of many."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from model import DCGAN
from training.prefetch import Batch

BatchOf = Callable[[int], Batch]  # the batch of a replica, by its number
Result = dict[str, tf.Tensor]  # what DCGAN.train_step returns


@dataclass(frozen=True)
class Wish:
    """What a process asks for between two steps: to stop by a signal (its number), to save."""

    stop: int = 0
    save: bool = False


class OneDevice:
    """The DCGAN itself, on the device that TensorFlow chooses; distributed.Copies is for many.

    replicas: that train together. workers: processes they are in; all must call everything.
    is_chief: whether this process is the one that prints and writes.
    """

    replicas, workers, is_chief = 1, 1, True

    def __init__(self, dcgan: DCGAN):
        self._dcgan = dcgan

    def train_step(self, batch_of: BatchOf, evaluate: bool, watch: bool, wish: Wish) -> Result:
        """One step of all replicas, each with its own batch; `wish` is this worker's."""
        return self._dcgan.train_step(**batch_of(0), evaluate=evaluate, watch=watch)

    def agreed(self, wish: Wish) -> Wish:
        """What all workers do next, where this one wishes for `wish` now."""
        return wish

    def collect(self) -> None:
        """Bring the plain DCGAN up to date, which is sampled and saved."""

    def fault(self, result: Result, look: bool) -> str:
        """The first loss of a step that is not finite, and the first variable; "" if none is.

        Without `look`, variables are only looked at to explain a loss: they take 2 % of a step.
        """
        losses = [n for n, value in result.items() if "loss" in n and not np.isfinite(value)]
        faults = [f"{name} is {float(result[name])}" for name in losses[:1]]
        if (faults or look) and (variable := self._dcgan.not_finite()):
            faults.append(variable)
        return ", ".join(faults)
