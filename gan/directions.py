"""The directions of z that change G's pictures most: what is worth a slider.

A picture x = G(z) moves by J d when z moves by d, where J is the Jacobian of G at z. Averaged over
z, the square of that length is d' M d with M = mean of J' J, so the eigenvectors of M, largest
eigenvalue first, are the directions that change pictures most, each at right angles to the ones
before. Ramesh et al. 2018, "A Spectral Regularizer for Unsupervised Disentanglement", section 2,
take them at one z. SeFa (Shen & Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs",
section 3) takes those of G's first layer, which need no picture, but the layers behind it count
too: docs/web.md has a comparison.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from support.streams import draw_z, random_stream

POINTS = 16  # that M is averaged over: other 16 give nearly the same directions (docs/web.md)
STEP = 0.1  # of z, to both sides: small beside z's range, large beside float32's rounding

# As DCGAN.sampler: z float32 [N, z_dim] and labels y [N, y_dim], or None -> images [N, H, W, C].
Sampler = Callable[[np.ndarray, np.ndarray | None], Any]


class Directions(NamedTuple):
    """Directions of z, the most telling first.

    vectors: float32 [K, z_dim], of length 1, at right angles to each other; the largest coordinate
    of each is positive. changes: float32 [K], how far a pixel moves for a step of 1 along each, as
    a share of the pictures' value range: the root of the mean square over pixels and z.
    """

    vectors: np.ndarray
    changes: np.ndarray


def telling_directions(
    sampler: Sampler,
    value_range: tuple[float, float],
    z_dist: str,
    z_dim: int,
    y: np.ndarray | None = None,
    count: int = 8,
    points: int = POINTS,
    seed: int = 0,
) -> Directions:
    """The `count` directions that change the pictures of `sampler` most, on average over z.

    Args:
        sampler: makes the pictures.
        value_range: the ends of their values.
        z_dist: what z is drawn from, one of Z_DISTS.
        z_dim: length of z.
        y: labels as the sampler takes them, float32 [N, y_dim], any N, in turn for the z; or None.
        count: how many directions; all z_dim if there are fewer.
        points: how many z the average is over.
        seed: of those z.
    """
    centres = draw_z(random_stream(seed, "directions"), z_dist, points, z_dim)
    mean = np.zeros((z_dim, z_dim))
    for index, centre in enumerate(centres):
        rows = None if y is None else np.tile(y[index % len(y)], (2 * z_dim, 1))
        jacobian = _jacobian(sampler, centre, rows) / (value_range[1] - value_range[0])
        mean += jacobian @ jacobian.T / jacobian.shape[1] / points
    squares, columns = np.linalg.eigh(mean)  # ascending
    vectors = columns.T[::-1][:count]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(1)[:, None], axis=1)
    changes = np.sqrt(np.maximum(squares[::-1][:count], 0))
    return Directions((vectors * np.sign(largest)).astype(np.float32), changes.astype(np.float32))


def _jacobian(sampler: Sampler, z: np.ndarray, y: np.ndarray | None) -> np.ndarray:
    """How all values of the picture of z [z_dim] move with each coordinate: [z_dim, values].

    By central differences; y [2 z_dim, y_dim] or None.
    """
    steps = np.eye(len(z), dtype=np.float32) * np.float32(STEP)
    images = np.asarray(sampler(np.concatenate([z + steps, z - steps]), y), np.float64)
    ahead, behind = images.reshape(2, len(z), -1)
    return (ahead - behind) / (2 * STEP)
