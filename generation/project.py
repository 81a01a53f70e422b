"""The z whose picture is nearest to an image, by gradient descent."""

import argparse
import functools
import math
import os
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datasets.image_files import Loaded, quiet_pillow
from generation.flags import add_setting, refuse_to_replace_inputs
from generation.inputs import add_images, files_of, loaded_images, say_unknown_geometry
from generation.latent import within
from generation.selection import as_typed, chosen_labels
from support.console import Say, positive, say, say_written
from support.errors import UserError
from support.files import remove_old
from support.npy import write_npy
from support.streams import draw_z, random_stream
from support.text import shown
from utils import one_hot, sample_pixels, save_sheet, to_range

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

FOLDER = "projected"
STARTS, STARTS_A_LABEL = 16, 4  # without labels, and for each of them
STEPS = 300
SIFTED_AFTER = 0.2  # of the steps; then only the best KEPT of the starts go on
KEPT = 0.25
LEARNING_RATE = 0.1  # of the first step; falls to 0 along half a cosine
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-12
LINES = 6
FAR_OFF = 15.0  # dB
LONGEST_NAME = 180  # bytes of an image's name; file systems take 255, and results have more


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_images(parser)
    add_setting(parser, "z_dist", "where z may lie [the run's]")
    few = f"z to begin with [{STARTS}, or {STARTS_A_LABEL} a label]"
    parser.add_argument("--starts", type=positive, metavar="N", help=few)
    descent = f"steps of the descent [{STEPS}]"
    parser.add_argument("--steps", type=positive, default=STEPS, metavar="N", help=descent)
    add_setting(parser, "seed", "decides the starts [0]")


