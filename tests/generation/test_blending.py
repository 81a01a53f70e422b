"""A hole is filled by the drawn pixels, or by their slopes."""

import numpy as np
import pytest

from generation.blending import plain, poisson
from generation.masks import named_mask


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["centre", "left", "random"])
def test_poisson_keeps_the_slopes_and_takes_the_light(name: str, channels: int) -> None:
    stream = np.random.default_rng(0)
    pixels = stream.integers(40, 200, (12, 10, channels), np.uint8)
    hidden = named_mask(name, (12, 10), 1)
    brighter = pixels + np.uint8(30)
    assert (poisson(pixels, brighter, hidden) == pixels).all(), "only the light differed"
    blended = poisson(pixels, stream.integers(0, 256, pixels.shape, np.uint8), hidden)
    assert (blended[~hidden] == pixels[~hidden]).all()
    filled = plain(pixels, brighter, hidden)
    assert (filled[hidden] == brighter[hidden]).all()
    assert (filled[~hidden] == pixels[~hidden]).all()


def test_poisson_solves_its_equations() -> None:
    pixels = np.full((1, 4, 1), 100, np.uint8)
    drawn = np.array([0, 10, 30, 0], np.uint8).reshape(1, 4, 1)
    hidden = np.array([[False, True, True, False]])
    # 2 a - b = 100 + 10 - 20, 2 b - a = 100 + 20 + 30
    assert poisson(pixels, drawn, hidden).ravel().tolist() == [100, 110, 130, 100]
