"""The networks: generators and discriminators, and the table of architectures at the end.

Each line ends with the shape after it: B images of H x W, where /2 and so on are rounded up. A
network computes in the type of its inputs, float32 or bfloat16; the images and logits that it
returns are float32. `training` and `passes` are those of ops.BatchNorm, G's `seed` that of
Network.hidden.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import tensorflow as tf

from gan.base import Network, Seed, flatten, float32, with_label
from gan.config import NetworkConfig, halved
from gan.dense import DenseDiscriminator, DenseGenerator
from gan.initial import initial
from ops import BatchNorm, Conv2d, Deconv2d, Linear, seed_of

Norm: TypeAlias = Callable[[tf.Tensor, bool, int], tf.Tensor]  # x, training, passes -> x's shape


def _norm_of_d(config: NetworkConfig, name: str, channels: int) -> Norm:
    """D's batch norm of that name, or what stands in its place where the config has none."""
    return BatchNorm(name, channels) if config.d_batch_norm else _unchanged


def _unchanged(x: tf.Tensor, training: bool, passes: int = 1) -> tf.Tensor:
    """In place of a batch norm: x as it is."""
    return x


class Generator(Network):
    """The original's generator for folders of images (Radford et al. 2016, figure 1).

    The original's has no labels; here they enter before every layer, as in MnistGenerator.
    """

    value_range, usual = (-1.0, 1.0), staticmethod(tf.nn.relu)

    def __init__(self, config: NetworkConfig, seed: int):
        super().__init__(config, seed)
        size, gf_dim, y_dim = config.size, config.gf_dim, config.y_dim or 0
        self._start = (*halved(size, 4), gf_dim * 8)
        at = "generator/g_"
        self.g_h0_lin = Linear(at + "h0_lin", config.z_dim + y_dim, math.prod(self._start), seed)
        self.g_bn0 = BatchNorm(at + "bn0", gf_dim * 8)
        self.g_h1 = Deconv2d(at + "h1", gf_dim * 8 + y_dim, gf_dim * 4, halved(size, 3), seed)
        self.g_bn1 = BatchNorm(at + "bn1", gf_dim * 4)
        self.g_h2 = Deconv2d(at + "h2", gf_dim * 4 + y_dim, gf_dim * 2, halved(size, 2), seed)
        self.g_bn2 = BatchNorm(at + "bn2", gf_dim * 2)
        self.g_h3 = Deconv2d(at + "h3", gf_dim * 2 + y_dim, gf_dim, halved(size, 1), seed)
        self.g_bn3 = BatchNorm(at + "bn3", gf_dim)
        self.g_h4 = Deconv2d(at + "h4", gf_dim + y_dim, config.c_dim, size, seed)

    def __call__(
        self, z: tf.Tensor, y: tf.Tensor | None, training: bool, passes: int = 1, seed: Seed = None
    ) -> tf.Tensor:
        """Z [B, z_dim] and labels y [B, y_dim] or None -> images [B, H, W, c_dim] in [-1, 1]."""
        act = self.hidden(z, training, seed)
        h = tf.reshape(self.g_h0_lin(with_label(z, y)), [-1, *self._start])
        h = act(self.g_bn0(h, training, passes))  # [B, H/16, W/16, 8 gf]
        h = act(self.g_bn1(self.g_h1(h, y), training, passes))  # [B, H/8, W/8, 4 gf]
        h = act(self.g_bn2(self.g_h2(h, y), training, passes))  # [B, H/4, W/4, 2 gf]
        h = act(self.g_bn3(self.g_h3(h, y), training, passes))  # [B, H/2, W/2, gf]
        return tf.nn.tanh(float32(self.g_h4(h, y)))  # [B, H, W, c_dim]


