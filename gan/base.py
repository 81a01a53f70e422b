"""What all networks share: their variables by name, and the steps between layers."""

import math
from typing import TypeAlias

import tensorflow as tf

from gan.config import NetworkConfig
from gan.dropout import Layer, seeds_of, with_dropout
from ops import Conv2d, Linear, add_u, lrelu, move_u

Seed: TypeAlias = "tf.Tensor | None"  # int32 [2], of TensorFlow's stateless functions


class Network(tf.Module):
    """What all networks share: variables by their original names, in the order of the layers."""

    usual: Layer = staticmethod(lrelu)  # the activation, unless the config has another

    def __init__(self, config: NetworkConfig, seed: int):
        """For the layers of a sub-class, whose initial weights follow from the seed."""
        super().__init__()
        self._seed, named = seed, config.activation
        self.activation = self.usual
        if named:
            self.activation = lrelu if named == "lrelu" else getattr(tf.nn, named)
        self._dropout, self._samples_with_dropout = config.g_dropout, config.sample_dropout

    def hidden(self, z: tf.Tensor, training: bool, seed: Seed) -> Layer:
        """What follows G's hidden layers in one pass: the activation, then dropout if there is any.

        z: [B, z_dim], as G is given it; it decides what is dropped where that is done in sampling.
        seed: int32 [2], decides it in training.
        """
        if not self._dropout or not (training or self._samples_with_dropout):
            return self.activation
        seeds = seed if training else seeds_of(z)
        assert seeds is not None, "dropout in training needs a seed"
        return with_dropout(self.activation, self._dropout, seeds)

    def add_u(self) -> None:
        """Give each layer spectral norm."""
        for layer in self._products():
            add_u(layer, self._seed)

    def move_u(self, frozen: int = 0) -> None:
        """One power iteration of each layer with spectral norm, but for the first `frozen` ones."""
        for layer in self._products()[frozen:]:
            if layer.u is not None:
                move_u(layer)

    def _products(self) -> list[Conv2d | Linear]:
        return [layer for layer in vars(self).values() if isinstance(layer, Conv2d | Linear)]

    def named_variables(self) -> dict[str, tf.Variable]:
        """Weights and moving averages, {"generator/g_h0_lin/Matrix": variable, ...}."""
        layers = [layer for layer in vars(self).values() if isinstance(layer, tf.Module)]
        variables = [v for layer in layers for v in vars(layer).values()]
        return {v.name.split(":")[0]: v for v in variables if isinstance(v, tf.Variable)}

    def trainable(self) -> dict[str, tf.Variable]:
        """The part of named_variables() that the optimizers update."""
        return {name: v for name, v in self.named_variables().items() if v.trainable}


def with_label(x: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
    """A vector with the label appended, if there is one."""
    return x if y is None else tf.concat([x, y], 1)


def flatten(x: tf.Tensor) -> tf.Tensor:
    """Images or feature maps [B, ...] as vectors [B, N]."""
    return tf.reshape(x, [-1, math.prod(x.shape[1:])])


def float32(x: tf.Tensor) -> tf.Tensor:
    """The last activation and the losses are computed in float32, whatever came before."""
    return tf.cast(x, tf.float32)
