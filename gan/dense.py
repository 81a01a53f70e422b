"""The fully connected GAN that tutorials start with: no convolutions, images as vectors.

Its layers are named in the original's way. The labels, if there are any, enter before every layer.
"""

import math

import tensorflow as tf

from gan.base import Network, Seed, flatten, float32, with_label
from gan.config import NetworkConfig
from ops import BatchNorm, Linear


class DenseGenerator(Network):
    """z - 128 - 256 - 512 - 1024 - pixels; batch norm on all hidden layers but the first."""

    value_range = (-1.0, 1.0)

    def __init__(self, config: NetworkConfig, seed: int):
        super().__init__(config, seed)
        y_dim = config.y_dim or 0
        self._image_shape = (*config.size, config.c_dim)
        at = "generator/g_"
        self.g_h0_lin = Linear(at + "h0_lin", config.z_dim + y_dim, 128, seed)
        self.g_h1_lin = Linear(at + "h1_lin", 128 + y_dim, 256, seed)
        self.g_bn1 = BatchNorm(at + "bn1", 256)
        self.g_h2_lin = Linear(at + "h2_lin", 256 + y_dim, 512, seed)
        self.g_bn2 = BatchNorm(at + "bn2", 512)
        self.g_h3_lin = Linear(at + "h3_lin", 512 + y_dim, 1024, seed)
        self.g_bn3 = BatchNorm(at + "bn3", 1024)
        self.g_h4_lin = Linear(at + "h4_lin", 1024 + y_dim, math.prod(self._image_shape), seed)

    def __call__(
        self, z: tf.Tensor, y: tf.Tensor | None, training: bool, passes: int = 1, seed: Seed = None
    ) -> tf.Tensor:
        """Z [B, z_dim] and labels y [B, y_dim] or None -> images [B, H, W, c_dim] in [-1, 1]."""
        act = self.hidden(z, training, seed)
        h = act(self.g_h0_lin(with_label(z, y)))  # [B, 128]
        h = act(self.g_bn1(self.g_h1_lin(with_label(h, y)), training, passes))  # [B, 256]
        h = act(self.g_bn2(self.g_h2_lin(with_label(h, y)), training, passes))  # [B, 512]
        h = act(self.g_bn3(self.g_h3_lin(with_label(h, y)), training, passes))  # [B, 1024]
        h = float32(self.g_h4_lin(with_label(h, y)))  # [B, H * W * c_dim]
        return tf.nn.tanh(tf.reshape(h, [-1, *self._image_shape]))  # [B, H, W, c_dim]


class DenseDiscriminator(Network):
    """pixels - 512 - 256 - 128 - 1, without batch norm."""

    def __init__(self, config: NetworkConfig, seed: int):
        super().__init__(config, seed)
        y_dim, pixels = config.y_dim or 0, math.prod((*config.size, config.c_dim))
        at = "discriminator/d_"
        self.d_h0_lin = Linear(at + "h0_lin", pixels + y_dim, 512, seed)
        self.d_h1_lin = Linear(at + "h1_lin", 512 + y_dim, 256, seed)
        self.d_h2_lin = Linear(at + "h2_lin", 256 + y_dim, 128, seed)
        self.d_h3_lin = Linear(at + "h3_lin", 128 + y_dim, 1, seed)

    def __call__(
        self, images: tf.Tensor, y: tf.Tensor | None, training: bool, passes: int = 1
    ) -> tf.Tensor:
        """Images [B, H, W, c_dim] in [-1, 1] and labels y [B, y_dim] or None -> logits [B, 1]."""
        return float32(self.d_h3_lin(self.features(images, y, training, passes)))  # [B, 1]

    def features(
        self, images: tf.Tensor, y: tf.Tensor | None, training: bool, passes: int = 1
    ) -> tf.Tensor:
        """What the last layer decides by: [B, 128], with labels + y_dim."""
        act = self.activation
        h = act(self.d_h0_lin(with_label(flatten(images), y)))  # [B, 512]
        h = act(self.d_h1_lin(with_label(h, y)))  # [B, 256]
        h = act(self.d_h2_lin(with_label(h, y)))  # [B, 128]
        return with_label(h, y)
