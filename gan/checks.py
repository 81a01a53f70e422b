"""What a DCGAN is given, held against what it takes: types, shapes and ranges.

Everything is checked before TensorFlow traces or runs a graph, and the graphs know nothing of it.
While a function is being traced there are no values: then types and shapes are all that is checked.
"""

from numbers import Integral
from typing import Any

import numpy as np
import tensorflow as tf

from gan.config import NetworkConfig
from support.console import print_note
from support.streams import FARTHEST_Z

BEYOND = 0.1  # of the value range: a resized image may overshoot
TO_RANGE = "utils.to_range(pixels, dcgan.value_range) makes them of uint8 pixels"
EYE = "np.eye(dcgan.y_dim)[labels] makes one-hot rows of class numbers"
TAGS = "give 1 for each tag, 0 for the others"
Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]  # images, z, y
ROUNDING = 1e-3  # of a sum of floats that should be 1


class Inputs:
    """What one DCGAN takes, and gives its networks as float32 tensors.

    Arrays, tensors and nested lists are taken; N is any number of images, z and labels. Each method
    raises a ValueError that names the argument, what was found and what is wanted.
    """

    def __init__(self, config: NetworkConfig, value_range: tuple[float, float]):
        self._image_shape, self._z_dim = (*config.size, config.c_dim), config.z_dim
        self._y_dim, self._value_range = config.y_dim, value_range
        self._labels_are, self._y_hint = ("tags", TAGS) if config.tags else ("one-hot labels", EYE)
        self._refuse_other_y = _refuse_not_tags if config.tags else _refuse_not_one_hot
        self._range_hint = "values in {:g} ... {:g}; ".format(*value_range) + TO_RANGE
        self._has_seen_a_batch = False

    def of_step(self, images: Any, z: Any, y: Any) -> Batch:
        """A batch to train on: images, z and y.

        The values of images and y are looked at in the first batch only, and the others taken to be
        like it: a look takes time, and who forgets the scale does so from the start.
        """
        images, z, y = self._images(images), self._z(z), self._labels(y)
        _refuse_other_counts(images=images, z=z, y=y)
        if images.shape[0] == 0:
            raise ValueError("images: there are 0, and a step needs one at least")
        _refuse_far(z)
        if not self._has_seen_a_batch:
            self._refuse_outside(images, also_note=True)
            self._refuse_other_y(y)
            self._has_seen_a_batch = tf.executing_eagerly()
        return images, z, y

    def of_g(self, z: Any, y: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
        """z and y to make images of. Z whose pictures would be noise of overflows are refused."""
        z, y = self._z(z), self._labels(y)
        _refuse_other_counts(z=z, y=y)
        _refuse_far(z)
        self._refuse_other_y(y)
        return z, y

    def of_d(self, images: Any, y: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Images and y to ask D about."""
        images, y = self._images(images), self._labels(y)
        _refuse_other_counts(images=images, y=y)
        self._refuse_outside(images)
        self._refuse_other_y(y)
        return images, y

    def _images(self, images: Any) -> tf.Tensor:
        hint = self._range_hint
        return _float32("images", images, self._image_shape, hint, whole_numbers=False)

    def _z(self, z: Any) -> tf.Tensor:
        return _float32("z", z, (self._z_dim,), "z_dim is the last number")

    def _labels(self, y: Any) -> tf.Tensor | None:
        if bool(self._y_dim) != (y is not None):
            wanted = f"{self._labels_are} [N, {self._y_dim}]" if self._y_dim else "no labels"
            raise ValueError(f"these networks take {wanted}: pass y accordingly")
        return _float32("y", y, (self._y_dim,), self._y_hint) if self._y_dim else None

    def _refuse_outside(self, images: tf.Tensor, also_note: bool = False) -> None:
        """Refuse images outside of the value range; also note such as seem to be of another."""
        if not tf.executing_eagerly() or not images.shape[0]:
            return
        (low, high), values = self._value_range, images.numpy()
        least, most, beyond = values.min(), values.max(), BEYOND * (high - low)
        if not (low - beyond <= least and most <= high + beyond):  # so it is with NaN
            found = f"values in {least:g} ... {most:g}, not in {low:g} ... {high:g}"
            raise ValueError(f"images: {found}; {TO_RANGE}")
        if also_note and low < 0 <= least:  # light pictures, or 0 ... 1
            print_note(
                f"no pixel of the first images is darker than middle grey: values in {least:g} ... "
                f"{most:g}, where black is {low:g} and white {high:g}"
            )


def seed(name: str, values: Any, is_needed: bool) -> tf.Tensor | None:
    """A seed of TensorFlow's stateless functions as an int32 tensor [2]; None if it is not needed.

    Raises:
        ValueError: it is something else, or None.
    """
    if not is_needed:
        return None
    if values is None:
        raise ValueError(f"{name} is missing: random numbers are drawn from it, int32 [2]")
    values = _array(values)
    dtype = tf.as_dtype(values.dtype)
    if not dtype.is_integer or tuple(values.shape) != (2,):
        raise ValueError(f"{name}: {dtype.name} {_words(values.shape)}, not int32 [2]")
    return tf.cast(values, tf.int32)


def share(name: str, value: Any) -> tf.Tensor:
    """A number between 0 and 1 as a float32 tensor.

    Raises:
        ValueError: it is something else.
    """
    if not tf.is_tensor(value) and (
        not isinstance(value, int | float | np.floating) or not 0 <= value <= 1
    ):
        raise ValueError(f"{name} is {value!r}, it must be a number from 0 to 1")
    return tf.cast(value, tf.float32)


def whole_number(name: str, value: Any, least: int) -> int:
    """A whole number, Python's or NumPy's, as Python's.

    Raises:
        ValueError: it is something else, or less than `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}, it must be a whole number, {least} or more")
    return int(value)


def _float32(
    name: str, values: Any, shape: tuple[int, ...], hint: str, whole_numbers: bool = True
) -> tf.Tensor:
    """Values [N, *shape], an array, a tensor or nested lists, as a float32 tensor.

    name, hint: what the error calls them, and adds. whole_numbers: whether they may be integers or
    truth values too.

    Raises:
        ValueError: they have another type or shape; names both.
    """
    values = _array(values)
    is_float32 = isinstance(values, np.ndarray) and values.dtype == np.float32
    if is_float32 and values.shape[1:] == shape:
        return tf.convert_to_tensor(values)  # as the training loop's: the rest takes longer
    dtype = tf.as_dtype(values.dtype)
    fits = dtype.is_floating or (whole_numbers and (dtype.is_integer or dtype.is_bool))
    if not fits or not tf.TensorShape(values.shape).is_compatible_with((None, *shape)):
        wanted = f"float32 [{', '.join(map(str, ('N', *shape)))}]"
        raise ValueError(f"{name}: {dtype.name} {_words(values.shape)}, not {wanted}: {hint}")
    if tf.is_tensor(values):
        return tf.cast(values, tf.float32)
    with np.errstate(over="ignore"):  # what becomes infinite is found where values are looked at
        return tf.convert_to_tensor(values.astype(np.float32, copy=False))


def _array(values: Any) -> Any:
    """An array, or the tensor that `values` are."""
    return values if isinstance(values, np.ndarray) or tf.is_tensor(values) else np.asarray(values)


def _refuse_other_counts(**batch: tf.Tensor | None) -> None:
    """Refuse parts of a batch that are not equally many.

    Raises:
        ValueError: says how many of each there are.
    """
    counts = {name: x.shape[0] for name, x in batch.items() if x is not None}  # or None
    if len({*counts.values()} - {None}) > 1:
        found = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise ValueError(f"a batch has equally many of each, not {found}")


def _refuse_far(z: tf.Tensor) -> None:
    """Refuse z that are not finite or farther out than any z is drawn, as far as they have values.

    Raises:
        ValueError: names the first row.
    """
    if tf.executing_eagerly():
        near = (np.abs(z.numpy()) <= FARTHEST_Z).all(1)  # NaN is not
        if not near.all():
            raise ValueError(
                f"z: row {near.argmin()} has NaN, or a number beyond {FARTHEST_Z:,.0f}"
            )


def _refuse_not_one_hot(y: tf.Tensor | None) -> None:
    """Refuse rows that name no class; a mixture of classes, which adds up to 1, names several.

    Raises:
        ValueError: names the first row.
    """
    if y is not None and tf.executing_eagerly():
        values = y.numpy()
        good = (values >= 0).all(1) & (np.abs(values.sum(1) - 1) <= ROUNDING)
        if not good.all():
            row = int(good.argmin())
            least, total = values[row].min(), values[row].sum()
            found = f"its least value is {least:g}, its sum {total:g}"
            raise ValueError(f"y: row {row} is not one-hot: {found}; {EYE}")


def _refuse_not_tags(y: tf.Tensor | None) -> None:
    """Refuse values of tags outside of 0 ... 1, as far as they are known.

    Raises:
        ValueError: names the first row.
    """
    if y is not None and tf.executing_eagerly():
        values = y.numpy()
        good = ((values >= 0) & (values <= 1)).all(1)  # NaN is not
        if not good.all():
            row = int(good.argmin())
            least, most = values[row].min(), values[row].max()
            found = f"values in {least:g} ... {most:g}"
            raise ValueError(f"y: row {row} has {found}: {TAGS}")


def _words(shape: Any) -> str:
    """A shape, as [N, 28, 28, 1] where N is not known."""
    return str(list(shape)).replace("None", "N")
