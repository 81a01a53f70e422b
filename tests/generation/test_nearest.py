"""The nearest training images: found exactly, a block at a time."""

import numpy as np
import pytest

from generation import nearest
from generation.nearest import closest, sheet_of


def test_the_nearest_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = np.random.default_rng(0)
    images = stream.integers(0, 256, (50, 4, 5, 3), np.uint8)
    pixels = stream.integers(0, 256, (7, 4, 5, 3), np.uint8)
    pixels[3] = images[17]
    plain = np.sqrt(((pixels[:, None].astype(float) - images[None]) ** 2).mean((2, 3, 4)))
    for values in (60 * 1, 60 * 7, 2**24):
        monkeypatch.setattr(nearest, "BLOCK_VALUES", values)
        found, distances = closest(pixels, images, 4)
        assert (found == np.argsort(plain, axis=1)[:, :4]).all()
        np.testing.assert_allclose(distances, np.sort(plain, axis=1)[:, :4])
    assert found[3, 0] == 17
    assert distances[3, 0] == 0
    tiles = sheet_of(pixels, images, found)
    assert (tiles[0] == pixels[0]).all()
    assert (tiles[5 * 3 + 1] == images[17]).all()
