"""Dropout in G's hidden layers (Srivastava et al. 2014): where the random numbers come from."""

import itertools
from collections.abc import Callable

import tensorflow as tf

Layer = Callable[[tf.Tensor], tf.Tensor]


def with_dropout(activation: Layer, share: float, seeds: tf.Tensor) -> Layer:
    """The activation, then dropout, with numbers of its own for each layer that it is called for.

    Args:
        activation: of feature maps or vectors x [B, ...].
        share: of the values that become 0; the others are divided by what is left of 1.
        seeds: int32 [2], from which the numbers of the whole batch are drawn; or [B, 2], one seed
            for each row: then a row's numbers do not depend on its company.
    """
    layers = itertools.count(1)

    def dropped(x: tf.Tensor) -> tf.Tensor:
        x, own = activation(x), seeds + tf.constant((0, next(layers)))
        if own.shape.rank == 1:
            drawn = tf.random.stateless_uniform(tf.shape(x), own)
        else:
            row = tf.shape(x)[1:]
            drawn = tf.map_fn(
                lambda seed: tf.random.stateless_uniform(row, seed),
                own,
                fn_output_signature=tf.TensorSpec(x.shape[1:]),
            )
        return x * tf.cast(drawn >= share, x.dtype) / (1 - share)

    return dropped


def seeds_of(z: tf.Tensor) -> tf.Tensor:
    """A seed for each z, int32 [B, 2]: a hash of its bits, so the same z has always the same."""
    hashes = tf.raw_ops.Fingerprint(data=z, method="farmhash64")  # uint8 [B, 8]
    return tf.bitcast(tf.reshape(hashes, [-1, 2, 4]), tf.int32)
