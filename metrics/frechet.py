"""The Frechet distance of two sets of features (Heusel et al. 2017, section 2)."""

import numpy as np
from scipy import linalg


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of means m and covariances C; 0 is the best.

    real, fake: [N, D] and [M, D], at least two rows each. Computed in float64. The unit is that of
    the features, squared, so two spaces cannot be compared. With few rows it comes out too high:
    the fewer there are, the farther covariances of one source lie apart.
    """
    (mean, root), (other_mean, other) = (_mean_and_root(rows) for rows in (real, fake))
    # With C1 = R'R and C2 = S'S, the trace of (C1 C2)^(1/2) is the sum of the singular values of
    # RS'. Those are real and exact also where there are fewer rows than columns.
    together = linalg.svdvals(root @ other.T).sum()
    between = np.square(mean - other_mean).sum()
    distance = between + np.square(root).sum() + np.square(other).sum() - 2 * together
    return max(0.0, float(distance))  # rounding may leave less than nothing


def _mean_and_root(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [D], and R, [D, D] or smaller, with R'R the unbiased covariance; float64."""
    rows = rows.astype(np.float64)
    mean = rows.mean(0)
    centred = (rows - mean) / np.sqrt(len(rows) - 1)
    if len(rows) <= rows.shape[1]:
        return mean, centred
    values, vectors = linalg.eigh(centred.T @ centred)
    return mean, (vectors * np.sqrt(np.maximum(values, 0))).T
