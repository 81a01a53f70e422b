"""The z whose picture is nearest to an image, by gradient descent."""

import argparse
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from generation.flags import refuse_to_replace_inputs
from generation.search import (
    Found,
    Search,
    add_search,
    as_loaded,
    begin,
    check_search,
    command_of,
    decibels,
    descend,
    found_of,
    results_of,
    with_gradient,
    write_z,
)
from support.console import say, say_written
from support.files import remove_old
from utils import sample_pixels, save_sheet, to_range

if TYPE_CHECKING:
    import tensorflow as tf

    from model import DCGAN
    from runs.opened import Trained

FOLDER = "projected"
KIND = "projection"
FAR_OFF = 15.0  # dB

add_flags = add_search
check = check_search


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write for each image a sheet and the z; print where they are, and how to use the z."""
    for path in arguments.images:
        refuse_to_replace_inputs(arguments, *results_of(path, arguments.out, KIND))
    search, images = begin(trained, arguments, say)
    for path, image in images:
        say(f"projecting {as_loaded(path, image)}")
        result = project(trained.dcgan, image.pixels, search)
        pair = np.stack([image.pixels, result.pixels])
        captions = ["given", f"found: {result.psnr:.1f} dB"]
        sheet, z_file = results_of(path, arguments.out, KIND)
        remove_old(z_file)
        say_written(save_sheet(pair, captions, sheet, (1, 2)))
        say_written(write_z(result.found, z_file))
        again = command_of(trained, arguments, z_file, result.found)
        far = " (far off: this run cannot draw it)" if result.psnr < FAR_OFF else ""
        say(f"PSNR {result.psnr:.1f} dB{far}; the picture alone: {again}")


class Projection(NamedTuple):
    """The z and label, their picture uint8 [H, W, C], and how near that is, in dB."""

    found: Found
    pixels: np.ndarray
    psnr: float


def project(dcgan: "DCGAN", pixels: np.ndarray, search: Search) -> Projection:
    """Find the z of an image, uint8 [H, W, C] of the networks' size."""
    loss, image = _loss_of(dcgan), to_range(pixels, dcgan.value_range)
    low, high = dcgan.value_range
    z, y = descend(
        dcgan,
        lambda z, y: loss(z, y, image),
        search,
        lambda least: f"loss {least:.6f}, {decibels(least, high - low):.1f} dB",
    )
    pictures = sample_pixels(dcgan, z, y)
    errors = np.mean((pictures.astype(np.float32) - pixels) ** 2, axis=(1, 2, 3))
    k = int(np.argmin(errors))
    return Projection(found_of(z, y, k), pictures[k], decibels(float(errors[k]), 255))


@functools.lru_cache(maxsize=1)  # tracing takes seconds, and one serves for many images
def _loss_of(dcgan: "DCGAN") -> Callable:
    """A function of z [N, z_dim], y [N, y_dim] or None, and an image [H, W, C] in the value range.

    It returns the mean squared error of each z's picture [N], and its gradient by z [N, z_dim].
    """
    import tensorflow as tf

    def loss(z: "tf.Tensor", y: "tf.Tensor | None", image: "tf.Tensor") -> "tf.Tensor":
        difference = tf.math.squared_difference(dcgan.sampler(z, y), image)
        return tf.reduce_mean(difference, [1, 2, 3])

    return with_gradient(loss)
