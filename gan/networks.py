"""The networks: generator and discriminator, with four convolutions each, or two (MNIST's).

Those with two take labels; those with four do if asked, which is not in the original. Shapes stand
behind each line: B images of H x W, /2 and so on rounded up. `moves` is that of ops.BatchNorm: 0 in
the sampler, in training how often the moving averages move.
"""

import math

import tensorflow as tf

from ops import BatchNorm, Conv2d, Deconv2d, Linear, lrelu


def halved(size: tuple[int, int], times: int) -> tuple[int, int]:
    """Height and width after `times` convolutions of stride 2, SAME: halved, rounded up."""
    height, width = size
    return math.ceil(height / 2**times), math.ceil(width / 2**times)


class Network(tf.Module):
    """What they share: variables by their original names, in the order of the layers.

    In training it computes in `dtype`; what goes in and what comes out is float32.
    """

    def __init__(self, dtype: tf.DType):
        super().__init__()
        self._dtype = dtype

    def _entering(self, moves: int, *inputs: tf.Tensor | None) -> list[tf.Tensor]:
        """Inputs in the type to compute in: the sampler's is always float32. None stays None."""
        dtype = self._dtype if moves else tf.float32
        return [None if x is None else tf.cast(x, dtype) for x in inputs]

    def named_variables(self) -> dict[str, tf.Variable]:
        """Weights and moving averages, {"generator/g_h0_lin/Matrix": variable, ...}."""
        layers = [layer for layer in vars(self).values() if isinstance(layer, tf.Module)]
        variables = [v for layer in layers for v in vars(layer).values()]
        return {v.name.split(":")[0]: v for v in variables if isinstance(v, tf.Variable)}

    def trainable(self) -> dict[str, tf.Variable]:
        """The part of named_variables() that Adam updates."""
        return {name: v for name, v in self.named_variables().items() if v.trainable}


class Generator(Network):
    """The original's generator without labels (Radford et al. 2016, figure 1).

    With y_dim it takes labels wherever MNIST's does; without, it is the original's.
    """

    value_range = (-1.0, 1.0)

    def __init__(
        self,
        size: tuple[int, int],
        c_dim: int,
        y_dim: int | None,
        z_dim: int,
        gf_dim: int,
        seed: int,
        dtype: tf.DType,
    ):
        super().__init__(dtype)
        more = y_dim or 0
        self._start = (*halved(size, 4), gf_dim * 8)
        at = "generator/g_"
        self.g_h0_lin = Linear(at + "h0_lin", z_dim + more, math.prod(self._start), seed)
        self.g_bn0 = BatchNorm(at + "bn0", gf_dim * 8)
        self.g_h1 = Deconv2d(at + "h1", gf_dim * 8 + more, gf_dim * 4, halved(size, 3), seed)
        self.g_bn1 = BatchNorm(at + "bn1", gf_dim * 4)
        self.g_h2 = Deconv2d(at + "h2", gf_dim * 4 + more, gf_dim * 2, halved(size, 2), seed)
        self.g_bn2 = BatchNorm(at + "bn2", gf_dim * 2)
        self.g_h3 = Deconv2d(at + "h3", gf_dim * 2 + more, gf_dim, halved(size, 1), seed)
        self.g_bn3 = BatchNorm(at + "bn3", gf_dim)
        self.g_h4 = Deconv2d(at + "h4", gf_dim + more, c_dim, size, seed)

    def __call__(self, z: tf.Tensor, y: tf.Tensor | None, moves: int) -> tf.Tensor:
        """Z [B, z_dim] and y, one-hot [B, y_dim] or None -> images [B, H, W, c_dim] in [-1, 1]."""
        z, y = self._entering(moves, z, y)
        h = tf.reshape(self.g_h0_lin(_with(z, y)), [-1, *self._start])
        h = tf.nn.relu(self.g_bn0(h, moves))  # [B, H/16, W/16, 8 gf]
        h = tf.nn.relu(self.g_bn1(self.g_h1(h, y), moves))  # [B, H/8, W/8, 4 gf]
        h = tf.nn.relu(self.g_bn2(self.g_h2(h, y), moves))  # [B, H/4, W/4, 2 gf]
        h = tf.nn.relu(self.g_bn3(self.g_h3(h, y), moves))  # [B, H/2, W/2, gf]
        return tf.nn.tanh(_float32(self.g_h4(h, y)))  # [B, H, W, c_dim]


