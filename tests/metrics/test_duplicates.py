"""The nearest training images: found exactly, a block at a time; and copies of them."""

import numpy as np
import pytest

from generation.nearest import sheet_of
from metrics import duplicates as module
from metrics.duplicates import closest, duplicates


def test_the_nearest_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = np.random.default_rng(0)
    images = stream.integers(0, 256, (50, 4, 5, 3), np.uint8)
    pixels = stream.integers(0, 256, (7, 4, 5, 3), np.uint8)
    pixels[3] = images[17]
    plain = np.sqrt(((pixels[:, None].astype(float) - images[None]) ** 2).mean((2, 3, 4)))
    for values in (60 * 1, 60 * 7, 2**24):
        monkeypatch.setattr(module, "BLOCK_VALUES", values)
        found, distances = closest(pixels, images, 4)
        assert (found == np.argsort(plain, axis=1)[:, :4]).all()
        np.testing.assert_allclose(distances, np.sort(plain, axis=1)[:, :4])
    assert found[3, 0] == 17
    assert distances[3, 0] == 0
    tiles = sheet_of(pixels, images, found)
    assert (tiles[0] == pixels[0]).all()
    assert (tiles[5 * 3 + 1] == images[17]).all()


def test_copies_are_found_also_with_a_little_noise() -> None:
    stream = np.random.default_rng(0)
    images = stream.integers(0, 256, (300, 6, 6, 1), np.uint8)
    others = stream.integers(0, 256, (60, 6, 6, 1), np.uint8)
    noisy = np.clip(images[:30].astype(int) + stream.integers(-3, 4, (30, 6, 6, 1)), 0, 255)
    assert duplicates(others, images).share < 0.1
    found = duplicates(np.concatenate([others[:30], noisy.astype(np.uint8)]), images)
    assert found.share == pytest.approx(0.5, abs=0.05)
    assert found.limit > 3


def test_where_images_come_twice_only_exact_copies_count() -> None:
    stream = np.random.default_rng(0)
    images = np.repeat(stream.integers(0, 200, (30, 6, 6, 1), np.uint8), 2, axis=0)
    pictures = np.concatenate([images[:5], images[10:20] + np.uint8(1)])
    assert duplicates(pictures, images) == (pytest.approx(1 / 3), 0)
