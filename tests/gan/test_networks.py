"""The networks: where labels enter, what the table of their variables counts."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from gan import config
from gan.base import Network
from gan.config import NetworkConfig
from gan.networks import ARCHITECTURES, build, parameter_table

SIZE, Y_DIM, Z_DIM = (20, 12), 3, 5


def networks(architecture: str) -> tuple[Network, Network]:
    return build(NetworkConfig(architecture, *SIZE, 1, Y_DIM, Z_DIM, 2, 2, 6, 6), seed=0)


def of_labels(gradients: dict[str, tf.Tensor]) -> Iterator[tuple[str, np.ndarray]]:
    """The part of each weight's gradient that belongs to the labels: [Y_DIM, ...]."""
    for name, gradient in gradients.items():
        if name.endswith(("/w", "/Matrix")):
            # A transposed convolution has its inputs last, a convolution its outputs.
            inputs = 3 if name.endswith("/w") and name.startswith("generator/") else -2
            yield name, np.moveaxis(gradient.numpy(), inputs, 0)[-Y_DIM:]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_label_enters_every_layer_of_both_networks(architecture: str) -> None:
    stream, y = np.random.default_rng(0), tf.one_hot([0, 1, 0, 1], Y_DIM)  # no 2
    generator, discriminator = networks(architecture)
    z = tf.constant(stream.uniform(-1, 1, (4, Z_DIM)), tf.float32)
    images = tf.constant(stream.uniform(0, 1, (4, *SIZE, 1)), tf.float32)
    layers = 0
    for network, given in ((generator, z), (discriminator, images)):
        variables = network.trainable()
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(given, y, training=True)))
        gradients = tape.gradient(loss, variables)
        for name, gradient in of_labels(gradients):
            learns = np.abs(gradient).reshape(Y_DIM, -1).max(1) > 0
            assert learns.tolist() == [True, True, False], name
            layers += 1
    assert layers == {"dcgan_mnist": 8, "dcgan": 10, "gan": 9}[architecture]


def test_the_parameter_table_counts_what_is_trained() -> None:
    both = networks("dcgan_mnist")
    table = parameter_table(*both)
    assert "moving_mean" not in table
    count = sum(math.prod(v.shape) for network in both for v in network.trainable().values())
    assert table.splitlines()[-1].split() == ["total", f"{count:,}"]


@pytest.mark.parametrize("architecture", ["dcgan", "dcgan_mnist"])
def test_without_batch_norm_d_sees_each_image_alone(architecture: str) -> None:
    """It has the original's other variables, as they were, and the batch decides nothing."""
    sizes = (*SIZE, 1, Y_DIM, Z_DIM, 2, 2, 6, 6)
    usual = networks(architecture)[1]
    bare = build(NetworkConfig(architecture, *sizes, d_batch_norm=False), seed=0)[1]
    left_out = usual.named_variables().keys() - bare.named_variables().keys()
    assert left_out == {name for name in usual.named_variables() if "/d_bn" in name}
    for name, variable in bare.named_variables().items():
        np.testing.assert_array_equal(variable, usual.named_variables()[name])
    images = tf.random.stateless_uniform((4, *SIZE, 1), (1, 2))
    y = tf.one_hot([0, 1, 2, 1], Y_DIM)
    alone = bare(images[:1], y[:1], training=True)
    np.testing.assert_allclose(bare(images, y, training=True)[:1], alone, rtol=1e-5)
    assert abs(float((usual(images, y, True)[0] - usual(images[:1], y[:1], True)[0])[0])) > 1e-4


def test_the_names_that_the_command_line_knows_are_those_of_the_table() -> None:
    assert tuple(ARCHITECTURES) == config.ARCHITECTURES


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match="no architecture 'gan2': there are dcgan, dcgan_mnist"):
        build(NetworkConfig("gan2"), 0)
    with pytest.raises(ValueError, match="dcgan_mnist needs labels"):
        build(NetworkConfig("dcgan_mnist"), 0)
