"""Differentiable augmentation, for small sets: what D sees of images, real and fake alike.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", with the paper's
policy "color,translation,cutout" and its amounts, which are for images in [-1, 1] and scaled for
others. D cannot learn the few real images by heart, because it never sees the same one twice; and
as the fakes that G is judged by are augmented too, G does not learn to make augmented images.
"""

import itertools
import math
from collections.abc import Callable

import tensorflow as tf

BRIGHTNESS = 0.5  # added or taken, at most, where black is -1 and white is 1
SATURATION = (0.0, 2.0)
CONTRAST = (0.5, 1.5)
TRANSLATION = 1 / 8  # of height and of width, at most
CUTOUT = 1 / 2  # of height and of width


Look = Callable[[tf.Tensor], tf.Tensor]


def look_of(value_range: tuple[float, float], seed: tf.Tensor | None) -> Look:
    """How D sees images float32 [B, H, W, C] in one training step: each time augmented anew.

    seed: int32 [2], of the step. Without one D sees them as they are.
    """
    times = itertools.count(1)

    def look(images: tf.Tensor) -> tf.Tensor:
        if seed is None:
            return images
        return augmented(images, value_range, other(seed, next(times) << 16))

    return look


def augmented(images: tf.Tensor, value_range: tuple[float, float], seed: tf.Tensor) -> tf.Tensor:
    """Colour, then translation, then cutout, with numbers of its own for each image.

    Args:
        images: float32 [B, H, W, C], B and C any number; nothing is clipped to `value_range`.
        value_range: what black and white are; the middle is what moves in and what is cut out.
        seed: int32 [2]; further seeds are made by adding to its second number.
    """
    low, high = value_range
    middle, half = (low + high) / 2, (high - low) / 2
    x = coloured(images - middle, half, seed)
    x = cut_out(translated(x, seed), seed)
    return x + middle


def coloured(x: tf.Tensor, half: float, seed: tf.Tensor) -> tf.Tensor:
    """Brightness, saturation (colour only) and contrast of x [B, H, W, C], grey being 0."""
    shape = (tf.shape(x)[0], 1, 1, 1)
    x += half * _uniform(shape, seed, 1, -BRIGHTNESS, BRIGHTNESS)
    if x.shape[3] > 1:
        grey = tf.reduce_mean(x, 3, keepdims=True)
        x = grey + (x - grey) * _uniform(shape, seed, 2, *SATURATION)
    mean = tf.reduce_mean(x, [1, 2, 3], keepdims=True)
    return mean + (x - mean) * _uniform(shape, seed, 3, *CONTRAST)


def translated(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Images x [B, H, W, C] moved by whole pixels; zeros move in.

    By products with shifted unit matrices, whose gradient is fast and has one order of summing.
    """
    count, (height, width, channels) = tf.shape(x)[0], x.shape[1:]
    rows = _shift_matrices(count, height, seed, 4)
    columns = _shift_matrices(count, width, seed, 5)
    x = tf.matmul(rows, tf.reshape(x, [-1, height, width * channels]))
    x = tf.transpose(tf.reshape(x, [-1, height, width, channels]), [0, 2, 1, 3])
    x = tf.matmul(columns, tf.reshape(x, [-1, width, height * channels]))
    return tf.transpose(tf.reshape(x, [-1, width, height, channels]), [0, 2, 1, 3])


def _shift_matrices(count: tf.Tensor, length: int, seed: tf.Tensor, purpose: int) -> tf.Tensor:
    """Matrices [count, length, length], each of which moves the entries of a column."""
    most = math.floor(length * TRANSLATION + 0.5)
    shifts = _integers((count, 1), seed, purpose, -most, most + 1)
    return tf.one_hot(tf.range(length) - shifts, length)  # outside of the image: no one


def cut_out(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A rectangle of half the height and width of x [B, H, W, C] set to 0, also over the edge."""
    count, (height, width) = tf.shape(x)[0], x.shape[1:3]
    rows = _window(count, height, seed, 6)[:, :, tf.newaxis, tf.newaxis]
    columns = _window(count, width, seed, 7)[:, tf.newaxis, :, tf.newaxis]
    return x * (1 - rows * columns)


def _window(count: tf.Tensor, length: int, seed: tf.Tensor, purpose: int) -> tf.Tensor:
    """Ones where the rectangle is along one axis: float32 [count, length]."""
    size = math.floor(length * CUTOUT + 0.5)
    centre = _integers((count, 1), seed, purpose, 0, length + 1 - size % 2)
    start = centre - size // 2
    places = tf.range(length)
    return tf.cast((places >= start) & (places < start + size), tf.float32)


def other(seed: tf.Tensor, number: int) -> tf.Tensor:
    """A seed for each number."""
    return seed + tf.constant((0, number))


def _uniform(shape: tuple, seed: tf.Tensor, purpose: int, low: float, high: float) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, other(seed, purpose), low, high)


def _integers(shape: tuple, seed: tf.Tensor, purpose: int, low: int, high: int) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, other(seed, purpose), low, high, tf.int32)
