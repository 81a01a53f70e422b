"""Adam: the original's formula."""

import numpy as np
import tensorflow as tf

from gan.adam import Adam


def test_adam_is_tensorflow_ones() -> None:
    variable = tf.Variable([1.0, -2.0])
    adam = Adam({"v": variable}, learning_rate=0.1, beta1=0.5)
    value, m, v = variable.numpy().astype(np.float64), np.zeros(2), np.zeros(2)
    for t in range(1, 4):
        gradient = np.array([0.3, -0.01]) * t
        adam.apply({"v": variable}, {"v": tf.constant(gradient, tf.float32)})
        m, v = 0.5 * m + 0.5 * gradient, 0.999 * v + 0.001 * gradient**2
        value -= 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.5**t) * m / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(variable.numpy(), value, rtol=1e-5)
    assert float(adam.beta1_power) == 0.5**4
