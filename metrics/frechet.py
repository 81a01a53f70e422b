"""The Frechet distance of two sets of features (Heusel et al. 2017, section 2)."""

import numpy as np
from scipy import linalg


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of means m and covariances C; 0 is the best.

    real, fake: [N, D] and [M, D], at least two rows each. Computed in float64. The unit is that of
    the features, squared, so two spaces cannot be compared. With few rows it comes out too high:
    the covariances then are too narrow.
    """
    (mean, covariance), (other_mean, other) = (_statistics(rows) for rows in (real, fake))
    # (C1 C2)^(1/2) has the trace of (R C2 R)^(1/2), with R = C1^(1/2). That product is symmetric:
    # its root exists, and is real, also where there are fewer rows than columns.
    values, vectors = linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    squares = linalg.eigvalsh(root @ other @ root)
    root_trace = np.sqrt(np.maximum(squares, 0)).sum()
    between = np.square(mean - other_mean).sum()
    distance = between + np.trace(covariance) + np.trace(other) - 2 * root_trace
    return max(0.0, float(distance))  # rounding may leave less than nothing


def _statistics(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [D] and unbiased covariance [D, D], float64."""
    rows = rows.astype(np.float64)
    return rows.mean(0), np.atleast_2d(np.cov(rows, rowvar=False))
