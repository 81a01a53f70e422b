"""DCGAN: the two networks, their losses, the training step, the sampler, saving and loading."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from errors import RunError, UserError
from files import read_json, write_json
from networks import Discriminator, Generator, LabelledDiscriminator, LabelledGenerator
from ops import Adam

CHECKPOINT_NAME = "DCGAN.model"
SETTINGS_FILE = "DCGAN.model.json"
NETWORK_SETTINGS = (
    "output_height",
    "output_width",
    "c_dim",
    "y_dim",
    "z_dim",
    "gf_dim",
    "df_dim",
    "gfc_dim",
    "dfc_dim",
)


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
        seed: int = 0,
    ):
        """Build both networks with fresh weights.

        Args:
            output_height, output_width: size of the images, any, also odd and not square.
            c_dim: colour channels, 1 or 3.
            y_dim: number of classes for the label-conditioned networks (images in [0, 1]);
                None for the networks without labels (images in [-1, 1]).
            z_dim: length of the latent vector.
            batch_size: images in a training step; part of a run's name, not of the networks.
            gf_dim, df_dim: filters of G's last hidden layer and of D's first.
            gfc_dim, dfc_dim: units of the fully connected layers (with labels only).
            learning_rate, beta1: of both Adams.
            seed: decides the initial weights.
        """
        super().__init__()
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
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "beta1": beta1,
        }
        size = (output_height, output_width)
        self.image_shape = (*size, c_dim)
        self.y_dim, self.z_dim, self.batch_size = y_dim, z_dim, batch_size
        if y_dim:
            self.generator = LabelledGenerator(size, c_dim, y_dim, z_dim, gf_dim, gfc_dim, seed)
            self.discriminator = LabelledDiscriminator(size, c_dim, y_dim, df_dim, dfc_dim, seed)
        else:
            self.generator = Generator(size, c_dim, z_dim, gf_dim, seed)
            self.discriminator = Discriminator(size, c_dim, df_dim, seed)
        self.value_range: tuple[float, float] = self.generator.value_range
        self.d_optim = Adam(self.discriminator.trainable(), learning_rate, beta1)
        self.g_optim = Adam(self.generator.trainable(), learning_rate, beta1)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")

    @classmethod
    def from_checkpoint(cls, checkpoint_dir: str | Path) -> "DCGAN":
        """The networks that `checkpoint_dir` describes, with the weights of its last checkpoint.

        Raises:
            UserError: there is no checkpoint, or no description of the networks beside it.
        """
        settings = read_json(Path(checkpoint_dir) / SETTINGS_FILE)
        if not settings:
            raise UserError(f"no {SETTINGS_FILE} in {checkpoint_dir}: it holds no trained model")
        dcgan = cls(**settings)
        if not dcgan.load(checkpoint_dir)[0]:
            raise UserError(f"no checkpoint in {checkpoint_dir}: train first, with --train")
        return dcgan

    def train_step(
        self,
        images: tf.Tensor,
        z: tf.Tensor,
        y: tf.Tensor | None = None,
        evaluate: bool = False,
        watch: bool = False,
    ) -> dict[str, tf.Tensor]:
        """One iteration of the original: D once, G twice, all on the same z.

        Args:
            images: float32 [B, H, W, c_dim] in `value_range`.
            z: float32 [B, z_dim].
            y: one-hot float32 [B, y_dim], with labels only.
            evaluate: also compute the losses that the original prints, after the updates.
            watch: also return what TensorBoard shows.

        Returns:
            Scalars d_loss, d_loss_real, d_loss_fake (of the D update's pass) and g_loss (of the
            second G update's). With `evaluate` also eval_d_loss_fake, eval_d_loss_real and
            eval_g_loss. With `watch` also d and d_, D's probabilities of reals and fakes [B, 1],
            and G, the fakes [B, H, W, c_dim].
        """
        images = tf.convert_to_tensor(images, tf.float32)
        z, y = self._latent(z, y)
        return self._train_step(images, z, y, evaluate, watch)

    @tf.function
    def _train_step(
        self, images: tf.Tensor, z: tf.Tensor, y: tf.Tensor | None, evaluate: bool, watch: bool
    ) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as g_tape:
            # The same weights and z in the D update and in the first G update: one pass for both.
            fakes = self.generator(z, y, moves=2)
        result, logits_of_reals = self._update_discriminator(images, fakes, y)
        _, logits_of_fakes = self._update_generator(g_tape, fakes, y)
        with tf.GradientTape() as g_tape:
            second_fakes = self.generator(z, y, moves=1)
        result["g_loss"], _ = self._update_generator(g_tape, second_fakes, y)
        if evaluate:
            result |= self._evaluate(images, z, y)
        if watch:
            d, d_ = tf.sigmoid(logits_of_reals), tf.sigmoid(logits_of_fakes)
            result |= {"d": d, "d_": d_, "G": fakes}
        return result

    def _update_discriminator(
        self, images: tf.Tensor, fakes: tf.Tensor, y: tf.Tensor | None
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Update D -> the losses of its pass, and its logits of the real images."""
        variables = self.discriminator.trainable()
        with tf.GradientTape() as tape:
            logits_of_reals = self.discriminator(images, y, moves=1)
            d_loss_real = real_loss(logits_of_reals)
            d_loss_fake = fake_loss(self.discriminator(fakes, y, moves=1))
            d_loss = d_loss_real + d_loss_fake
        self.d_optim.apply(variables, tape.gradient(d_loss, variables))
        losses = {"d_loss": d_loss, "d_loss_real": d_loss_real, "d_loss_fake": d_loss_fake}
        return losses, logits_of_reals

    def _update_generator(
        self, g_tape: tf.GradientTape, fakes: tf.Tensor, y: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Update G by what D says of `fakes`, which `g_tape` saw G make -> g_loss, D's logits."""
        # D's own weights are not watched: no gradient is computed for them.
        with tf.GradientTape(watch_accessed_variables=False) as d_tape:
            d_tape.watch(fakes)
            logits = self.discriminator(fakes, y, moves=1)
            g_loss = real_loss(logits)
        variables = self.generator.trainable()
        gradients = g_tape.gradient(fakes, variables, d_tape.gradient(g_loss, fakes))
        self.g_optim.apply(variables, gradients)
        return g_loss, logits

    def _evaluate(
        self, images: tf.Tensor, z: tf.Tensor, y: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        """The printed losses: three passes in the original, two of them the same (moves=2)."""
        logits_of_fakes = self.discriminator(self.generator(z, y, moves=2), y, moves=2)
        return {
            "eval_d_loss_fake": fake_loss(logits_of_fakes),
            "eval_d_loss_real": real_loss(self.discriminator(images, y, moves=1)),
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

    def save(self, checkpoint_dir: str | Path, step: int, max_to_keep: int = 5) -> Path:
        """Write DCGAN.model-{step} and, beside it, the settings that shape the networks.

        Weights, moving averages, both Adams and the step are saved; the oldest checkpoints of
        the folder beyond `max_to_keep` are deleted. Returns the checkpoint's path prefix.

        Raises:
            RunError: the files cannot be written.
        """
        write_json(Path(checkpoint_dir) / SETTINGS_FILE, self.settings)
        self.step.assign(step)
        manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(dcgan=self),
            str(checkpoint_dir),
            max_to_keep=max_to_keep,
            checkpoint_name=CHECKPOINT_NAME,
        )
        try:
            return Path(manager.save(checkpoint_number=step))
        except tf.errors.OpError as error:
            reason = f"the checkpoint of step {step} cannot be written: {error.message}"
            raise RunError(f"{checkpoint_dir}: {reason}") from error

    def load(self, checkpoint_dir: str | Path) -> tuple[bool, int]:
        """Restore the last checkpoint of a folder -> (whether there was one, its step).

        Raises:
            UserError: the checkpoint is of networks of another shape; names each difference.
            RunError: the checkpoint's files cannot be read.
        """
        path = latest_checkpoint(checkpoint_dir)
        if path is None:
            return False, 0
        stored = read_json(Path(checkpoint_dir) / SETTINGS_FILE)
        if stored:
            refuse_other_shape(stored, self.settings, checkpoint_dir)
        try:
            status = tf.train.Checkpoint(dcgan=self).restore(str(path))
            status.assert_existing_objects_matched()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            reason = str(error).strip().split("\n")[0]
            raise RunError(f"{path} cannot be read: {reason}") from error
        return True, int(self.step)


def latest_checkpoint(checkpoint_dir: str | Path) -> Path | None:
    """The path prefix of the newest checkpoint in a folder, None where there is none.

    The folder's `checkpoint` file says which; only the name counts, as folders get moved. Where it
    names a file that is not there, the checkpoint of the highest step is taken.
    """
    folder = Path(checkpoint_dir)
    state = tf.train.get_checkpoint_state(str(folder))
    named = folder / Path(state.model_checkpoint_path).name if state else None
    if named and named.with_name(f"{named.name}.index").is_file():
        return named
    steps = {
        int(number): path.with_suffix("")
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.suffix == ".index" and (number := path.stem.rpartition("-")[2]).isdigit()
    }
    return steps[max(steps)] if steps else None


def refuse_other_shape(
    stored: Mapping[str, Any], given: Mapping[str, Any], checkpoint_dir: str | Path
) -> None:
    """Compare what `given` holds of NETWORK_SETTINGS with the settings stored with a checkpoint.

    Raises:
        UserError: they differ; names each difference.
    """
    differences = [
        f"{name} is {stored[name]}, not {given[name]}"
        for name in NETWORK_SETTINGS
        if name in stored and name in given and stored[name] != given[name]
    ]
    if differences:
        raise UserError(
            f"the networks in {checkpoint_dir} are of another shape: {', '.join(differences)}. "
            "Give the stored values, or another --checkpoint_dir"
        )


def real_loss(logits: tf.Tensor) -> tf.Tensor:
    """Mean sigmoid cross entropy of logits against ones, a scalar."""
    return _mean_cross_entropy(logits, tf.ones_like(logits))


def fake_loss(logits: tf.Tensor) -> tf.Tensor:
    """Mean sigmoid cross entropy of logits against zeros, a scalar."""
    return _mean_cross_entropy(logits, tf.zeros_like(logits))


def _mean_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def parameter_table(dcgan: DCGAN) -> str:
    """A line for every trained variable (name, shape, count), then the total."""
    rows = []
    total = 0
    for name, variable in dcgan.named_variables().items():
        if variable.trainable:
            count = math.prod(variable.shape)
            total += count
            rows.append(f"{name:32} {variable.shape.as_list()!s:22} {count:>12,}")
    return "\n".join([*rows, f"{'total':32} {'':22} {total:>12,}"])