def check(arguments: argparse.Namespace) -> None:
    """Replace folders by the pictures in them; refuse two images whose results share a name."""
    arguments.images = files_of(arguments.images)
    (stem, times), *_ = Counter(path.stem for path in arguments.images).most_common()
    if times > 1:
        raise UserError(f"{times} of the images are called {stem}: project them one at a time")
    for path in arguments.images:
        if len(os.fsencode(path.stem)) > LONGEST_NAME:
            raise UserError(
                f"{shown(path.name)}: too long a name to name results after: shorten it"
            )


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write for each image a sheet and the z; print where they are, and how to use the z."""
    for path in arguments.images:
        refuse_to_replace_inputs(arguments, *_results_of(path, arguments.out))
    labels = chosen_labels(trained, arguments, say) or list(range(len(trained.classes)))
    say_unknown_geometry(trained, say)
    images = _readable(trained, arguments.images)
    dcgan, z_dist = trained.dcgan, trained.settings.z_dist
    steps, starts, seed = arguments.steps, arguments.starts, arguments.seed or 0
    for path, image in images:
        done = f" ({', '.join(image.done)})" if image.done else ""
        say(f"projecting {path}{done}")
        found = project(dcgan, image.pixels, labels, z_dist, seed, say, steps, starts)
        pair = np.stack([image.pixels, found.pixels])
        captions = ["given", f"found: {found.psnr:.1f} dB"]
        sheet, z_file = _results_of(path, arguments.out)
        remove_old(z_file)
        say_written(save_sheet(pair, captions, sheet, (1, 2)))
        say_written(write_npy(z_file, "<f4", found.z.shape, [found.z]))
        far = " (far off: this run cannot draw it)" if found.psnr < FAR_OFF else ""
        again = _command(trained, arguments, z_file, found.label)
        say(f"PSNR {found.psnr:.1f} dB{far}; the picture alone: {again}")


def _results_of(image: Path, folder: Path) -> tuple[Path, Path]:
    """Where the sheet and the z of an image go."""
    return folder / f"{image.stem}_projection.png", folder / f"{image.stem}_z.npy"


def _readable(trained: "Trained", files: list[Path]) -> list[tuple[Path, Loaded]]:
    """All images, read before the first is projected, because that takes long."""
    images = []
    with quiet_pillow():
        for path, result in loaded_images(trained, files):
            if isinstance(result, str):
                raise UserError(f"{path}: {result}")
            images.append((path, result))
    return images


def _command(
    trained: "Trained", arguments: argparse.Namespace, z_file: Path, label: int | None
) -> str:
    """The command line that makes the picture of a z that was found."""
    words = ["python", "generate.py", "--run", str(arguments.run), "--z", str(z_file)]
    for flag in ("which", "weights", "output_height", "output_width"):
        if (value := getattr(arguments, flag)) is not None:
            words += [f"--{flag}", str(value)]
    if label is not None:
        words += ["--label", as_typed(label, trained.classes)]
    return shlex.join(words)


class Projection(NamedTuple):
    """z [1, z_dim], its label or None, its picture uint8 [H, W, C], and how near that is, in dB."""

    z: np.ndarray
    label: int | None
    pixels: np.ndarray
    psnr: float


def project(
    dcgan: "DCGAN",
    pixels: np.ndarray,
    labels: list[int],
    z_dist: str,
    seed: int,
    say: Say,
    steps: int = STEPS,
    starts: int | None = None,
) -> Projection:
    """Find the z of an image, uint8 [H, W, C] of the networks' size.

    Several z drawn from `z_dist` descend side by side by Adam; after some steps only the better
    ones go on, and the best is the result. z stays where `z_dist` draws from (latent.within).

    Args:
        dcgan, pixels: the networks and the image.
        labels: class numbers that the starts take turns through; the best one decides the label.
        z_dist, seed: decide the starts.
        say: gets a line with the best loss a few times underway.
        steps, starts: more find more, in proportionally more time. starts None: STARTS without
            labels, STARTS_A_LABEL for each label.
    """
    # The command line takes its defaults from this file before TensorFlow is loaded.
    import tensorflow as tf

    from gan.adam import Adam

    loss, image = _loss_of(dcgan), to_range(pixels, dcgan.value_range)
    low, high = dcgan.value_range
    count = max(starts or STARTS_A_LABEL * len(labels) or STARTS, len(labels))
    y = one_hot(np.resize(labels, count), dcgan.y_dim) if dcgan.y_dim else None
    z = tf.Variable(draw_z(random_stream(seed, "project"), z_dist, count, dcgan.z_dim))
    adam = Adam({"z": z}, LEARNING_RATE, BETA1, BETA2, EPSILON)
    for step in range(1, steps + 1):
        errors, gradient = loss(z.value(), y, image)
        if (step - 1) % math.ceil(steps / LINES) == 0:
            best = float(tf.reduce_min(errors))
            say(f"step {step} of {steps}: loss {best:.6f}, {_decibels(best, high - low):.1f} dB")
        rate = LEARNING_RATE * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
        adam.apply({"z": z}, {"z": gradient}, rate)
        z.assign(within(z.numpy(), z_dist))
        if step == round(SIFTED_AFTER * steps):
            better = np.argsort(errors)[: math.ceil(KEPT * count)]
            y = None if y is None else y[better]
            z = tf.Variable(z.numpy()[better])
            for moments in (adam.m, adam.v):
                moments["z"] = tf.Variable(moments["z"].numpy()[better])
    pictures = sample_pixels(dcgan, z.numpy(), y)
    errors = np.mean((pictures.astype(np.float32) - pixels) ** 2, axis=(1, 2, 3))
    k = int(np.argmin(errors))
    label = None if y is None else int(y[k].argmax())
    return Projection(z.numpy()[[k]], label, pictures[k], _decibels(float(errors[k]), 255))


@functools.lru_cache(maxsize=1)  # tracing takes seconds, and one serves for many images
def _loss_of(dcgan: "DCGAN") -> Callable:
    """A function of z [N, z_dim], y [N, y_dim] or None, and an image [H, W, C] in the value range.

    It returns the mean squared error of each z's picture [N], and its gradient by z [N, z_dim].
    """
    import tensorflow as tf

    @tf.function(reduce_retracing=True, autograph=False)
    def loss(z: tf.Tensor, y: tf.Tensor | None, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            difference = tf.math.squared_difference(dcgan.sampler(z, y), image)
            errors = tf.reduce_mean(difference, [1, 2, 3])
        return errors, tape.gradient(errors, z)

    return loss


def _decibels(error: float, width: float) -> float:
    """Peak signal to noise ratio of a mean squared error of values in a range of that width."""
    return math.inf if error == 0 else 10 * math.log10(width**2 / error)
