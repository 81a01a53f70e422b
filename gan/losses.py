"""What D and G are trained by: a loss is a row of LOSSES, and everything else asks that row.

TensorFlow is loaded where it is used, so that a command line knows the names without it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Loss:
    """The losses of one kind of GAN. Logits are what D's last layer gives, [B, 1].

    d: logits of reals and of fakes -> (d_loss_real, d_loss_fake), scalars; D minimises their sum.
    g: logits of fakes -> g_loss, which G minimises.
    probability: logits -> how real D takes the images to be, as it is shown.
    penalty: a function that gives D's logits of images, reals and fakes -> a scalar that is added
    to D's loss. d_updates, g_updates: of one iteration, all on the same images and z.
    d_wins_below: a d_loss that stays under this says that D knows every fake; None if none does.
    """

    d: Callable[["tf.Tensor", "tf.Tensor"], tuple["tf.Tensor", "tf.Tensor"]]
    g: Callable[["tf.Tensor"], "tf.Tensor"]
    probability: Callable[["tf.Tensor"], "tf.Tensor"]
    penalty: Callable[[Callable, "tf.Tensor", "tf.Tensor"], "tf.Tensor"] | None = None
    d_updates: int = 1
    g_updates: int = 1
    d_wins_below: float | None = None


def real_loss(logits: "tf.Tensor") -> "tf.Tensor":
    """Mean sigmoid cross entropy of logits against ones, a scalar."""
    return _mean_cross_entropy(logits, real=True)


def fake_loss(logits: "tf.Tensor") -> "tf.Tensor":
    """Mean sigmoid cross entropy of logits against zeros, a scalar."""
    return _mean_cross_entropy(logits, real=False)


def _mean_cross_entropy(logits: "tf.Tensor", real: bool) -> "tf.Tensor":
    import tensorflow as tf

    labels = tf.ones_like(logits) if real else tf.zeros_like(logits)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def sigmoid(logits: "tf.Tensor") -> "tf.Tensor":
    """The probability of real that logits stand for: 1 is real, 0 is made."""
    import tensorflow as tf

    return tf.sigmoid(logits)


LOSSES = {
    # Goodfellow et al. 2014, section 3, with G's loss that does not saturate. The original updates
    # G twice, so that d_loss does not go to 0; the paper (Radford et al. 2016) once.
    "gan": Loss(
        d=lambda reals, fakes: (real_loss(reals), fake_loss(fakes)),
        g=real_loss,
        probability=sigmoid,
        g_updates=2,
        d_wins_below=0.05,
    ),
}
