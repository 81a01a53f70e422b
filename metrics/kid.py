"""The kernel distance of two sets of features (KID: Binkowski et al. 2018, section 4)."""

from typing import NamedTuple

import numpy as np

from support.streams import random_stream

SUBSETS = 100
LARGEST = 1000  # rows of a subset


class KernelDistance(NamedTuple):
    """The mean over the subsets, 0 where both sets come from one source, and its standard error.

    The subsets overlap, so the error is that of choosing subsets; another sample differs by more.
    """

    mean: float
    standard_error: float


def kernel_distance(
    real: np.ndarray, fake: np.ndarray, subsets: int = SUBSETS, size: int = 0, seed: int = 0
) -> KernelDistance:
    """The unbiased squared maximum mean discrepancy under the kernel (x.y / D + 1)^3.

    real, fake: [N, D] and [M, D], at least four rows each. Unlike Frechet's, it is right on average
    for any number of rows; it may come out below 0. Each of `subsets` takes `size` rows of both,
    drawn from the seed; 0: half of the smaller set, LARGEST at most.
    """
    size = size or min(LARGEST, len(real) // 2, len(fake) // 2)
    stream = random_stream(seed, "kid")
    values = [
        squared_discrepancy(
            real[stream.choice(len(real), size, replace=False)],
            fake[stream.choice(len(fake), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(values)), float(np.std(values) / np.sqrt(subsets)))


def squared_discrepancy(real: np.ndarray, fake: np.ndarray) -> float:
    """The unbiased estimate from all rows (Gretton et al. 2012, lemma 6), in float64."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    return _of_others(real) + _of_others(fake) - 2 * float(_kernel(real, fake).mean())


def _of_others(rows: np.ndarray) -> float:
    """The mean kernel of two different rows of one set."""
    kernel = _kernel(rows, rows)
    count = len(rows)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))


def _kernel(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    return (rows @ others.T / rows.shape[1] + 1) ** 3