class Discriminator(Network):
    """The original's discriminator for folders of images.

    The original's has no labels; here they enter before every layer, as in MnistDiscriminator.
    """

    def __init__(self, config: NetworkConfig, seed: int):
        super().__init__(config, seed)
        df_dim, y_dim = config.df_dim, config.y_dim or 0
        at = "discriminator/d_"
        self.d_h0_conv = Conv2d(at + "h0_conv", config.c_dim + y_dim, df_dim, seed)
        self.d_h1_conv = Conv2d(at + "h1_conv", df_dim + y_dim, df_dim * 2, seed)
        self.d_bn1 = _norm_of_d(config, at + "bn1", df_dim * 2)
        self.d_h2_conv = Conv2d(at + "h2_conv", df_dim * 2 + y_dim, df_dim * 4, seed)
        self.d_bn2 = _norm_of_d(config, at + "bn2", df_dim * 4)
        self.d_h3_conv = Conv2d(at + "h3_conv", df_dim * 4 + y_dim, df_dim * 8, seed)
        self.d_bn3 = _norm_of_d(config, at + "bn3", df_dim * 8)
        flat = math.prod(halved(config.size, 4)) * df_dim * 8
        self.d_h4_lin = Linear(at + "h4_lin", flat + y_dim, 1, seed)

    def __call__(
        self, images: tf.Tensor, y: tf.Tensor | None, training: bool, passes: int = 1
    ) -> tf.Tensor:
        """Images [B, H, W, c_dim] in [-1, 1] and labels y [B, y_dim] or None -> logits [B, 1]."""
        return float32(self.d_h4_lin(self.features(images, y, training, passes)))  # [B, 1]

    def features(
        self, images: tf.Tensor, y: tf.Tensor | None, training: bool, passes: int = 1
    ) -> tf.Tensor:
        """What the last layer decides by: [B, H/16 * W/16 * 8 df], with labels + y_dim."""
        act = self.activation
        h = act(self.d_h0_conv(images, y))  # [B, H/2, W/2, df]
        h = act(self.d_bn1(self.d_h1_conv(h, y), training, passes))  # [B, H/4, W/4, 2 df]
        h = act(self.d_bn2(self.d_h2_conv(h, y), training, passes))  # [B, H/8, W/8, 4 df]
        h = act(self.d_bn3(self.d_h3_conv(h, y), training, passes))  # [B, H/16, W/16, 8 df]
        return with_label(flatten(h), y)


class MnistGenerator(Network):
    """The original's generator for MNIST; labels enter before every layer."""

    value_range, usual = (0.0, 1.0), staticmethod(tf.nn.relu)

    def __init__(self, config: NetworkConfig, seed: int):
        super().__init__(config, seed)
        size, gf_dim, gfc_dim = config.size, config.gf_dim, config.gfc_dim
        y_dim = config.y_dim or 0
        self._start = (*halved(size, 2), gf_dim * 2)
        at = "generator/g_"
        self.g_h0_lin = Linear(at + "h0_lin", config.z_dim + y_dim, gfc_dim, seed)
        self.g_bn0 = BatchNorm(at + "bn0", gfc_dim)
        self.g_h1_lin = Linear(at + "h1_lin", gfc_dim + y_dim, math.prod(self._start), seed)
        self.g_bn1 = BatchNorm(at + "bn1", math.prod(self._start))
        self.g_h2 = Deconv2d(at + "h2", gf_dim * 2 + y_dim, gf_dim * 2, halved(size, 1), seed)
        self.g_bn2 = BatchNorm(at + "bn2", gf_dim * 2)
        self.g_h3 = Deconv2d(at + "h3", gf_dim * 2 + y_dim, config.c_dim, size, seed)

    def __call__(
        self, z: tf.Tensor, y: tf.Tensor, training: bool, passes: int = 1, seed: Seed = None
    ) -> tf.Tensor:
        """Z [B, z_dim] and labels y [B, y_dim] -> images [B, H, W, c_dim] in [0, 1]."""
        act = self.hidden(z, training, seed)
        h = self.g_h0_lin(with_label(z, y))
        h = act(self.g_bn0(h, training, passes))  # [B, gfc]
        h = self.g_h1_lin(with_label(h, y))
        h = act(self.g_bn1(h, training, passes))  # [B, H/4 * W/4 * 2 gf]
        h = tf.reshape(h, [-1, *self._start])  # [B, H/4, W/4, 2 gf]
        h = act(self.g_bn2(self.g_h2(h, y), training, passes))  # [B, H/2, W/2, 2 gf]
        return tf.nn.sigmoid(float32(self.g_h3(h, y)))  # [B, H, W, c_dim]


