"""Initial weights by other rules than the original's, which is in ops.py: --initializer."""

import math
from collections.abc import Sequence

import tensorflow as tf

OF_A_NORMAL_CUT_AT_TWO = 0.87962566  # the deviation that is left of 1


def initial(name: str, shape: Sequence[int], seed: tuple[int, int]) -> tf.Tensor:
    """The first values of a kernel [5, 5, A, B] or a matrix [A, B], float32.

    name: one of config.INITIALIZERS. With A and B times the pixels of the kernel as what comes in
    and goes out (a transposed convolution is counted the other way round then, as Keras does):
    glorot_*, variance 2 / (in + out) (Glorot and Bengio 2010, equation 16); he_*, variance 2 / in
    (He et al. 2015, equation 10); *_normal is cut at two deviations, as Keras' is. orthogonal: the
    kernel as a matrix [5 * 5 * A, B] has orthogonal columns of length 1, or rows, if there are
    fewer of them (Saxe et al. 2014).
    """
    *kernel, inputs, outputs = (int(side) for side in shape)
    if name == "orthogonal":
        rows = math.prod(kernel) * inputs
        sides = (max(rows, outputs), min(rows, outputs))
        q, r = tf.linalg.qr(tf.random.stateless_normal(sides, seed))
        q *= tf.sign(tf.linalg.diag_part(r))  # without it, not all matrices are equally likely
        return tf.reshape(q if rows >= outputs else tf.transpose(q), shape)
    rule, _, distribution = name.partition("_")
    fan = inputs if rule == "he" else inputs + outputs
    variance = 2 / (math.prod(kernel) * fan)
    if distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return tf.random.stateless_uniform(shape, seed, -limit, limit)
    stddev = math.sqrt(variance) / OF_A_NORMAL_CUT_AT_TWO
    return tf.random.stateless_truncated_normal(shape, seed, stddev=stddev)
