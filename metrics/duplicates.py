"""Copies of training images among pictures: those that lie nearer to one than real images do."""

from typing import NamedTuple

import numpy as np

from support.streams import random_stream

BLOCK_VALUES = 2**24  # floats of training images that are compared at a time: 64 MiB
REALS_COMPARED = 1000  # with all the others, for the limit
AS_NEAR = 0.01  # the share of the reals that lie within the limit of another one


class Duplicates(NamedTuple):
    """How many pictures lie too near to a training image.

    share: of the pictures, 0 ... 1; real images that were held out read about AS_NEAR. limit: how
    near that is: the root of the mean squared difference of pixels, 0 ... 255.
    """

    share: float
    limit: float


def duplicates(pictures: np.ndarray, images: np.ndarray) -> Duplicates:
    """The share of `pictures` whose nearest of `images`, pixel by pixel, lies within the limit.

    The limit is taken from the images themselves: 1 in 100 has another one as near as that. Both
    are uint8, [Q, H, W, C] and [N, H, W, C], N at least 2.
    """
    compared = min(REALS_COMPARED, len(images))
    rows = np.sort(random_stream(0, "duplicates").choice(len(images), compared, replace=False))
    others = closest(images[rows], images, 2)[1][:, 1]  # the first is the image itself
    limit = float(np.quantile(others, AS_NEAR))
    distances = closest(pictures, images, 1)[1][:, 0]
    return Duplicates(float(np.mean(distances <= limit)), limit)


def closest(pixels: np.ndarray, images: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` of `images` nearest to each of `pixels`, by their pixels, the nearest first.

    `pixels` are uint8 [Q, H, W, C], `images` [N, H, W, C], in memory or mapped from disk: they are
    read a block at a time. Returns their numbers, int [Q, count], and their distances, float
    [Q, count]: the root of the mean squared difference, 0 to 255.
    """
    queries = _centred(pixels)
    found = np.zeros((len(pixels), 0), int)
    distances = np.zeros((len(pixels), 0), np.float32)
    size = max(1, BLOCK_VALUES // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), size):
        block = _centred(images[start : start + size])
        # |a - b|^2 without |a|^2, which is the same for all images
        ours = np.square(block).sum(1) - 2 * queries @ block.T
        best = _least(ours, count)
        distances = np.concatenate([distances, np.take_along_axis(ours, best, 1)], 1)
        found = np.concatenate([found, start + best], 1)
        kept = _least(distances, count)
        found, distances = (np.take_along_axis(a, kept, 1) for a in (found, distances))
    found = np.sort(found, 1)
    exact = np.array([_distances(q, images[n]) for q, n in zip(pixels, found, strict=True)])
    order = np.argsort(exact, axis=1, kind="stable")
    return np.take_along_axis(found, order, 1), np.take_along_axis(exact, order, 1)


def _least(distances: np.ndarray, count: int) -> np.ndarray:
    """The columns of the `count` least of each row, in any order."""
    count = min(count, distances.shape[1])
    return np.argpartition(distances, count - 1, 1)[:, :count]


def _centred(pixels: np.ndarray) -> np.ndarray:
    """Rows of floats about 0, whose products lose fewer digits."""
    return pixels.reshape(len(pixels), -1).astype(np.float32) - np.float32(127.5)


def _distances(picture: np.ndarray, images: np.ndarray) -> np.ndarray:
    differences = images.astype(np.float64) - picture
    return np.sqrt(np.mean(differences**2, axis=(1, 2, 3)))
