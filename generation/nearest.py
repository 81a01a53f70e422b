"""The training images closest to given pictures: does the generator repeat what it has seen?"""

from collections.abc import Iterator

import numpy as np

BLOCK_VALUES = 2**24  # floats of the training images that are looked at together: 64 MiB


def closest(pixels: np.ndarray, images: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` of `images` nearest to each of `pixels`, by their pixels, the nearest first.

    Args:
        pixels: uint8 [Q, H, W, C].
        images: uint8 [N, H, W, C], in memory or mapped from disk; read a block at a time.
        count: how many, at most N.

    Returns:
        Their numbers, int [Q, count], and their distances, float [Q, count]: the root of the mean
        squared difference, 0 to 255.
    """
    queries = _centred(pixels)
    found = np.zeros((len(pixels), 0), int)
    distances = np.zeros((len(pixels), 0), np.float32)
    for start, block in _blocks(images):
        # |a - b|^2 but for |a|^2, which is the same for all images
        ours = np.square(block).sum(1) - 2 * queries @ block.T
        best = _least(ours, count)
        distances = np.concatenate([distances, np.take_along_axis(ours, best, 1)], 1)
        found = np.concatenate([found, start + best], 1)
        kept = _least(distances, count)
        found, distances = (np.take_along_axis(a, kept, 1) for a in (found, distances))
    exact = np.array(
        [_distances(q, images[np.sort(n)]) for q, n in zip(pixels, found, strict=True)]
    )
    order = np.argsort(exact, axis=1, kind="stable")
    return np.take_along_axis(np.sort(found, 1), order, 1), np.take_along_axis(exact, order, 1)


def sheet_of(pixels: np.ndarray, images: np.ndarray, found: np.ndarray) -> np.ndarray:
    """A row for each of `pixels`: itself, then the images found; uint8 [Q * (count + 1), ...]."""
    rows = [np.concatenate([own[None], images[k]]) for own, k in zip(pixels, found, strict=True)]
    return np.concatenate(rows)


def _blocks(images: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    size = max(1, BLOCK_VALUES // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), size):
        yield start, _centred(images[start : start + size])


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
