"""Which classes are drawn, how evenly, and whether they are those that were asked for.

The classes are what a classifier says of the pictures.
"""

from typing import NamedTuple

import numpy as np

RARE = 0.1  # of the data's share; below, a class counts as dropped


class Modes(NamedTuple):
    """How often each class is drawn.

    histogram: the share of each class, in their order. entropy: of these shares, in nats; log K
    where K classes come up evenly, 0 where one comes up alone. modes: how many classes have at
    least a tenth of their share of the data.
    """

    histogram: list[float]
    entropy: float
    modes: int


def modes(real: np.ndarray, fake: np.ndarray, count: int) -> Modes:
    """The modes of pictures of the classes `fake` [M], where the data's are `real` [N].

    Both are class numbers in 0 ... count - 1.
    """
    of_reals, shares = (np.bincount(c, minlength=count) / len(c) for c in (real, fake))
    there = shares[shares > 0]
    drawn = (of_reals > 0) & (shares >= RARE * of_reals)
    entropy = max(0.0, float(-(there * np.log(there)).sum()))
    return Modes(shares.tolist(), entropy, int(drawn.sum()))


def label_accuracy(asked: np.ndarray, seen: np.ndarray) -> float:
    """The share of pictures in which the classifier sees the class that was asked for: 0 ... 1."""
    return float(np.mean(asked == seen))
