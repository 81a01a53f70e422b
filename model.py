"""DCGAN: the two networks, their losses, the training step, the sampler, saving and loading."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gan.adam import Adam
from gan.augment import Look, look_of
from gan.checkpoints import (
    SETTINGS_FILE,
    default_convolutions,
    read_newest,
    refuse_other_shape,
    step_of,
    stored_settings,
    write_checkpoint,
)
from gan.networks import Discriminator, Generator, LabelledDiscriminator, LabelledGenerator
from gan.tf1 import is_tf1, read_values
from support.errors import RunError, UserError, one_line
from support.files import read_json, write_json

WATCHED = ("d", "d_", "G")
Gradients = dict[str, tf.Tensor]


class DCGAN(tf.Module):
    """The original's DCGAN, on TensorFlow 2. Knows no data and no files but its checkpoints."""

    def __init__(
        self,
        output_height: int = 64,
        output_width: int = 64,
        c_dim: int = 3,
        y_dim: int | None = None,
        z_dim: int = 100,
        batch_size: int = 64,
        gf_dim: int = 64,
        df_dim: int = 64,
        gfc_dim: int = 1024,
        dfc_dim: int = 1024,
        learning_rate: float = 2e-4,
        beta1: float = 0.5,
        precision: str = "float32",
        seed: int = 0,
        xla: bool = False,
        convolutions: int | None = None,
        averaged: Callable[[Gradients], Gradients] | None = None,
    ):
        """Build both networks with fresh weights.

        Args:
            output_height, output_width: size of the images, any, also odd and not square.
            c_dim: colour channels, 1 or 3.
            y_dim: number of classes; None for networks without labels.
            z_dim: length of the latent vector.
            batch_size: images in a training step; part of a run's name, not of the networks.
            gf_dim, df_dim: filters of G's last hidden layer and of D's first.
            gfc_dim, dfc_dim: units of the fully connected layers (with labels only).
            learning_rate, beta1: of both Adams.
            precision: "float32" or "bfloat16", what training computes in. Weights, moments,
                averages, last activations and losses are float32 in both, and so is the sampler.
            seed: decides the initial weights.
            xla: have XLA compile the training step.
            convolutions: of each network, 4 (images in [-1, 1]) or 2, MNIST's with labels (images
                in [0, 1]). None: the original's choice, 2 with labels and 4 without.
            averaged: what to make of the gradients of an update before Adam gets them: where
                several replicas train, their mean (distributed.py).
        """
        super().__init__()
        convolutions = convolutions or default_convolutions(y_dim)
        self.settings: dict[str, Any] = {
            "output_height": output_height,
            "output_width": output_width,
            "c_dim": c_dim,
            "y_dim": y_dim,
            "z_dim": z_dim,
            "gf_dim": gf_dim,
            "df_dim": df_dim,
            "gfc_dim": gfc_dim,
            "dfc_dim": dfc_dim,
            "convolutions": convolutions,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "beta1": beta1,
            "precision": precision,
        }
        size = (output_height, output_width)
        self.image_shape = (*size, c_dim)
        self.y_dim, self.z_dim, self.batch_size = y_dim, z_dim, batch_size
        last = (seed, tf.dtypes.as_dtype(precision))
        if convolutions == 4:
            self.generator = Generator(size, c_dim, y_dim, z_dim, gf_dim, *last)
            self.discriminator = Discriminator(size, c_dim, y_dim, df_dim, *last)
        elif convolutions == 2 and y_dim:
            self.generator = LabelledGenerator(size, c_dim, y_dim, z_dim, gf_dim, gfc_dim, *last)
            self.discriminator = LabelledDiscriminator(size, c_dim, y_dim, df_dim, dfc_dim, *last)
        else:
            raise ValueError("convolutions must be 4, or 2 with labels")
        self.value_range: tuple[float, float] = self.generator.value_range
        self.d_optim = Adam(self.discriminator.trainable(), learning_rate, beta1)
        self.g_optim = Adam(self.generator.trainable(), learning_rate, beta1)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._averaged = averaged or (lambda gradients: gradients)
        self._train_step = tf.function(self.three_updates, jit_compile=xla or None)

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint_dir: str | Path,
        size: tuple[int, int] | None = None,
        step: int | None = None,
    ) -> "DCGAN":
        """The networks of a folder's newest good checkpoint, or that of `step`, with its weights.

        Args:
            checkpoint_dir: a folder that `save` wrote, or one of the original's.
            size: height and width of the images; only the original's checkpoints need it.
            step: of the checkpoint; None for the newest.

        Raises:
            UserError: there is no such checkpoint, or `size` is missing or does not fit.
            RunError: there are checkpoints, but none can be read.
        """
        settings = stored_settings(checkpoint_dir, size)
        if not settings:
            raise UserError(f"no checkpoint in {checkpoint_dir}: train first, with --train")
        dcgan = cls(**settings)
        dcgan.load(checkpoint_dir, step)
        return dcgan

    def train_step(
        self,
        images: tf.Tensor,
        z: tf.Tensor,
        y: tf.Tensor | None = None,
        evaluate: bool = False,
        watch: bool = False,
        augment_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """One iteration of the original: D once, G twice, all on the same z.

        Args:
            images: float32 [B, H, W, c_dim] in `value_range`.
            z: float32 [B, z_dim].
            y: one-hot float32 [B, y_dim], with labels only.
            evaluate: also compute the losses that the original prints, after the updates.
            watch: also return what TensorBoard shows.
            augment_seed: int32 [2]; with it, D sees all images, real and fake, augmented by random
                numbers that follow from it. None, as they are.

        Returns:
            Scalars d_loss, d_loss_real, d_loss_fake (of the D update's pass) and g_loss (of the
            second G update's). With `evaluate` also eval_d_loss_fake, eval_d_loss_real and
            eval_g_loss. With `watch` also d and d_, D's probabilities of reals and fakes [B, 1],
            and G, the fakes [B, H, W, c_dim].
        """
        images = tf.convert_to_tensor(images, tf.float32)
        z, y = self._latent(z, y)
        if augment_seed is not None:
            augment_seed = tf.convert_to_tensor(augment_seed, tf.int32)
        result = self._train_step(images, z, y, evaluate, augment_seed)
        return result if watch else {name: v for name, v in result.items() if name not in WATCHED}

    def three_updates(
        self,
        images: tf.Tensor,
        z: tf.Tensor,
        y: tf.Tensor | None = None,
        evaluate: bool = False,
        augment_seed: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """What train_step runs as a graph: with `watch`, and its arguments are tensors already."""
        look = look_of(self.value_range, augment_seed)
        with tf.GradientTape() as g_tape:
            # The same weights and z in the D update and in the first G update: one pass for both.
            fakes = self.generator(z, y, moves=2)
        result, logits_of_reals = self._update_discriminator(images, fakes, y, look)
        _, logits_of_fakes = self._update_generator(g_tape, fakes, y, look)
        with tf.GradientTape() as g_tape:
            second_fakes = self.generator(z, y, moves=1)
        result["g_loss"], _ = self._update_generator(g_tape, second_fakes, y, look)
        if evaluate:
            result |= self._evaluate(images, z, y, look)
        d, d_ = tf.sigmoid(logits_of_reals), tf.sigmoid(logits_of_fakes)
        return result | {"d": d, "d_": d_, "G": fakes}

    def _update_discriminator(
        self, images: tf.Tensor, fakes: tf.Tensor, y: tf.Tensor | None, look: Look
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Update D -> the losses of its pass, and its logits of the real images."""
        variables = self.discriminator.trainable()
        with tf.GradientTape() as tape:
            logits_of_reals = self.discriminator(look(images), y, moves=1)
            d_loss_real = real_loss(logits_of_reals)
            d_loss_fake = fake_loss(self.discriminator(look(fakes), y, moves=1))
            d_loss = d_loss_real + d_loss_fake
        self.d_optim.apply(variables, self._averaged(tape.gradient(d_loss, variables)))
        losses = {"d_loss": d_loss, "d_loss_real": d_loss_real, "d_loss_fake": d_loss_fake}
        return losses, logits_of_reals

    def _update_generator(
        self, g_tape: tf.GradientTape, fakes: tf.Tensor, y: tf.Tensor | None, look: Look
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Update G by what D says of `fakes`, which `g_tape` saw G make -> g_loss, D's logits."""
        # D's own weights are not watched: no gradient is computed for them.
        with tf.GradientTape(watch_accessed_variables=False) as d_tape:
            d_tape.watch(fakes)
            logits = self.discriminator(look(fakes), y, moves=1)
            g_loss = real_loss(logits)
        variables = self.generator.trainable()
        gradients = g_tape.gradient(fakes, variables, d_tape.gradient(g_loss, fakes))
        self.g_optim.apply(variables, self._averaged(gradients))
        return g_loss, logits

    def _evaluate(
        self, images: tf.Tensor, z: tf.Tensor, y: tf.Tensor | None, look: Look
    ) -> dict[str, tf.Tensor]:
        """The printed losses: three passes in the original, two of them the same (moves=2)."""
        fakes = look(self.generator(z, y, moves=2))
        logits_of_fakes = self.discriminator(fakes, y, moves=2)
        return {
            "eval_d_loss_fake": fake_loss(logits_of_fakes),
            "eval_d_loss_real": real_loss(self.discriminator(look(images), y, moves=1)),
            "eval_g_loss": real_loss(logits_of_fakes),
        }

    def sampler(self, z: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """Images of z [N, z_dim], any N, by the moving averages: float32 [N, H, W, c_dim].

        `y` is one-hot [N, y_dim], with labels only. Values lie in `value_range`.
        """
        return self._sampler(*self._latent(z, y))

    @tf.function(reduce_retracing=True)
    def _sampler(self, z: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
        return self.generator(z, y, moves=0)

    def discriminate(self, images: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """D's logits of images [N, H, W, c_dim], by its moving averages: float32 [N, 1]."""
        return self._discriminate(tf.convert_to_tensor(images, tf.float32), self._labels(y))

    @tf.function(reduce_retracing=True)
    def _discriminate(self, images: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
        return self.discriminator(images, y, moves=0)

    def features(self, images: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """What D's last layer decides by, for images as `discriminate` takes: float32 [N, F]."""
        return self._features(tf.convert_to_tensor(images, tf.float32), self._labels(y))

    @tf.function(reduce_retracing=True)
    def _features(self, images: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
        return self.discriminator.features(images, y, moves=0)

    def _latent(self, z: tf.Tensor, y: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor | None]:
        return tf.convert_to_tensor(z, tf.float32), self._labels(y)

    def _labels(self, y: tf.Tensor | None) -> tf.Tensor | None:
        if bool(self.y_dim) != (y is not None):
            wanted = f"one-hot labels [N, {self.y_dim}]" if self.y_dim else "no labels"
            raise ValueError(f"these networks take {wanted}: pass y accordingly")
        return None if y is None else tf.convert_to_tensor(y, tf.float32)

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
        finite = self._finite(list(variables.values())).numpy()
        if finite.all():
            return ""
        name, variable = list(variables.items())[int(finite.argmin())]
        bad = ~np.isfinite(variable.numpy())
        return f"{name} has {bad.sum():,} of {bad.size:,} values that are not finite"

    @tf.function
    def _finite(self, variables: list[tf.Variable]) -> tf.Tensor:
        return tf.stack([tf.reduce_all(tf.math.is_finite(v)) for v in variables])

    def save(self, checkpoint_dir: str | Path, step: int, max_to_keep: int = 5) -> Path:
        """Write DCGAN.model-{step} and, beside it, the settings that shape the networks.

        Weights, moving averages, both Adams and the step are saved; the oldest checkpoints of
        the folder beyond `max_to_keep` are deleted. Returns the checkpoint's path prefix.

        Raises:
            RunError: the files cannot be written.
        """
        folder = Path(checkpoint_dir)
        write_json(folder / SETTINGS_FILE, self.settings)
        self.step.assign(step)
        return write_checkpoint(tf.train.Checkpoint(dcgan=self), folder, step, max_to_keep)

    def load(self, checkpoint_dir: str | Path, step: int | None = None) -> tuple[bool, int]:
        """Restore the newest good checkpoint of a folder, or that of `step` -> (found, its step).

        It may be one of the original's, of TensorFlow 1: then its step is the number in its name,
        and Adam begins anew.

        Raises:
            UserError: the checkpoint is of networks of another shape, and names each difference; or
                there are others, but none of `step`.
            RunError: there are checkpoints, but none can be read.
        """
        stored = read_json(Path(checkpoint_dir) / SETTINGS_FILE)
        refuse_other_shape(stored, self.settings, checkpoint_dir)
        found = read_newest(checkpoint_dir, self._restore, step)
        if fault := found and self.not_finite():
            raise RunError(f"{found} is of no use: {fault}")
        return found is not None, int(self.step)

    def _restore(self, prefix: Path) -> None:
        if is_tf1(prefix):
            variables = self.named_variables()
            values = read_values(prefix, variables)
            try:
                for name, value in values.items():
                    variables[name].assign(value)
            except ValueError as error:
                raise UserError(f"{prefix}: {one_line(error)}") from error
            self.step.assign(step_of(prefix))
            self.d_optim.reset()
            self.g_optim.reset()
            print(f"note: {prefix} is of TensorFlow 1: weights and averages, nothing of Adam's")
            return
        try:
            status = tf.train.Checkpoint(dcgan=self).read(str(prefix))
            status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError) as error:
            raise UserError(f"{prefix} is of other networks: {one_line(error)}") from error


def real_loss(logits: tf.Tensor) -> tf.Tensor:
    """Mean sigmoid cross entropy of logits against ones, a scalar."""
    return _mean_cross_entropy(logits, tf.ones_like(logits))


def fake_loss(logits: tf.Tensor) -> tf.Tensor:
    """Mean sigmoid cross entropy of logits against zeros, a scalar."""
    return _mean_cross_entropy(logits, tf.zeros_like(logits))


def _mean_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
