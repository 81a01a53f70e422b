"""Instance noise: its deviation, and that it is another each time."""

import numpy as np
import tensorflow as tf

from gan.noise import noisy

SEED = tf.constant((1, 2))


def test_it_is_gaussian_of_that_deviation_and_another_each_time() -> None:
    images = tf.zeros((50, 20, 20, 3))
    look, again = (noisy(lambda x: x + 7, 0.1, SEED) for _ in range(2))
    first, second = look(images).numpy() - 7, look(images).numpy() - 7
    for noise in (first, second):
        assert abs(noise.mean()) < 0.002
        assert abs(noise.std() - 0.1) < 0.002
        assert abs((np.abs(noise) > 0.1).mean() - 0.3173) < 0.01, "of a normal distribution"
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(again(images).numpy() - 7, first)
