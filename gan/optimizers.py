"""What the gradients of an update are made into: the original's Adam, or one of two others."""

from collections.abc import Mapping

import tensorflow as tf

from gan.adam import Adam, Rate, new_slot

Variables = Mapping[str, tf.Variable]
Gradients = Mapping[str, tf.Tensor]


class RMSProp(tf.Module):
    """TensorFlow 1's RMSProp by its kernel and its defaults (Tieleman and Hinton 2012, lecture 6e).

    rms = decay rms + (1 - decay) g^2, which is 1 at first; var -= lr g / sqrt(rms + epsilon). The
    kernel also wants a slot for momentum, of which there is none: it holds the last change.
    """

    DECAY = 0.9
    EPSILON = 1e-10

    def __init__(self, variables: Variables, learning_rate: float):
        super().__init__()
        self._learning_rate = learning_rate
        self.rms = {n: new_slot(tf.ones(v.shape), f"{n}/RMSProp") for n, v in variables.items()}
        self.momentum = {
            n: new_slot(tf.zeros(v.shape), f"{n}/RMSProp_1") for n, v in variables.items()
        }

    def reset(self) -> None:
        """Forget all updates."""
        for slot in self.rms.values():
            slot.assign(tf.ones(slot.shape))
        for slot in self.momentum.values():
            slot.assign(tf.zeros(slot.shape))

    def apply(self, variables: Variables, gradients: Gradients, learning_rate: Rate = None) -> None:
        """Update each variable by its gradient, the same names in both."""
        rate = self._learning_rate if learning_rate is None else learning_rate
        for name, gradient in gradients.items():
            tf.raw_ops.ResourceApplyRMSProp(
                var=variables[name].handle,
                ms=self.rms[name].handle,
                mom=self.momentum[name].handle,
                lr=rate,
                rho=self.DECAY,
                momentum=0.0,
                epsilon=self.EPSILON,
                grad=gradient,
            )


class SGD(tf.Module):
    """Plain gradient descent: var -= lr g."""

    def __init__(self, learning_rate: float):
        super().__init__()
        self._learning_rate = learning_rate

    def reset(self) -> None:
        """Forget all updates: nothing is kept of them."""

    def apply(self, variables: Variables, gradients: Gradients, learning_rate: Rate = None) -> None:
        """Update each variable by its gradient, the same names in both."""
        rate = self._learning_rate if learning_rate is None else learning_rate
        for name, gradient in gradients.items():
            tf.raw_ops.ResourceApplyGradientDescent(
                var=variables[name].handle, alpha=rate, delta=gradient
            )


Optimizer = Adam | RMSProp | SGD


def optimizer_of(name: str, variables: Variables, learning_rate: float, beta1: float) -> Optimizer:
    """The optimizer of that name, one of config.OPTIMIZERS, for `variables`; beta1 is Adam's."""
    if name == "rmsprop":
        return RMSProp(variables, learning_rate)
    return SGD(learning_rate) if name == "sgd" else Adam(variables, learning_rate, beta1)
