"""DCGAN: the two networks, the training step, the sampler, saving and loading."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from gan import checks
from gan.average import Average, chosen
from gan.checkpoints import read_newest, write_checkpoint
from gan.config import NetworkConfig, TrainingConfig, configs_of, refuse_other_shape
from gan.description import Description, description_of, read_description, write_description
from gan.finite import not_finite
from gan.freezing import refuse_all_frozen
from gan.losses import loss_of
from gan.networks import Network, build, of_any_count
from gan.optimizers import optimizer_of
from gan.restore import State, restore
from gan.updates import Gradients, Updates
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
            averaged: what to make of the gradients of an update before the optimizer gets them:
                where several replicas train, their mean (training/distributed.py).
            values: fields of config and training that were not given.

        Raises:
            ValueError: a field makes no sense; names it.
            TypeError: there is no such field, or it is given twice.
            UserError: freeze_d leaves nothing of D to train.
        """
        super().__init__()
        self.config, self.training = configs_of(config, training, values)
        self.batch_size, updates = self.training.batch_size, self.training.updates
        smoothing, weight = self.training.label_smoothing, self.training.penalty_weight
        self.loss = loss_of(self.training.loss, *updates, smoothing, weight)
        self.image_shape = (*self.config.size, self.config.c_dim)
        self.y_dim, self.z_dim = self.config.y_dim, self.config.z_dim
        seed = checks.whole_number("seed", seed, 0)
        self.generator, self.discriminator = build(self.config, seed)
        self.value_range: tuple[float, float] = self.generator.value_range
        self._inputs = checks.Inputs(self.config, self.value_range)
        refuse_all_frozen(self.discriminator.trainable(), self.training.freeze_d)
        self.d_optim, self.g_optim = (
            optimizer_of(name, network.trainable(), rate, self.training.beta1)
            for name, network, rate in zip(
                self.training.optimizers,
                (self.discriminator, self.generator),
                self.training.rates,
                strict=True,
            )
        )
        share, self.weights = self.training.ema, "raw"
        self.average = Average(self.generator, self.config, seed, share) if share else None
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._updates = Updates(
            self.loss,
            self.generator,
            self.discriminator,
            self.g_optim,
            self.d_optim,
            self.training.rates,
            averaged or (lambda gradients: gradients),
            tf.dtypes.as_dtype(self.config.precision),
            self.training.instance_noise,
            self.training.freeze_d,
        )
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
        dcgan.load(checkpoint_dir, step, note, to_train=False)
        dcgan.choose(weights)
        return dcgan

    @property
    def draws(self) -> dict[str, bool]:
        """What a step may draw random numbers for, and whether it does: then it needs that seed."""
        return {
            "penalty": self.loss.draws,
            "noise": self.training.instance_noise > 0,
            "dropout": self.config.g_dropout > 0,
        }

    def train_step(
        self,
        images: tf.Tensor,
        z: tf.Tensor,
        y: tf.Tensor | None = None,
        evaluate: bool = False,
        watch: bool = False,
        augment_seed: tf.Tensor | None = None,
        penalty_seed: tf.Tensor | None = None,
        noise_seed: tf.Tensor | None = None,
        noise_share: Any = 1.0,
        dropout_seed: tf.Tensor | None = None,
        rate_share: Any = None,
    ) -> dict[str, tf.Tensor]:
        """One iteration: with the original's loss D once, then G twice, all on the same z.

        How often each is updated is the loss's, or of the TrainingConfig.

        Args:
            images: float32 [B, H, W, c_dim] in `value_range`, B 1 or more.
            z: float32 [B, z_dim].
            y: one-hot float32 [B, y_dim], of tags a 1 for each, with labels only.
            evaluate: also compute the losses that the original prints, after the updates.
            watch: also return what TensorBoard shows.
            augment_seed: int32 [2]; with it, D sees all images, real and fake, augmented by random
                numbers that follow from it. Without it, D sees them as they are.
            penalty_seed: int32 [2], for a loss that draws random numbers (`loss.draws`) only.
            noise_seed, dropout_seed: int32 [2], with instance_noise and g_dropout only.
            noise_share: what is left of the noise, 1 at first and 0 at the end of a training.
            rate_share: with decay_steps only: `training.rate_share` of the steps made before.

        Returns:
            Scalars d_loss, d_loss_real, d_loss_fake (of the last D update's pass; d_loss with the
            penalty), with a penalty d_penalty (its part in d_loss), and g_loss (of the last G
            update's). With `evaluate` also eval_d_loss_fake,
            eval_d_loss_real and eval_g_loss. With `watch` also d and d_, D's probabilities of reals
            and fakes [B, 1], and G, the fakes [B, H, W, c_dim].

        Raises:
            ValueError: they have another type or shape, or the first batch another range.
        """
        images, z, y = self._inputs.of_step(images, z, y)
        draws, decays = self.draws, self.training.decay_steps > 0
        drawn = {
            "augment_seed": checks.seed("augment_seed", augment_seed, augment_seed is not None),
            "penalty_seed": checks.seed("penalty_seed", penalty_seed, draws["penalty"]),
            "noise_seed": checks.seed("noise_seed", noise_seed, draws["noise"]),
            "noise_share": checks.share("noise_share", noise_share) if draws["noise"] else None,
            "dropout_seed": checks.seed("dropout_seed", dropout_seed, draws["dropout"]),
            "rate_share": checks.share("rate_share", rate_share) if decays else None,
        }
        result = self._train_step(images, z, y, bool(evaluate), **drawn)
        return result if watch else {name: v for name, v in result.items() if name not in WATCHED}

    def iteration(self, *batch: Any, **options: Any) -> dict[str, tf.Tensor]:
        """The graph behind train_step: the updates, of the same arguments, then the average."""
        result = self._updates(*batch, **options)
        if self.average:
            self.average.update(self.generator)
        return result

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

        `y` is one-hot [N, y_dim], of tags a 1 for each, with labels only. Values lie in
        `value_range`.

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

        Looks at weights and moving averages, with `moments` also at both optimizers'.
        """
        variables = self.named_variables()
        if self.average:
            averaged = self.average.network.named_variables()
            variables |= {f"the average of {name}": v for name, v in averaged.items()}
        if moments:
            slots = [*self.d_optim.variables, *self.g_optim.variables]
            variables |= {v.name.split(":")[0]: v for v in slots}
        return not_finite(variables)

    def save(self, checkpoint_dir: str | Path, step: int, max_to_keep: int = 5) -> Path:
        """Write DCGAN.model-{step} and, beside it, the configs of the networks and the step.

        Weights, moving averages, both optimizers and the step are saved; the oldest checkpoints of
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
        return write_checkpoint(tf.train.Checkpoint(dcgan=self).write, folder, step, max_to_keep)

    def load(
        self,
        checkpoint_dir: str | Path,
        step: int | None = None,
        note: Say = print_note,
        to_train: bool = True,
    ) -> tuple[bool, int]:
        """Restore the newest good checkpoint of a folder, or that of `step` -> (found, its step).

        It may be one of the original's, of TensorFlow 1: then its step is the number in its name,
        and Adam starts anew. `note` is given a line for each damaged checkpoint, and, with
        `to_train`, for that.

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
        read = functools.partial(restore, state, note=note, to_train=to_train)
        found = read_newest(checkpoint_dir, read, step, note)
        if fault := found and self.not_finite():
            raise RunError(f"{found} is of no use: {fault}")
        if found and self.step < 0:
            raise RunError(f"{found} is of no use: it is of step {int(self.step)}")
        return found is not None, int(self.step)
