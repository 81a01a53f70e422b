"""The optimizer of both networks, as the original had it."""

from collections.abc import Mapping
from typing import TypeAlias

import tensorflow as tf

from ops import of_each_replica

Rate: TypeAlias = float | tf.Tensor | None  # of one update; None for the optimizer's own


class Adam(tf.Module):
    """TensorFlow 1's Adam, by the same kernel (Kingma & Ba 2015, the form before section 2.1).

    lr_t = lr sqrt(1-beta2^t) / (1-beta1^t); var -= lr_t m / (sqrt(v) + epsilon).
    `beta1_power` and `beta2_power` hold beta^(t+1) after t updates, as the original's do.
    """

    def __init__(
        self,
        variables: Mapping[str, tf.Variable],
        learning_rate: float,
        beta1: float,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        super().__init__()
        self._learning_rate, self._beta1, self._beta2 = learning_rate, beta1, beta2
        self._epsilon = epsilon
        self.beta1_power = _power("beta1_power", beta1)
        self.beta2_power = _power("beta2_power", beta2)
        self.m = {n: new_slot(tf.zeros(v.shape), f"{n}/Adam") for n, v in variables.items()}
        self.v = {n: new_slot(tf.zeros(v.shape), f"{n}/Adam_1") for n, v in variables.items()}

    def reset(self) -> None:
        """Forget all updates."""
        self.beta1_power.assign(self._beta1)
        self.beta2_power.assign(self._beta2)
        for slot in (*self.m.values(), *self.v.values()):
            slot.assign(tf.zeros(slot.shape))

    def apply(
        self,
        variables: Mapping[str, tf.Variable],
        gradients: Mapping[str, tf.Tensor],
        learning_rate: Rate = None,
    ) -> None:
        """Update each variable by its gradient (the same names in both), then count one update.

        learning_rate: of this update; None for the optimizer's own.
        """
        rate = self._learning_rate if learning_rate is None else learning_rate
        # Made once: for each variable anew they would be a tenth of what is traced of a step.
        of_all = {
            "lr": tf.convert_to_tensor(rate, tf.float32),
            "beta1": tf.constant(self._beta1),
            "beta2": tf.constant(self._beta2),
            "epsilon": tf.constant(self._epsilon),
            "beta1_power": self.beta1_power.read_value(),
            "beta2_power": self.beta2_power.read_value(),
        }
        for name, gradient in gradients.items():
            tf.raw_ops.ResourceApplyAdam(
                var=variables[name].handle,
                m=self.m[name].handle,
                v=self.v[name].handle,
                grad=gradient,
                **of_all,
            )
        self.beta1_power.assign(self.beta1_power * self._beta1)
        self.beta2_power.assign(self.beta2_power * self._beta2)


def new_slot(first: tf.Tensor, name: str) -> tf.Variable:
    """What an optimizer keeps of a variable: each replica has its own."""
    return tf.Variable(first, trainable=False, name=name)


def _power(name: str, value: float) -> tf.Variable:
    """A number that all replicas bring to the same."""
    return of_each_replica(name, value, tf.VariableAggregation.ONLY_FIRST_REPLICA)
