"""The generator as a list of products: what another program needs to compute it.

Every generator here is a chain of fully connected layers and transposed convolutions, each with the
label appended to its input. Batch norm is a product and a sum for each channel when it goes by its
moving averages, as the sampler does: it is folded into the layer before it.
"""

from typing import NamedTuple

import numpy as np

from gan.base import Network
from gan.config import NetworkConfig
from ops import BATCH_NORM_EPSILON, BatchNorm, Deconv2d, Linear
from support.errors import UserError

# The slope of each architecture's hidden activation below 0: ReLU has 0, lrelu 0.2.
SLOPES = {"dcgan": 0.0, "dcgan_mnist": 0.0, "gan": 0.2}


class Layer(NamedTuple):
    """One layer, batch norm folded in: activation(x matrix + biases).

    Linear: matrix float32 [inputs, outputs]; size is None. Transposed convolution, 5x5, stride 2,
    SAME: matrix [inputs, 5, 5, outputs], and height and width of its result as size. biases:
    float32 [outputs]. slope: of the activation max(x, slope x); None for the last layer, whose
    activation follows from the value range: tanh for (-1, 1), sigmoid for (0, 1).
    """

    matrix: np.ndarray
    biases: np.ndarray
    size: tuple[int, int] | None
    slope: float | None


def layers_of(generator: Network, config: NetworkConfig) -> list[Layer]:
    """The layers of a generator in their order.

    Raises:
        UserError: its activations are other than max(x, slope x), or it samples with dropout.
    """
    slopes = {None: SLOPES[config.architecture], "relu": 0.0, "lrelu": 0.2}
    if config.activation not in slopes:
        raise UserError(f"--activation={config.activation}: this format has relu and lrelu only")
    if config.sample_dropout:
        raise UserError("--sample_dropout: this format samples without dropout only")
    slope = slopes[config.activation]
    layers: list[Layer] = []
    for module in vars(generator).values():
        if isinstance(module, Linear):
            layers.append(Layer(module.Matrix.numpy(), module.bias.numpy(), None, slope))
        elif isinstance(module, Deconv2d):
            matrix = module.w.numpy().transpose(3, 0, 1, 2)
            layers.append(Layer(matrix, module.biases.numpy(), module.size, slope))
        elif isinstance(module, BatchNorm):
            layers[-1] = _folded(layers[-1], module)
    return [*layers[:-1], layers[-1]._replace(slope=None)]


def _folded(layer: Layer, norm: BatchNorm) -> Layer:
    """A layer with the batch norm behind it, by its moving averages.

    The outputs of a fully connected layer may be feature maps in a row, normalised by channel.
    """
    variance = norm.moving_variance.numpy().astype(np.float64)
    scale = norm.gamma.numpy() / np.sqrt(variance + BATCH_NORM_EPSILON)
    shift = norm.beta.numpy() - norm.moving_mean.numpy() * scale
    times = len(layer.biases) // len(scale)
    scale, shift = np.tile(scale, times), np.tile(shift, times)
    matrix = (layer.matrix * scale).astype(np.float32)
    biases = (layer.biases * scale + shift).astype(np.float32)
    return layer._replace(matrix=matrix, biases=biases)
