"""The list of layers, computed without TensorFlow, is the sampler."""

from typing import Any

import numpy as np
import pytest
from makers import batch, small

from exports.layers import Layer, layers_of
from gan.config import ARCHITECTURES
from model import DCGAN
from support.errors import UserError

CASES = [(name, y_dim) for name in ARCHITECTURES for y_dim in (None, 3)]
CASES.remove(("dcgan_mnist", None))  # it needs labels


def computed(layers: list[Layer], dcgan: DCGAN, z: np.ndarray, y: np.ndarray | None) -> np.ndarray:
    """What the page's network.js does, a pixel at a time."""
    x = z
    for layer in layers:
        if layer.size is None:
            x = (x if y is None else np.concatenate([x, y], 1)) @ layer.matrix + layer.biases
        else:
            height, width = layer.size
            x = x.reshape(len(z), (height + 1) // 2, (width + 1) // 2, -1)
            top, left = (2 if side % 2 else 1 for side in (height, width))
            out = np.zeros((len(z), height + 8, width + 8, len(layer.biases)), np.float32)
            for i, j in np.ndindex(x.shape[1:3]):
                pixel = x[:, i, j] if y is None else np.concatenate([x[:, i, j], y], 1)
                v, u = 2 * i - top + 4, 2 * j - left + 4
                out[:, v : v + 5, u : u + 5] += np.tensordot(pixel, layer.matrix, 1)
            x = out[:, 4 : height + 4, 4 : width + 4] + layer.biases
        if layer.slope is not None:
            x = np.maximum(x, layer.slope * x)
    x = np.tanh(x) if dcgan.value_range[0] < 0 else 1 / (1 + np.exp(-x))
    return x.reshape(-1, *dcgan.image_shape)


@pytest.mark.parametrize(("architecture", "y_dim"), CASES)
def test_every_generator_is_a_list_of_layers(architecture: str, y_dim: int | None) -> None:
    dcgan = small(9, 6, c_dim=3, y_dim=y_dim, architecture=architecture, learning_rate=0.01)
    images, z, y = batch(dcgan)
    for _ in range(3):  # moves batch norm's averages and weights
        dcgan.train_step(images, z, y)
    layers = layers_of(dcgan.sampled, dcgan.config)
    np.testing.assert_allclose(computed(layers, dcgan, z, y), dcgan.sampler(z, y), atol=1e-4)


@pytest.mark.parametrize(
    "values", [{"activation": "elu"}, {"g_dropout": 0.5, "sample_dropout": True}]
)
def test_what_the_page_cannot_compute_is_refused(values: dict[str, Any]) -> None:
    dcgan = small(**values)
    with pytest.raises(UserError, match="this format"):
        layers_of(dcgan.sampled, dcgan.config)
