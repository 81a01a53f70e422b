"""An image back to z: the latent vector whose picture is nearest to it, by gradient descent."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generation.latent import within
from support.streams import draw_z, random_stream
from utils import one_hot, sample_pixels, to_range

if TYPE_CHECKING:
    import tensorflow as tf

    from model import DCGAN

STARTS, STARTS_A_LABEL = 16, 4  # without labels, and for each of them
STEPS = 300
SIFTED_AFTER = 0.2  # of the steps; then only the best KEPT of the starts go on
KEPT = 0.25
LEARNING_RATE = 0.1  # of the first step; falls to 0 along half a cosine
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-12
LINES = 6

Loss = Callable[[np.ndarray, np.ndarray | None, np.ndarray], tuple["tf.Tensor", "tf.Tensor"]]


class Projection(NamedTuple):
    """What was found: z [1, z_dim], its label, its picture, and how near that is, in dB.

    label: None without labels. pixels: uint8 [H, W, C]. psnr: of the pixels, inf if they are equal.
    """

    z: np.ndarray
    label: int | None
    pixels: np.ndarray
    psnr: float


def loss_of(dcgan: "DCGAN") -> Loss:
    """A function of z [N, z_dim], y [N, y_dim] or None and an image [H, W, C] in the value range.

    It returns the mean squared error of each z's picture [N], and its gradient by z [N, z_dim].
    One serves for many images.
    """
    # generate.py's command line takes its defaults from here before TensorFlow is loaded.
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def loss(z: tf.Tensor, y: tf.Tensor | None, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            pictures = dcgan.generator(z, y, moves=0)
            errors = tf.reduce_mean(tf.math.squared_difference(pictures, image), [1, 2, 3])
        return errors, tape.gradient(errors, z)

    return lambda z, y, image: loss(
        tf.constant(z, tf.float32), None if y is None else tf.constant(y), tf.constant(image)
    )


def project(
    dcgan: "DCGAN",
    loss: Loss,
    pixels: np.ndarray,
    labels: list[int],
    z_dist: str,
    seed: int,
    *,
    steps: int = STEPS,
    starts: int | None = None,
    say: Callable[[str], object] = print,
) -> Projection:
    """Find the z of an image, uint8 [H, W, C] of the networks' size.

    Several z drawn from `z_dist` descend side by side by Adam; the better ones go on, the best is
    taken. With labels the starts take turns through `labels`, and the best tells the label. z
    never leaves where `z_dist` draws from (latent.within).

    Args:
        dcgan: the networks.
        loss: what loss_of gave for them.
        pixels: the image.
        labels: class numbers to try; [] without labels.
        z_dist: where the run's z are drawn from.
        seed: decides the starts.
        steps, starts: more find more, in proportionally more time. None: STARTS and so on.
        say: told the loss of the best a few times underway.
    """
    image = to_range(pixels, dcgan.value_range)
    scale = dcgan.value_range[1] - dcgan.value_range[0]
    count = max(starts or STARTS_A_LABEL * len(labels) or STARTS, len(labels))
    z = draw_z(random_stream(seed, "project"), z_dist, count, dcgan.z_dim)
    tried = np.array([labels[k % len(labels)] for k in range(count)] if labels else [])
    m, v = np.zeros_like(z), np.zeros_like(z)
    sifted_after = round(SIFTED_AFTER * steps)
    for step in range(1, steps + 1):
        y = one_hot(tried, dcgan.y_dim) if dcgan.y_dim else None
        errors, gradient = (tensor.numpy() for tensor in loss(z, y, image))
        if step % math.ceil(steps / LINES) == 1 or steps == 1:
            best = float(errors.min())
            say(f"step {step} of {steps}: loss {best:.6f}, {_decibels(best / scale**2):.1f} dB")
        if step == sifted_after:
            better = np.argsort(errors)[: math.ceil(KEPT * count)]
            z, m, v, gradient = (array[better] for array in (z, m, v, gradient))
            tried = tried[better] if labels else tried
        m = BETA1 * m + (1 - BETA1) * gradient
        v = BETA2 * v + (1 - BETA2) * gradient**2
        rate = LEARNING_RATE * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
        rate *= math.sqrt(1 - BETA2**step) / (1 - BETA1**step)
        z = within(z - rate * m / (np.sqrt(v) + EPSILON), z_dist).astype(np.float32)
    pictures = sample_pixels(dcgan, z, tried if labels else None)
    differences = pictures.astype(np.float32) - pixels
    errors = np.mean(differences**2, axis=(1, 2, 3)) / 255**2
    best = int(errors.argmin())
    label = int(tried[best]) if labels else None
    return Projection(z[best : best + 1], label, pictures[best], _decibels(float(errors[best])))


def _decibels(error: float) -> float:
    """Peak signal to noise ratio of a mean squared error of values in 0 ... 1."""
    return math.inf if error == 0 else -10 * math.log10(error)
