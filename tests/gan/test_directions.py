"""The telling directions of z are those along which pictures change most."""

import numpy as np
import pytest
from makers import small, stretched

from gan.directions import telling_directions


def test_of_a_linear_generator_they_are_its_singular_vectors() -> None:
    stream = np.random.default_rng(0)
    matrix = stream.standard_normal((6, 2 * 3 * 1)).astype(np.float32)
    found = telling_directions(
        lambda z, y: (z @ matrix).reshape(-1, 2, 3, 1), (-1.0, 1.0), "normal01", 6, count=4
    )
    left, values, _ = np.linalg.svd(matrix)
    # A pixel is one of six, and the value range is 2 wide.
    np.testing.assert_allclose(found.changes, values[:4] / 2 / np.sqrt(6), rtol=1e-3)
    np.testing.assert_allclose(np.abs(found.vectors @ left[:, :4]), np.eye(4), atol=1e-2)


@pytest.mark.parametrize("y_dim", [None, 3])
def test_pictures_change_more_along_the_first_than_along_the_last(y_dim: int | None) -> None:
    dcgan = stretched(small(y_dim=y_dim))
    labels = None if y_dim is None else np.eye(y_dim, dtype=np.float32)
    found = telling_directions(
        dcgan.sampler, dcgan.value_range, "uniform_signed", dcgan.z_dim, labels, count=99
    )
    assert found.vectors.shape == (dcgan.z_dim, dcgan.z_dim)  # there are no more
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(dcgan.z_dim), atol=1e-5)
    assert (np.diff(found.changes) <= 0).all()
    z = np.random.default_rng(1).uniform(-1, 1, (32, dcgan.z_dim)).astype(np.float32)
    y = None if y_dim is None else np.eye(y_dim, dtype=np.float32)[np.arange(32) % y_dim]
    first, last = (
        np.square(dcgan.sampler(z + 0.2 * vector, y) - dcgan.sampler(z, y)).mean()
        for vector in found.vectors[[0, -1]]
    )
    assert first > 2 * last


def test_the_same_seed_gives_the_same_and_signs_are_settled() -> None:
    dcgan = stretched(small())
    once, again = (
        telling_directions(dcgan.sampler, dcgan.value_range, "normal01", dcgan.z_dim, seed=4)
        for _ in range(2)
    )
    np.testing.assert_array_equal(once.vectors, again.vectors)
    assert (np.take_along_axis(once.vectors, np.abs(once.vectors).argmax(1)[:, None], 1) > 0).all()
