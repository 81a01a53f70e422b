"""Random numbers are a function of seed, purpose and index."""

import numpy as np
import pytest

from support.streams import draw_z, random_stream


def test_the_same_key_gives_the_same_numbers() -> None:
    first = random_stream(5, "z", 700).random(8)
    np.testing.assert_array_equal(first, random_stream(5, "z", 700).random(8))


@pytest.mark.parametrize("other", [(6, "z", 700), (5, "order", 700), (5, "z", 701)])
def test_another_key_gives_other_numbers(other: tuple[int, str, int]) -> None:
    assert (random_stream(*other).random(8) != random_stream(5, "z", 700).random(8)).all()


def test_the_numbers_stay_what_they_are() -> None:
    """A new NumPy must not change runs that are under way."""
    wanted = [0.39334711, 0.26411189, 0.13319033]
    np.testing.assert_allclose(random_stream(0, "z").random(3), wanted, atol=1e-7)


@pytest.mark.parametrize(
    ("z_dist", "low", "high", "mean", "std"),
    [
        ("uniform_signed", -1, 1, 0, 1 / 3**0.5),
        ("uniform_unsigned", 0, 1, 0.5, 1 / 12**0.5),
        ("normal01", -np.inf, np.inf, 0, 1),
    ],
)
def test_z_is_distributed_as_named(
    z_dist: str, low: float, high: float, mean: float, std: float
) -> None:
    z = draw_z(random_stream(0, "z"), z_dist, 1000, 100)
    assert z.shape == (1000, 100)
    assert z.dtype == np.float32
    assert low <= z.min() <= z.max() <= high
    assert z.mean() == pytest.approx(mean, abs=0.01)
    assert z.std() == pytest.approx(std, rel=0.01)
