"""The fully connected GAN: its layers, any size, saved and chosen by a flag."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from gan.config import NetworkConfig
from gan.networks import variable_shapes
from main import parse
from model import DCGAN
from support.errors import UserError


@pytest.mark.parametrize("y_dim", [None, 10])
def test_its_layers_are_those_of_the_tutorials(y_dim: int | None) -> None:
    shapes = variable_shapes(NetworkConfig("gan", 28, 28, 1, y_dim))
    widths = {
        "generator/g": [100, 128, 256, 512, 1024, 784],
        "discriminator/d": [784, 512, 256, 128, 1],
    }
    for network, of_layers in widths.items():
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(of_layers)):
            wanted = [inputs + (y_dim or 0), outputs]
            assert shapes[f"{network}_h{layer}_lin/Matrix"] == wanted
    normed = sorted(name.split("/")[1] for name in shapes if name.endswith("/gamma"))
    assert normed == ["g_bn1", "g_bn2", "g_bn3"]


@pytest.mark.parametrize("size", [(1, 3), (17, 30)])
def test_any_size_and_channels_are_trained_saved_and_sampled(
    size: tuple[int, int], tmp_path: Path
) -> None:
    dcgan = small(*size, c_dim=3, architecture="gan")
    images, z, _ = batch(dcgan, 5)
    tf.config.run_functions_eagerly(True)
    try:
        result = dcgan.train_step(images, z, evaluate=True)
        assert all(math.isfinite(float(value)) for value in result.values())
        dcgan.save(tmp_path, 1)
        restored = DCGAN.from_checkpoint(tmp_path)
        fakes = restored.sampler(z).numpy()
        np.testing.assert_array_equal(fakes, dcgan.sampler(z))
        assert fakes.shape == (5, *size, 3)
        assert np.abs(fakes).max() <= 1
        assert restored.features(images).shape == (5, 128)
    finally:
        tf.config.run_functions_eagerly(False)


def test_a_flag_chooses_it_and_the_default_is_the_originals() -> None:
    chosen = [
        parse(flags).network(1, y_dim).architecture
        for flags, y_dim in (
            (["--dataset=mnist"], 10),
            (["--dataset=mnist", "--arch=gan"], 10),
            (["--dataset=mnist", "--arch=dcgan"], 10),
            (["--dataset=faces"], None),
            (["--dataset=faces", "--arch=gan"], None),
            (["--dataset=faces", "--labels", "--arch=dcgan_mnist"], 3),
        )
    ]
    assert chosen == ["dcgan_mnist", "gan", "dcgan", "dcgan", "gan", "dcgan_mnist"]
    with pytest.raises(UserError, match="--arch=dcgan_mnist needs labels: --labels, or"):
        parse(["--dataset=faces", "--arch=dcgan_mnist"])
    with pytest.raises(UserError, match="--arch=mlp: there are dcgan, dcgan_mnist, gan"):
        parse(["--arch=mlp"])
