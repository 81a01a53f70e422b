"""Sums and differences of mean latent vectors (Radford et al. 2016, section 6.3.2, figure 7)."""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest

import numpy as np

from generation.latent import within
from model import DCGAN
from utils import sample_pixels

SIGNS = {"seeds": 1, "minus": -1, "plus": 1}
CAPTIONS = {"seeds": "mean of seeds", "minus": "- mean of minus", "plus": "+ mean of plus"}


def result_of(terms: dict[str, np.ndarray], z_dist: str) -> np.ndarray:
    """mean(seeds) - mean(minus) + mean(plus): float32 [1, z_dim].

    terms: the z [N, z_dim] of each name in SIGNS that is asked for. A sum may leave where
    `z_dist` draws from, and is brought back.
    """
    total = sum(SIGNS[name] * z.mean(0, keepdims=True) for name, z in terms.items())
    return within(np.asarray(total), z_dist).astype(np.float32)


def sheet_of(
    dcgan: DCGAN, terms: dict[str, np.ndarray], result: np.ndarray, label: int | None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Tiles that show a result, uint8 [N, H, W, C], and how many rows and columns they make.

    The first row has the picture of each term's mean, then that of `result` [1, z_dim]; below a
    mean are the pictures it is the mean of. With labels, all are made with `label`.
    """
    rows = 1 + max(len(z) for z in terms.values())
    columns = [np.concatenate([z.mean(0, keepdims=True), z]) for z in terms.values()]
    columns.append(result)
    z = np.concatenate(columns).astype(np.float32)
    pixels = iter(sample_pixels(dcgan, z, None if label is None else np.full(len(z), label)))
    tiles = np.zeros((rows, len(columns), *dcgan.image_shape), np.uint8)
    for number, column in enumerate(columns):
        for row in range(len(column)):
            tiles[row, number] = next(pixels)
    return tiles.reshape(-1, *dcgan.image_shape), (rows, len(columns))


def captions_of(seeds: Mapping[str, Sequence[int]]) -> list[str]:
    """What stands above each tile of `sheet_of`, row by row; `seeds` are those of each term."""
    columns = [[CAPTIONS[name], *(f"seed {n}" for n in of_one)] for name, of_one in seeds.items()]
    return list(chain(*zip_longest(*columns, ["= result"], fillvalue="")))
