"""A moving average of G's weights, to sample by: --ema. The raw weights go on as without it."""

import tensorflow as tf

from gan.config import WEIGHTS, NetworkConfig
from gan.networks import Network, new
from ops import of_each_replica
from support.errors import UserError


def chosen(weights: str | None, average: "Average | None") -> str:
    """Which of WEIGHTS to sample by: what is asked for; with None the average, if there is one.

    Raises:
        UserError: nothing was averaged, or there are no weights of that name.
    """
    is_averaged = average is not None and int(average.steps) > 0
    weights = weights or WEIGHTS[is_averaged]
    if weights not in WEIGHTS:
        raise UserError(f"there are no weights {weights!r}: there are {', '.join(WEIGHTS)}")
    if weights == "ema" and not is_averaged:
        raise UserError("this checkpoint holds no averaged weights: train with --ema, or take raw")
    return weights


class Average(tf.Module):
    """The average of G's weights and moving averages over the last part of a training.

    With w_n as G holds it after the n-th step that is averaged, and `share` between 0 and 1:

        average_1 = w_1
        average_n = average_(n-1) + (w_n - average_(n-1)) / (1 + share (n-1))

    So the decay, 1 - 1 / (1 + share (n-1)), is 0 in the first step and rises with the steps made:
    a step counts for little once share * n others have followed it. With a fixed decay the first
    weights, which are noise, count for too long in a short run, and a long run is averaged over
    too few steps. (Polynomial-decay averaging, Shamir and Zhang 2013, with eta = 1 / share - 1.)

    network: a generator that holds the average, by the names of G's variables. steps: the steps
    averaged so far, int64.
    """

    def __init__(self, generator: Network, config: NetworkConfig, seed: int, share: float):
        """Of a generator that was just built from `config` and `seed`: begins with its weights."""
        super().__init__()
        self._share = share
        self.network = new(type(generator), config, seed)
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.steps = of_each_replica("steps", tf.constant(0, tf.int64), first)

    def update(self, generator: Network) -> None:
        """Count one more step; `generator` is G after it."""
        part = 1 / (1 + self._share * tf.cast(self.steps, tf.float32))
        held = self.network.named_variables()
        for name, value in generator.named_variables().items():
            change = (held[name] - value) * part
            # By its handle, as Adam does: where several replicas train, each moves its own. Their
            # weights are the same, and of batch norm's averages the means over them are saved.
            tf.raw_ops.AssignSubVariableOp(resource=held[name].handle, value=change)
        self.steps.assign_add(1)

    def restart(self, generator: Network) -> None:
        """Begin anew with the weights that a generator has."""
        for name, value in generator.named_variables().items():
            self.network.named_variables()[name].assign(value)
        self.steps.assign(0)
