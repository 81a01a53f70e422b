"""DCGAN: the two networks, the training step, the sampler, saving and loading."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from gan import checks
from gan.adam import Adam
from gan.augment import look_of
from gan.average import Average, chosen
from gan.checkpoints import (
    Description,
    description_of,
    read_description,
    read_newest,
    write_checkpoint,
    write_description,
)
from gan.config import NetworkConfig, TrainingConfig, refuse_other_shape, with_architecture
from gan.finite import not_finite
from gan.freezing import trained_of
from gan.losses import loss_of
from gan.networks import Network, build, of_any_count
from gan.restore import State, restore
from gan.updates import Gradients, gradients_of_d, gradients_of_g
from support.console import Say, print_note
from support.errors import RunError, UserError
from support.files import refuse_pattern

WATCHED = ("d", "d_", "G")
# Nothing here branches on a tensor. AutoGraph would look for it all the same: 1 s at each start.
graph = functools.partial(tf.function, autograph=False)


class DCGAN(tf.Module):
    """The original's DCGAN, on TensorFlow 2. Knows no data and no files but its checkpoints."""

    def __init__(
        self,
        config: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        *,
        seed: int = 0,
        xla: bool = False,
        averaged: Callable[[Gradients], Gradients] | None = None,
        **values: Any,
    ):
        """Build both networks with fresh weights.

        Args:
            config, training: the networks, and what else decides a step. Without them, the other
                keywords are their fields: DCGAN(output_height=28, output_width=28, c_dim=1,
                y_dim=10, batch_size=32).
            seed: decides the initial weights.
            xla: have XLA compile the training step.
            averaged: what to make of the gradients of an update before Adam gets them: where
                several replicas train, their mean (training/distributed.py).
            values: fields of config and training that were not given.

        Raises:
            ValueError: a field makes no sense; names it.
            TypeError: there is no such field, or it is given twice.
            UserError: freeze_d leaves nothing of D to train.
        """
        super().__init__()
        values = with_architecture(values)
        names = {one.name for one in dataclasses.fields(TrainingConfig)}
        of_step = {name: values.pop(name) for name in names & values.keys()}
        if (config and values) or (training and of_step):
            raise TypeError(f"given twice: {', '.join({**values, **of_step})} and a config")
        self.config = config or NetworkConfig(**values)
        self.training = training or TrainingConfig(**of_step)
        self.batch_size, updates = self.training.batch_size, self.training.updates
        self.loss = loss_of(self.training.loss, *updates)
        self.image_shape = (*self.config.size, self.config.c_dim)
        self.y_dim, self.z_dim = self.config.y_dim, self.config.z_dim
        seed = checks.whole_number("seed", seed, 0)
        self.generator, self.discriminator = build(self.config, seed)
        self.value_range: tuple[float, float] = self.generator.value_range
        self._inputs = checks.Inputs(self.config, self.value_range)
        trained_of(self.discriminator, self.training.freeze_d)  # or it is refused
        (d_rate, g_rate), beta1 = self.training.rates, self.training.beta1
        self.d_optim = Adam(self.discriminator.trainable(), d_rate, beta1)
        self.g_optim = Adam(self.generator.trainable(), g_rate, beta1)
        share, self.weights = self.training.ema, "raw"
        self.average = Average(self.generator, self.config, seed, share) if share else None
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._dtype = tf.dtypes.as_dtype(self.config.precision)
        self._averaged = averaged or (lambda gradients: gradients)
        self._train_step = graph(self.iteration, jit_compile=xla or None)

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint_dir: str | Path,
        size: tuple[int, int] | None = None,
        step: int | None = None,
        note: Say = print_note,
        weights: str | None = None,
    ) -> "DCGAN":
        """The networks of a folder's newest good checkpoint, or that of `step`, with its weights.

        train_step continues as the run was trained: its TrainingConfig is stored.

        Args:
            checkpoint_dir: a folder that `save` wrote, or one of the original's.
            size: height and width of the images; only the original's checkpoints need it.
            step: of the checkpoint; None for the newest.
            note: is given a line for each checkpoint that had to be passed over.
            weights: what the sampler goes by, as for `choose`.

        Raises:
            UserError: there is no such checkpoint, `size` is missing or does not fit, or there are
                no such weights.
            RunError: there are checkpoints, but none can be read.
        """
        description = description_of(checkpoint_dir, size, note)
        if description is None:
            raise UserError(f"no checkpoint in {checkpoint_dir}: train first, with --train")
        dcgan = cls(*description)
        dcgan.load(checkpoint_dir, step, note)
        dcgan.choose(weights)
        return dcgan

    def train_step(
        self,
        images: tf.Tensor,
        z: tf.Tensor,
        y: tf.Tensor | None = None,
        evaluate: bool = False,
        watch: bool = False,
        augment_seed: tf.Tensor | None = None,
        penalty_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """One iteration: with the original's loss D once, then G twice, all on the same z.

        How often each is updated is the loss's, or of the TrainingConfig.

        Args:
            images: float32 [B, H, W, c_dim] in `value_range`, B 1 or more.
            z: float32 [B, z_dim].
            y: one-hot float32 [B, y_dim], with labels only.
            evaluate: also compute the losses that the original prints, after the updates.
            watch: also return what TensorBoard shows.
            augment_seed: int32 [2]; with it, D sees all images, real and fake, augmented by random
                numbers that follow from it. Without it, D sees them as they are.
            penalty_seed: int32 [2], for a loss that draws random numbers (`loss.draws`) only.

        Returns:
            Scalars d_loss, d_loss_real, d_loss_fake (of the last D update's pass; d_loss with the
            penalty) and g_loss (of the last G update's). With `evaluate` also eval_d_loss_fake,
            eval_d_loss_real and eval_g_loss. With `watch` also d and d_, D's probabilities of reals
            and fakes [B, 1], and G, the fakes [B, H, W, c_dim].

        Raises:
            ValueError: they have another type or shape, or the first batch another range.
        """
        images, z, y = self._inputs.of_step(images, z, y)
        if augment_seed is not None:
            augment_seed = checks.seed("augment_seed", augment_seed)
        if self.loss.draws:
            penalty_seed = checks.seed("penalty_seed", penalty_seed)
        result = self._train_step(images, z, y, bool(evaluate), augment_seed, penalty_seed)
        return result if watch else {name: v for name, v in result.items() if name not in WATCHED}

    def iteration(self, *batch: Any, **options: Any) -> dict[str, tf.Tensor]:
        """The graph behind train_step: three_updates, of the same arguments, then the average."""
        result = self.three_updates(*batch, **options)
        if self.average:
            self.average.update(self.generator)
        return result

    def three_updates(
        self,
        images: tf.Tensor,
        z: tf.Tensor,
        y: tf.Tensor | None = None,
        evaluate: bool = False,
        augment_seed: tf.Tensor | None = None,
        penalty_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """The updates of a step: train_step's arguments, as tensors; `watch` is always on."""
        loss, look = self.loss, look_of(self.value_range, augment_seed)
        z, y = self._in_compute_type(z), self._in_compute_type(y)

        # Each pass in training normalises with its own batch and moves the moving averages,
        # `passes` times where it stands for several of the original's.
        def logits_of(seen: tf.Tensor, passes: int = 1) -> tf.Tensor:
            return self.discriminator(self._in_compute_type(seen), y, training=True, passes=passes)

        def looked_at(images: tf.Tensor, passes: int = 1) -> tf.Tensor:
            return logits_of(look(images), passes)

        def made(passes: int = 1) -> tuple[tf.Tensor, tf.GradientTape]:
            with tf.GradientTape() as g_tape:
                return self.generator(z, y, training=True, passes=passes), g_tape

        def update_g(fakes: tf.Tensor, g_tape: tf.GradientTape) -> tuple[tf.Tensor, tf.Tensor]:
            variables = self.generator.trainable()
            gradients, g_loss, logits = gradients_of_g(
                loss, variables, looked_at, fakes, g_tape, lambda: looked_at(images)
            )
            self.g_optim.apply(variables, self._averaged(gradients))
            return g_loss, logits

        def updates_of_g(fakes: tf.Tensor, g_tape: tf.GradientTape) -> tuple[tf.Tensor, tf.Tensor]:
            g_loss, logits = update_g(fakes, g_tape)
            # Again on the same z. The original does so to keep d_loss from going to 0.
            for _ in range(loss.g_updates - 1):
                g_loss, _ = update_g(*made())
            return g_loss, logits

        def updates_of_d(fakes: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
            for number in range(loss.d_updates):
                seed = None if penalty_seed is None else penalty_seed + tf.constant((0, number))
                variables = trained_of(self.discriminator, self.training.freeze_d)
                seen = look(images), look(fakes)
                gradients, losses, logits = gradients_of_d(loss, variables, logits_of, *seen, seed)
                self.d_optim.apply(variables, self._averaged(gradients))
            return losses, logits

        if loss.g_first:
            fakes, g_tape = made()
            g_loss, logits_of_fakes = updates_of_g(fakes, g_tape)
            result, logits_of_reals = updates_of_d(made(loss.d_updates)[0])
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
            of_fakes = looked_at(self.generator(z, y, training=True, passes=2), passes=2)
            of_reals = looked_at(images)
            real, fake = loss.d(of_reals, of_fakes)
            result |= {"eval_d_loss_fake": fake, "eval_d_loss_real": real}
            result["eval_g_loss"] = loss.g(of_fakes, lambda: of_reals)
        probability = loss.probability
        d, d_ = probability(logits_of_reals), probability(logits_of_fakes)
        return result | {"d": d, "d_": d_, "G": fakes}

    def _in_compute_type(self, x: tf.Tensor | None) -> tf.Tensor | None:
        """An input of the networks in the type that training computes in."""
        return None if x is None else tf.cast(x, self._dtype)

    def choose(self, weights: str | None) -> None:
        """Have `sampler` go by "raw" or "ema", averaged, weights; None: averaged if there are any.

        Raises:
            UserError: nothing was averaged, or there are no weights of that name.
        """
        self.weights = chosen(weights, self.average)

    @property
    def sampled(self) -> Network:
        """The generator that `sampler` goes by: `choose` says which."""
        return self.average.network if self.average and self.weights == "ema" else self.generator

    def sampler(self, z: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """Images of z [N, z_dim], any N, by the moving averages: float32 [N, H, W, c_dim].

        `y` is one-hot [N, y_dim], with labels only. Values lie in `value_range`.

        Raises:
            ValueError: z or y have another type or shape, or values that make no picture.
        """
        sampler = functools.partial(self._sampler, self.sampled)
        return of_any_count(sampler, *self._inputs.of_g(z, y))

    @graph(reduce_retracing=True)
    def _sampler(self, network: Network, z: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
        return network(z, y, training=False)

    def discriminate(self, images: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """D's logits of images [N, H, W, c_dim], by its moving averages: float32 [N, 1].

        Any N; images in `value_range`, and `y` as for `sampler`.

        Raises:
            ValueError: images or y have another type, shape or range.
        """
        return of_any_count(self._discriminate, *self._inputs.of_d(images, y))

    @graph(reduce_retracing=True)
    def _discriminate(self, images: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
        return self.discriminator(images, y, training=False)

    def features(self, images: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """What D's last layer decides by, for images as `discriminate` takes: float32 [N, F]."""
        return of_any_count(self._features, *self._inputs.of_d(images, y))

    @graph(reduce_retracing=True)
    def _features(self, images: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
        return self.discriminator.features(images, y, training=False)

    def named_variables(self) -> dict[str, tf.Variable]:
        """Weights and moving averages of both networks by their original names."""
        return self.generator.named_variables() | self.discriminator.named_variables()

    def not_finite(self, moments: bool = False) -> str:
        """Name the first variable that holds a NaN or an infinity, and how many; "" if none does.

        Looks at weights and moving averages, with `moments` also at both Adams'.
        """
        variables = self.named_variables()
        if moments:
            slots = [s for optim in (self.d_optim, self.g_optim) for s in (optim.m, optim.v)]
            variables |= {v.name.split(":")[0]: v for slot in slots for v in slot.values()}
        return not_finite(variables)

    def save(self, checkpoint_dir: str | Path, step: int, max_to_keep: int = 5) -> Path:
        """Write DCGAN.model-{step} and, beside it, the configs of the networks and the step.

        Weights, moving averages, both Adams and the step are saved; the oldest checkpoints of
        the folder beyond `max_to_keep` are deleted. Returns the checkpoint's path prefix.

        Raises:
            UserError: TensorFlow could not load from a folder of that name.
            RunError: the files cannot be written.
            ValueError: `step` or `max_to_keep` is no such number.
        """
        step = checks.whole_number("step", step, 0)
        max_to_keep = checks.whole_number("max_to_keep", max_to_keep, 1)
        folder = Path(checkpoint_dir)
        refuse_pattern(folder)
        write_description(folder, Description(self.config, self.training))
        self.step.assign(step)
        return write_checkpoint(tf.train.Checkpoint(dcgan=self), folder, step, max_to_keep)

    def load(
        self, checkpoint_dir: str | Path, step: int | None = None, note: Say = print_note
    ) -> tuple[bool, int]:
        """Restore the newest good checkpoint of a folder, or that of `step` -> (found, its step).

        It may be one of the original's, of TensorFlow 1: then its step is the number in its name,
        and Adam starts anew. `note` is given a line for that, and for each damaged checkpoint.

        Raises:
            UserError: the checkpoint is of networks of another shape, and names each difference; or
                there are others, but none of `step`.
            RunError: there are checkpoints, but none can be read.
            ValueError: `step` is no step.
        """
        if step is not None:
            step = checks.whole_number("step", step, 0)
        if stored := read_description(checkpoint_dir):
            refuse_other_shape(stored.config.shape(), self.config.shape(), checkpoint_dir)
        state = State(**{name: getattr(self, name) for name in State._fields})
        found = read_newest(checkpoint_dir, lambda path: restore(state, path, note), step, note)
        if fault := found and self.not_finite():
            raise RunError(f"{found} is of no use: {fault}")
        return found is not None, int(self.step)