class Discriminator(Network):
    """The original's discriminator without labels; with y_dim it takes them as MNIST's does."""

    def __init__(
        self,
        size: tuple[int, int],
        c_dim: int,
        y_dim: int | None,
        df_dim: int,
        seed: int,
        dtype: tf.DType,
    ):
        super().__init__(dtype)
        more = y_dim or 0
        at = "discriminator/d_"
        self.d_h0_conv = Conv2d(at + "h0_conv", c_dim + more, df_dim, seed)
        self.d_h1_conv = Conv2d(at + "h1_conv", df_dim + more, df_dim * 2, seed)
        self.d_bn1 = BatchNorm(at + "bn1", df_dim * 2)
        self.d_h2_conv = Conv2d(at + "h2_conv", df_dim * 2 + more, df_dim * 4, seed)
        self.d_bn2 = BatchNorm(at + "bn2", df_dim * 4)
        self.d_h3_conv = Conv2d(at + "h3_conv", df_dim * 4 + more, df_dim * 8, seed)
        self.d_bn3 = BatchNorm(at + "bn3", df_dim * 8)
        flat = math.prod(halved(size, 4)) * df_dim * 8
        self.d_h4_lin = Linear(at + "h4_lin", flat + more, 1, seed)

    def __call__(self, images: tf.Tensor, y: tf.Tensor | None, moves: int) -> tf.Tensor:
        """Images [B, H, W, c_dim] in [-1, 1] and y, one-hot [B, y_dim] or None -> logits [B, 1]."""
        return _float32(self.d_h4_lin(self.features(images, y, moves)))  # [B, 1]

    def features(self, images: tf.Tensor, y: tf.Tensor | None, moves: int) -> tf.Tensor:
        """What the last layer decides by: [B, H/16 * W/16 * 8 df], with labels + y_dim."""
        images, y = self._entering(moves, images, y)
        h = lrelu(self.d_h0_conv(images, y))  # [B, H/2, W/2, df]
        h = lrelu(self.d_bn1(self.d_h1_conv(h, y), moves))  # [B, H/4, W/4, 2 df]
        h = lrelu(self.d_bn2(self.d_h2_conv(h, y), moves))  # [B, H/8, W/8, 4 df]
        h = lrelu(self.d_bn3(self.d_h3_conv(h, y), moves))  # [B, H/16, W/16, 8 df]
        return _with(_flatten(h), y)


class LabelledGenerator(Network):
    """The original's generator with labels, made for MNIST."""

    value_range = (0.0, 1.0)

    def __init__(
        self,
        size: tuple[int, int],
        c_dim: int,
        y_dim: int,
        z_dim: int,
        gf_dim: int,
        gfc_dim: int,
        seed: int,
        dtype: tf.DType,
    ):
        super().__init__(dtype)
        self._start = (*halved(size, 2), gf_dim * 2)
        at = "generator/g_"
        self.g_h0_lin = Linear(at + "h0_lin", z_dim + y_dim, gfc_dim, seed)
        self.g_bn0 = BatchNorm(at + "bn0", gfc_dim)
        self.g_h1_lin = Linear(at + "h1_lin", gfc_dim + y_dim, math.prod(self._start), seed)
        self.g_bn1 = BatchNorm(at + "bn1", math.prod(self._start))
        self.g_h2 = Deconv2d(at + "h2", gf_dim * 2 + y_dim, gf_dim * 2, halved(size, 1), seed)
        self.g_bn2 = BatchNorm(at + "bn2", gf_dim * 2)
        self.g_h3 = Deconv2d(at + "h3", gf_dim * 2 + y_dim, c_dim, size, seed)

    def __call__(self, z: tf.Tensor, y: tf.Tensor, moves: int) -> tf.Tensor:
        """Z [B, z_dim] and one-hot y [B, y_dim] -> images [B, H, W, c_dim] in [0, 1]."""
        z, y = self._entering(moves, z, y)
        h = self.g_h0_lin(_with(z, y))
        h = tf.nn.relu(self.g_bn0(h, moves))  # [B, gfc]
        h = self.g_h1_lin(_with(h, y))
        h = tf.nn.relu(self.g_bn1(h, moves))  # [B, H/4 * W/4 * 2 gf]
        h = tf.reshape(h, [-1, *self._start])  # [B, H/4, W/4, 2 gf]
        h = tf.nn.relu(self.g_bn2(self.g_h2(h, y), moves))  # [B, H/2, W/2, 2 gf]
        return tf.nn.sigmoid(_float32(self.g_h3(h, y)))  # [B, H, W, c_dim]


