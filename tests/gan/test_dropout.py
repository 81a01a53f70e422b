"""Dropout in G: how much is dropped, and by which random numbers."""

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small, stretched

from gan.dropout import seeds_of, with_dropout

SEED = tf.constant((1, 2))


@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("of_rows", [False, True])
def test_a_share_becomes_zero_and_the_rest_makes_up_for_it(share: float, of_rows: bool) -> None:
    seeds = tf.stack([SEED + row for row in range(8)]) if of_rows else SEED
    act, x = with_dropout(tf.nn.relu, share, seeds), tf.fill((8, 5, 5, 40), 3.0)
    first, second = act(x).numpy(), act(x).numpy()
    for dropped in (first, second):
        assert set(np.unique(dropped)) == {0, np.float32(3 / (1 - share))}
        assert abs((dropped == 0).mean() - share) < 0.02
    agree = share**2 + (1 - share) ** 2  # of masks that know nothing of each other
    assert abs(((first == 0) == (second == 0)).mean() - agree) < 0.02
    assert abs(((first[0] == 0) == (first[1] == 0)).mean() - agree) < 0.06
    assert not act(-x).numpy().any()


def test_a_z_has_a_seed_of_its_own() -> None:
    z = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    seeds = seeds_of(tf.constant(z)).numpy()
    assert seeds.shape == (500, 2)
    assert len({tuple(seed) for seed in seeds}) == 500
    np.testing.assert_array_equal(seeds_of(tf.constant(z[7:9])), seeds[7:9])


@pytest.mark.parametrize("y_dim", [None, 3])
def test_the_same_z_makes_the_same_picture_in_every_call(y_dim: int | None) -> None:
    """Alone or among others, with dropout kept on; and another than without it."""
    kept, plain = (
        stretched(small(g_dropout=0.5, sample_dropout=kept, y_dim=y_dim)) for kept in (True, False)
    )
    _, z, y = batch(kept, 6)
    together, again = kept.sampler(z, y).numpy(), kept.sampler(z, y).numpy()
    np.testing.assert_array_equal(together, again)
    alone = kept.sampler(z[4:5], None if y is None else y[4:5]).numpy()
    np.testing.assert_allclose(alone, together[4:5], atol=1e-6)
    np.testing.assert_array_equal(plain.sampler(z, y), stretched(small(y_dim=y_dim)).sampler(z, y))
    assert np.abs(plain.sampler(z, y).numpy() - together).max(axis=(1, 2, 3)).min() > 1e-3


def test_in_training_it_follows_from_the_seed_of_the_step() -> None:
    dcgan = small(g_dropout=0.5, learning_rate=0.0)
    images, z, _ = batch(dcgan)
    first, again, other = (
        dcgan.train_step(images, z, watch=True, dropout_seed=(1, number))["G"].numpy()
        for number in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    with pytest.raises(ValueError, match="dropout_seed is missing"):
        dcgan.train_step(images, z)
