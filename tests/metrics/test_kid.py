"""The kernel distance: unbiased, and the number of another program."""

import numpy as np
import pytest
from makers import two_sets

from metrics.kid import kernel_distance, squared_discrepancy


def test_the_estimate_is_that_of_the_definition() -> None:
    real, fake = (rows[:7].astype(float) for rows in two_sets())

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (x @ y / 16 + 1) ** 3

    pairs = [(i, j) for i in range(7) for j in range(7) if i != j]
    within = sum(kernel(rows[i], rows[j]) for rows in (real, fake) for i, j in pairs) / 42
    across = sum(kernel(x, y) for x in real for y in fake) / 49
    assert squared_discrepancy(real, fake) == pytest.approx(within - 2 * across)


def test_one_source_gives_zero_within_the_error_at_any_size() -> None:
    real, _ = two_sets()
    one, other = real[::2], real[1::2]
    for size in (20, 50, 100):
        found = kernel_distance(one, other, size=size)
        assert abs(found.mean) < 0.02
        assert 0 < found.standard_error < 0.02


def test_the_same_seed_gives_the_same_number() -> None:
    real, fake = two_sets()
    assert kernel_distance(real, fake) == kernel_distance(real, fake)
    assert kernel_distance(real, fake) != kernel_distance(real, fake, seed=1)


def test_another_program_computes_the_same() -> None:
    """torch-fidelity 0.4.0, kid_features_to_metric of the first 300 rows and all fakes.

    With kid_subsets=1 and kid_subset_size=300 its subset is the whole set. With kid_subsets=100 and
    kid_subset_size=100 of all 400 rows it draws others than we do: 0.2765, deviation 0.0508.
    """
    real, fake = two_sets()
    assert squared_discrepancy(real[:300], fake) == pytest.approx(0.2864551544189453, rel=1e-5)
    found = kernel_distance(real, fake, subsets=100, size=100)
    assert found.mean == pytest.approx(0.2764904952, abs=4 * 0.0508 / 10)
    assert found.standard_error == pytest.approx(0.0508 / 10, rel=0.3)