class LabelledDiscriminator(Network):
    """The original's discriminator with labels, made for MNIST."""

    def __init__(
        self,
        size: tuple[int, int],
        c_dim: int,
        y_dim: int,
        df_dim: int,
        dfc_dim: int,
        seed: int,
        dtype: tf.DType,
    ):
        super().__init__(dtype)
        width0, width1 = c_dim + y_dim, df_dim + y_dim
        flat = math.prod(halved(size, 2)) * width1
        at = "discriminator/d_"
        self.d_h0_conv = Conv2d(at + "h0_conv", c_dim + y_dim, width0, seed)
        self.d_h1_conv = Conv2d(at + "h1_conv", width0 + y_dim, width1, seed)
        self.d_bn1 = BatchNorm(at + "bn1", width1)
        self.d_h2_lin = Linear(at + "h2_lin", flat + y_dim, dfc_dim, seed)
        self.d_bn2 = BatchNorm(at + "bn2", dfc_dim)
        self.d_h3_lin = Linear(at + "h3_lin", dfc_dim + y_dim, 1, seed)

    def __call__(self, images: tf.Tensor, y: tf.Tensor, moves: int) -> tf.Tensor:
        """Images [B, H, W, c_dim] in [0, 1] and one-hot y [B, y_dim] -> logits [B, 1]."""
        return _float32(self.d_h3_lin(self.features(images, y, moves)))  # [B, 1]

    def features(self, images: tf.Tensor, y: tf.Tensor, moves: int) -> tf.Tensor:
        """What the last layer decides by: [B, dfc + y_dim]; the last are y."""
        images, y = self._entering(moves, images, y)
        h = lrelu(self.d_h0_conv(images, y))  # [B, H/2, W/2, c_dim + y_dim]
        h = self.d_h1_conv(h, y)
        h = lrelu(self.d_bn1(h, moves))  # [B, H/4, W/4, df + y_dim]
        h = self.d_h2_lin(_with(_flatten(h), y))
        h = lrelu(self.d_bn2(h, moves))  # [B, dfc]
        return _with(h, y)


def parameter_table(*networks: Network) -> str:
    """A line for every trained variable (name, shape, count), then the total."""
    rows = []
    total = 0
    for network in networks:
        for name, variable in network.trainable().items():
            count = math.prod(variable.shape)
            total += count
            rows.append(f"{name:32} {variable.shape.as_list()!s:22} {count:>12,}")
    return "\n".join([*rows, f"{'total':32} {'':22} {total:>12,}"])


def _with(x: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
    """The label appended to a vector; none, nothing."""
    return x if y is None else tf.concat([x, y], 1)


def _flatten(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, [-1, math.prod(x.shape[1:])])


def _float32(x: tf.Tensor) -> tf.Tensor:
    """The last activation and the losses are computed in float32, whatever came before."""
    return tf.cast(x, tf.float32)
