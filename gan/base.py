"""What all networks share: their variables by name, and the steps between layers."""

import math

import tensorflow as tf


class Network(tf.Module):
    """What all networks share: variables by their original names, in the order of the layers."""

    def named_variables(self) -> dict[str, tf.Variable]:
        """Weights and moving averages, {"generator/g_h0_lin/Matrix": variable, ...}."""
        layers = [layer for layer in vars(self).values() if isinstance(layer, tf.Module)]
        variables = [v for layer in layers for v in vars(layer).values()]
        return {v.name.split(":")[0]: v for v in variables if isinstance(v, tf.Variable)}

    def trainable(self) -> dict[str, tf.Variable]:
        """The part of named_variables() that Adam updates."""
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
