"""The gradients of one update of D and of one of G, by a loss."""

import functools
from collections.abc import Callable, Mapping

import tensorflow as tf

from gan.losses import Loss

Variables = Mapping[str, tf.Variable]
Gradients = dict[str, tf.Tensor]
# A pass of D in training mode: images [B, H, W, C] -> logits [B, 1]; `passes` is ops.BatchNorm's.
LogitsOf = Callable[..., tf.Tensor]


def gradients_of_d(
    loss: Loss,
    variables: Variables,
    logits_of: LogitsOf,
    reals: tf.Tensor,
    fakes: tf.Tensor,
    seed: tf.Tensor | None,
) -> tuple[Gradients, dict[str, tf.Tensor], tf.Tensor]:
    """The gradients of D's variables, the losses of the pass, and D's logits of reals.

    reals, fakes: images as D sees them. seed: int32 [2], if the penalty draws random numbers.
    The losses are d_loss, with the penalty, and its parts d_loss_real and d_loss_fake, without.
    """
    with tf.GradientTape() as tape:
        logits_of_reals = logits_of(reals)
        real, fake = loss.d(logits_of_reals, logits_of(fakes))
        total = real + fake
        if loss.penalty:
            # Its passes move no averages: they see the same images again, or some in between.
            total += loss.penalty(functools.partial(logits_of, passes=0), reals, fakes, seed)
    losses = {"d_loss": total, "d_loss_real": real, "d_loss_fake": fake}
    return tape.gradient(total, variables), losses, logits_of_reals


def gradients_of_g(
    loss: Loss,
    variables: Variables,
    logits_of: LogitsOf,
    fakes: tf.Tensor,
    g_tape: tf.GradientTape,
    logits_of_reals: Callable[[], tf.Tensor],
) -> tuple[Gradients, tf.Tensor, tf.Tensor]:
    """The gradients of G's variables, g_loss, and D's logits of fakes.

    g_tape: has seen G make the fakes. logits_of_reals: is called only by a loss that needs them.
    """
    # D's own weights are not watched: no gradient is computed for them.
    with tf.GradientTape(watch_accessed_variables=False) as d_tape:
        d_tape.watch(fakes)
        logits = logits_of(fakes)
        g_loss = loss.g(logits, logits_of_reals)
    return g_tape.gradient(fakes, variables, d_tape.gradient(g_loss, fakes)), g_loss, logits
