"""The updates of one training step: D once, then G twice, or as often as the loss has it."""

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from gan.augment import look_of, other
from gan.base import Network, Seed
from gan.freezing import trained_of
from gan.losses import Loss
from gan.noise import noisy
from gan.optimizers import Optimizer, Variables

Gradients = dict[str, tf.Tensor]
# A pass of D in training mode: images [B, H, W, C] -> logits [B, 1]; `passes` is ops.BatchNorm's.
LogitsOf = Callable[..., tf.Tensor]


@dataclass(frozen=True)
class Updates:
    """What the updates of a step are made of; called with a batch, it makes them.

    rates: the learning rates of D and of G, where a share of them comes with the batch. averaged:
    what to make of the gradients of an update before the optimizer gets them. dtype: what the
    networks compute in. instance_noise: the deviation at first of the noise on what D sees.
    freeze_d: how many of D's first layers keep their weights.
    """

    loss: Loss
    generator: Network
    discriminator: Network
    g_optim: Optimizer
    d_optim: Optimizer
    rates: tuple[float, float]
    averaged: Callable[[Gradients], Gradients]
    dtype: tf.DType
    instance_noise: float
    freeze_d: int = 0

    def __call__(
        self,
        images: tf.Tensor,
        z: tf.Tensor,
        y: tf.Tensor | None = None,
        evaluate: bool = False,
        augment_seed: Seed = None,
        penalty_seed: Seed = None,
        noise_seed: Seed = None,
        noise_share: tf.Tensor | None = None,
        dropout_seed: Seed = None,
        rate_share: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Make them; DCGAN.train_step's arguments, as tensors, and its results with `watch`."""
        loss, look = self.loss, look_of(self.generator.value_range, augment_seed)
        if noise_seed is not None and noise_share is not None:
            look = noisy(look, self.instance_noise * noise_share, noise_seed)
        d_rate, g_rate = (None if rate_share is None else r * rate_share for r in self.rates)
        z, y = self._in_compute_type(z), self._in_compute_type(y)
        passes_of_g = itertools.count()

        # Each pass in training normalises with its own batch and moves the moving averages,
        # `passes` times where it stands for several of the original's. One that is only printed
        # moves no u: the weights do not depend on how often something is printed.
        def logits_of(seen: tf.Tensor, passes: int = 1, printed: bool = False) -> tf.Tensor:
            if passes and not printed:
                self.discriminator.move_u(self.freeze_d)
            return self.discriminator(self._in_compute_type(seen), y, training=True, passes=passes)

        def looked_at(images: tf.Tensor, passes: int = 1, printed: bool = False) -> tf.Tensor:
            return logits_of(look(images), passes, printed)

        def fakes_of(passes: int) -> tf.Tensor:
            seed = None if dropout_seed is None else other(dropout_seed, next(passes_of_g) << 16)
            return self.generator(z, y, training=True, passes=passes, seed=seed)

        def made(passes: int = 1) -> tuple[tf.Tensor, tf.GradientTape]:
            with tf.GradientTape() as g_tape:
                return fakes_of(passes), g_tape

        def update_g(fakes: tf.Tensor, g_tape: tf.GradientTape) -> tuple[tf.Tensor, tf.Tensor]:
            variables = self.generator.trainable()
            gradients, g_loss, logits = gradients_of_g(
                loss, variables, looked_at, fakes, g_tape, lambda: looked_at(images)
            )
            self.g_optim.apply(variables, self.averaged(gradients), g_rate)
            return g_loss, logits

        def updates_of_g(fakes: tf.Tensor, g_tape: tf.GradientTape) -> tuple[tf.Tensor, tf.Tensor]:
            g_loss, logits = update_g(fakes, g_tape)
            # Again on the same z. The original does so to keep d_loss from going to 0.
            for _ in range(loss.g_updates - 1):
                g_loss, _ = update_g(*made())
            return g_loss, logits

        def updates_of_d(fakes: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
            for number in range(loss.d_updates):
                seed = None if penalty_seed is None else other(penalty_seed, number)
                variables = trained_of(self.discriminator, self.freeze_d)
                seen = look(images), look(fakes)
                gradients, losses, logits = gradients_of_d(loss, variables, logits_of, *seen, seed)
                self.d_optim.apply(variables, self.averaged(gradients), d_rate)
            return losses, logits

        if loss.g_first:
            fakes, g_tape = made()
            g_loss, logits_of_fakes = updates_of_g(fakes, g_tape)
            result, logits_of_reals = updates_of_d(fakes_of(loss.d_updates))
        else:
            # The D updates and the first G update need G(z) of the same weights and z: the
            # original computes it for each, here one pass serves all.
            fakes, g_tape = made(loss.d_updates + 1)
            result, logits_of_reals = updates_of_d(fakes)
            g_loss, logits_of_fakes = updates_of_g(fakes, g_tape)
        result["g_loss"] = g_loss
        if evaluate:
            # The losses that are printed. The original's passes for d_loss_fake and for g_loss
            # are the same: one that counts twice.
            of_fakes = looked_at(fakes_of(2), passes=2, printed=True)
            of_reals = looked_at(images, printed=True)
            real, fake = loss.d(of_reals, of_fakes)
            result |= {"eval_d_loss_fake": fake, "eval_d_loss_real": real}
            result["eval_g_loss"] = loss.g(of_fakes, lambda: of_reals)
        probability = loss.probability
        d, d_ = probability(logits_of_reals), probability(logits_of_fakes)
        return result | {"d": d, "d_": d_, "G": fakes}

    def _in_compute_type(self, x: tf.Tensor | None) -> tf.Tensor | None:
        """An input of the networks in the type that training computes in."""
        return None if x is None else tf.cast(x, self.dtype)


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
    The losses are d_loss, with the penalty, and its parts d_loss_real and d_loss_fake, without;
    and d_penalty, weighted, if the loss has a penalty.
    """
    with tf.GradientTape() as tape:
        logits_of_reals = logits_of(reals)
        real, fake = loss.d_trained(logits_of_reals, logits_of(fakes))
        losses = {"d_loss": real + fake, "d_loss_real": real, "d_loss_fake": fake}
        if loss.penalty:
            # Its passes move no averages: they see the same images again, or some in between.
            unmoved = functools.partial(logits_of, passes=0)
            penalty = loss.weight * loss.penalty(unmoved, reals, fakes, seed)
            losses |= {"d_loss": losses["d_loss"] + penalty, "d_penalty": penalty}
    return tape.gradient(losses["d_loss"], variables), losses, logits_of_reals


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
