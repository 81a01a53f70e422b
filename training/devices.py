"""Where the steps of a training are computed: the interface of one device and of many."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

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


class Devices(Protocol):
    """What the loop needs of them. Where there are several workers, all must call everything.

    replicas: that train together. workers: processes they are in. is_chief: whether this process
    is the one that prints and writes.
    """

    replicas: int
    workers: int
    is_chief: bool

    def train_step(self, batch_of: BatchOf, evaluate: bool, watch: bool, wish: Wish) -> Result:
        """One step of all replicas, each with its own batch; `wish` is this worker's."""

    def agreed(self, wish: Wish) -> Wish:
        """What all workers do next, where this one wishes for `wish` now."""

    def collect(self) -> None:
        """Bring the plain DCGAN up to date, which is sampled and saved."""

    def fault(self, result: Result, look: bool) -> str:
        """Name what is not finite: a loss of the last step or a variable; "" if nothing is.

        Without `look`, variables are only looked at to explain a loss: they take 2 % of a step.
        """


class OneDevice:
    """The DCGAN itself, on the device that TensorFlow chooses."""

    replicas, workers, is_chief = 1, 1, True

    def __init__(self, dcgan: DCGAN):
        self._dcgan = dcgan

    def train_step(self, batch_of: BatchOf, evaluate: bool, watch: bool, wish: Wish) -> Result:
        """As Devices."""
        return self._dcgan.train_step(**batch_of(0), evaluate=evaluate, watch=watch)

    def agreed(self, wish: Wish) -> Wish:
        """As Devices: nobody else has to be asked."""
        return wish

    def collect(self) -> None:
        """As Devices: it is up to date."""

    def fault(self, result: Result, look: bool) -> str:
        """As Devices."""
        return fault_of(self._dcgan, result, look)


def fault_of(dcgan: DCGAN, result: Mapping[str, tf.Tensor], look: bool) -> str:
    """The first loss that is not finite, and the first variable; "" if neither is there."""
    losses = [name for name, value in result.items() if "loss" in name and not np.isfinite(value)]
    faults = [f"{name} is {float(result[name])}" for name in losses[:1]]
    if (faults or look) and (variable := dcgan.not_finite()):
        faults.append(variable)
    return ", ".join(faults)
