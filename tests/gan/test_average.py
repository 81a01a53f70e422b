"""The average of G's weights: what it holds, that it comes back, and what samples by it."""

from pathlib import Path

import numpy as np
import pytest
from makers import batch, small

from model import DCGAN
from support.errors import UserError

Values = dict[str, np.ndarray]


def values_of(dcgan: DCGAN) -> Values:
    """G's weights and moving averages."""
    return {name: v.numpy() for name, v in dcgan.generator.named_variables().items()}


def averages_of(dcgan: DCGAN) -> Values:
    """What is averaged of them."""
    assert dcgan.average is not None
    return {name: v.numpy() for name, v in dcgan.average.network.named_variables().items()}


def assert_same(found: Values, wanted: Values, rtol: float = 0, atol: float = 0) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol, atol, err_msg=name)


def train(dcgan: DCGAN, *steps: int) -> None:
    for step in steps:
        dcgan.train_step(*batch(dcgan, seed=step), evaluate=step % 2 == 0)


@pytest.mark.parametrize("y_dim", [None, 3])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_it_is_the_average_that_its_formula_says(share: float, y_dim: int | None) -> None:
    dcgan = small(y_dim=y_dim, ema=share, learning_rate=0.01)
    wanted = values_of(dcgan)
    assert_same(averages_of(dcgan), wanted)
    for n in range(1, 7):
        train(dcgan, n)
        for name, value in values_of(dcgan).items():
            wanted[name] = wanted[name] + (value - wanted[name]) / (1 + share * (n - 1))
        if n == 1:
            assert_same(averages_of(dcgan), values_of(dcgan), atol=1e-7)
        assert_same(averages_of(dcgan), wanted, rtol=1e-5, atol=1e-7)
    moved = np.abs(wanted["generator/g_h0_lin/Matrix"] - values_of(dcgan)["generator/g_h0_lin/Matrix"])
    assert moved.max() > 1e-3