class MnistDiscriminator(Network):
    """The original's discriminator for MNIST; labels enter before every layer."""

    def __init__(self, config: NetworkConfig, seed: int):
        super().__init__(config, seed)
        y_dim, dfc_dim = config.y_dim or 0, config.dfc_dim
        width0, width1 = config.c_dim + y_dim, config.df_dim + y_dim
        flat = math.prod(halved(config.size, 2)) * width1
        at = "discriminator/d_"
        self.d_h0_conv = Conv2d(at + "h0_conv", config.c_dim + y_dim, width0, seed)
        self.d_h1_conv = Conv2d(at + "h1_conv", width0 + y_dim, width1, seed)
        self.d_bn1 = _norm_of_d(config, at + "bn1", width1)
        self.d_h2_lin = Linear(at + "h2_lin", flat + y_dim, dfc_dim, seed)
        self.d_bn2 = _norm_of_d(config, at + "bn2", dfc_dim)
        self.d_h3_lin = Linear(at + "h3_lin", dfc_dim + y_dim, 1, seed)

    def __call__(
        self, images: tf.Tensor, y: tf.Tensor, training: bool, passes: int = 1
    ) -> tf.Tensor:
        """Images [B, H, W, c_dim] in [0, 1] and labels y [B, y_dim] -> logits [B, 1]."""
        return float32(self.d_h3_lin(self.features(images, y, training, passes)))  # [B, 1]

    def features(
        self, images: tf.Tensor, y: tf.Tensor, training: bool, passes: int = 1
    ) -> tf.Tensor:
        """What the last layer decides by: [B, dfc + y_dim]; the last are y."""
        act = self.activation
        h = act(self.d_h0_conv(images, y))  # [B, H/2, W/2, c_dim + y_dim]
        h = self.d_h1_conv(h, y)
        h = act(self.d_bn1(h, training, passes))  # [B, H/4, W/4, df + y_dim]
        h = self.d_h2_lin(with_label(flatten(h), y))
        h = act(self.d_bn2(h, training, passes))  # [B, dfc]
        return with_label(h, y)


# A name, its generator and its discriminator. The original has "dcgan_mnist" for MNIST with labels
# and "dcgan" for everything else; "gan" is the fully connected one of tutorials. The names are
# gan.config.ARCHITECTURES.
ARCHITECTURES: dict[str, tuple[type[Network], type[Network]]] = {
    "dcgan": (Generator, Discriminator),
    "dcgan_mnist": (MnistGenerator, MnistDiscriminator),
    "gan": (DenseGenerator, DenseDiscriminator),
}


def build(config: NetworkConfig, seed: int) -> tuple[Network, Network]:
    """The generator and the discriminator, with initial weights that follow from the seed.

    Raises:
        ValueError: as refuse_unknown.
    """
    refuse_unknown(config)
    of_generator, of_discriminator = ARCHITECTURES[config.architecture]
    generator, discriminator = new(of_generator, config, seed), new(of_discriminator, config, seed)
    if config.spectral_norm:
        discriminator.add_u()
    return generator, discriminator


def new(kind: type[Network], config: NetworkConfig, seed: int) -> Network:
    """A network of that kind, with the initial weights that the config asks for."""
    network = kind(config, seed)
    if config.initializer:
        for name, variable in network.named_variables().items():
            if name.endswith(("/w", "/Matrix")):
                shape, own_seed = variable.shape, seed_of(name, seed)
                variable.assign(initial(config.initializer, shape, own_seed))
    return network


@cache
def variable_shapes(config: NetworkConfig) -> Mapping[str, list[int]]:
    """The shapes of both networks' variables, by name. However large they are, none is made.

    They are kept: it takes a third of a second, and a training that goes on asks twice.

    Raises:
        ValueError: as refuse_unknown; or a size is beyond what a tensor can have.
    """
    try:
        with tf.Graph().as_default():
            networks = build(config, seed=0)
    except (TypeError, OverflowError) as error:
        raise ValueError("a size is beyond what a tensor can have") from error
    return {
        name: variable.shape.as_list()
        for network in networks
        for name, variable in network.named_variables().items()
    }


def refuse_unknown(config: NetworkConfig) -> None:
    """Refuse an architecture that does not exist, or that needs labels and has none.

    Raises:
        ValueError: says which.
    """
    if config.architecture not in ARCHITECTURES:
        there = ", ".join(ARCHITECTURES)
        raise ValueError(f"there is no architecture {config.architecture!r}: there are {there}")
    if config.architecture == "dcgan_mnist" and not config.y_dim:
        raise ValueError("the architecture dcgan_mnist needs labels: y_dim is missing")


def of_any_count(function: Callable[..., tf.Tensor], *inputs: tf.Tensor | None) -> tf.Tensor:
    """What a network makes of inputs [N, ...]; of none, nothing, in the right shape.

    TensorFlow's convolutions do not take empty batches: one of zeros is made, and left out.
    """
    if any(x is not None and x.shape[0] == 0 for x in inputs):
        ones = (None if x is None else tf.zeros((1, *x.shape[1:])) for x in inputs)
        return function(*ones)[:0]
    return function(*inputs)


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
