"""Precision, recall, density, coverage: what lies among whose nearest neighbours.

A ball about each row of a set reaches to its k-th nearest other row; the balls of all rows stand
for where the set is.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

BLOCK_VALUES = 2**23  # distances that are held at a time: 64 MiB
NEAREST = 3  # k of precision and recall, as in Kynkaanniemi et al.
NEAREST_OF_DENSITY = 5  # k of density and coverage, as in Naeem et al.


class Neighbours(NamedTuple):
    """Shares, 0 ... 1, but density, which may be larger.

    precision: of the fakes that lie in a ball of the reals; recall: of the reals that lie in a ball
    of the fakes (Kynkaanniemi et al. 2019, section 2). density: in how many of the reals' balls a
    fake lies, divided by k; coverage: of the reals in whose ball a fake lies (Naeem et al. 2020,
    section 3).
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(
    real: np.ndarray,
    fake: np.ndarray,
    k: int = NEAREST,
    k_of_density: int = NEAREST_OF_DENSITY,
) -> Neighbours:
    """The four figures of features [N, D] and [M, D], more than k rows each.

    Distances are Euclidean, computed in float64 a block at a time. Compare only figures of the same
    numbers of rows: more rows have smaller balls.
    """
    centre = real.mean(0, dtype=np.float64)
    real, fake = real - centre, fake - centre
    of_reals = radii(real, (k, k_of_density))
    of_fakes = radii(fake, (k,))[:, 0]
    recalled, covered, balls = 0, 0, 0
    inside = np.zeros(len(fake), bool)
    for rows, squares in _distances(real, fake):
        reach, reach_of_density = of_reals[rows].T
        inside |= (squares < reach[:, np.newaxis]).any(0)
        recalled += int((squares < of_fakes).any(1).sum())
        dense = squares < reach_of_density[:, np.newaxis]
        balls += int(dense.sum())
        covered += int(dense.any(1).sum())
    return Neighbours(
        float(inside.mean()),
        recalled / len(real),
        balls / (k_of_density * len(fake)),
        covered / len(real),
    )


def radii(rows: np.ndarray, ks: tuple[int, ...]) -> np.ndarray:
    """The squared distance from each row to its k-th nearest other row: [N, len(ks)]."""
    found = np.empty((len(rows), len(ks)))
    for some, squares in _distances(rows, rows):
        squares[np.arange(len(squares)), np.arange(len(rows))[some]] = -1  # itself, before others
        found[some] = np.partition(squares, list(ks), axis=1)[:, list(ks)]
    return found


def _distances(rows: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Some of the rows, and their squared distances to all the others, [n, M]."""
    own, theirs = np.square(rows).sum(1), np.square(others).sum(1)
    size = max(1, BLOCK_VALUES // len(others))
    for start in range(0, len(rows), size):
        some = slice(start, start + size)
        squares = own[some, np.newaxis] + theirs - 2 * rows[some] @ others.T
        yield some, np.maximum(squares, 0, out=squares)
