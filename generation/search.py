"""The search for a z whose picture fits: what `project` and `complete` share."""

import argparse
import math
import os
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datasets.image_files import Loaded, quiet_pillow
from generation.flags import add_setting
from generation.inputs import add_images, files_of, loaded_images, say_unknown_geometry
from generation.latent import within
from generation.selection import as_typed, chosen_labels
from support.console import Say, positive, say
from support.errors import UserError
from support.npy import write_npy
from support.streams import draw_z, random_stream
from support.text import shown

if TYPE_CHECKING:
    import tensorflow as tf

    from model import DCGAN
    from runs.opened import Trained

STARTS, STARTS_A_LABEL = 16, 4  # without labels, and for each of them
STEPS = 300
SIFTED_AFTER = 0.2  # of the steps; then only the best KEPT of the starts go on
KEPT = 0.25
LEARNING_RATE = 0.1  # of the first step; falls to 0 along half a cosine
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-12
LINES = 6
LONGEST_NAME = 180  # bytes of an image's name; file systems take 255, and results have more

# Of z [N, z_dim] and y [N, y_dim] or None: how badly each fits [N], and the gradient by z.
Misfit = Callable[["tf.Tensor", np.ndarray | None], tuple["tf.Tensor", "tf.Tensor"]]


def add_search(parser: argparse.ArgumentParser) -> None:
    """Add the images and the flags of the search."""
    add_images(parser)
    add_setting(parser, "z_dist", "where z may lie [the run's]")
    few = f"z to begin with [{STARTS}, or {STARTS_A_LABEL} a label]"
    parser.add_argument("--starts", type=positive, metavar="N", help=few)
    descent = f"steps of the descent [{STEPS}]"
    parser.add_argument("--steps", type=positive, default=STEPS, metavar="N", help=descent)
    add_setting(parser, "seed", "decides the starts [0]")


def check_search(arguments: argparse.Namespace) -> None:
    """Replace folders by the pictures in them; refuse images after which no results can be named.

    Raises:
        UserError: two have the same name, or one has too long a name.
    """
    arguments.images = files_of(arguments.images, say)
    (stem, times), *_ = Counter(path.stem for path in arguments.images).most_common()
    if times > 1:
        raise UserError(f"{times} of the images are called {stem}: give them one at a time")
    for path in arguments.images:
        if len(os.fsencode(path.stem)) > LONGEST_NAME:
            raise UserError(
                f"{shown(path.name)}: too long a name to name results after: shorten it"
            )


def begin(
    trained: "Trained", arguments: argparse.Namespace, say: Say
) -> tuple["Search", list[tuple[Path, Loaded]]]:
    """The search that a command line asks for, and its images, all of which can be read.

    Raises:
        UserError: one cannot be read, or there is no such class.
    """
    labels = chosen_labels(trained, arguments, say) or list(range(len(trained.classes)))
    settings = (trained.settings.z_dist, arguments.seed or 0, say, arguments.steps)
    say_unknown_geometry(trained, say)
    search = Search(labels, *settings, arguments.starts)
    return search, _readable(trained, arguments.images)


def _readable(trained: "Trained", files: list[Path]) -> list[tuple[Path, Loaded]]:
    """All images, read before the first is searched for, because that takes long.

    Raises:
        UserError: one cannot be read.
    """
    images = []
    with quiet_pillow():
        for path, result in loaded_images(trained, files):
            if isinstance(result, str):
                raise UserError(f"{path}: {result}")
            images.append((path, result))
    return images


def as_loaded(path: Path, image: Loaded) -> str:
    """The path of an image, and what it took to fit the networks."""
    return f"{path} ({', '.join(image.done)})" if image.done else str(path)


def results_of(image: Path, folder: Path, *kinds: str) -> list[Path]:
    """Where the pictures of these kinds and, last, the z of an image go."""
    pictures = [folder / f"{image.stem}_{kind}.png" for kind in kinds]
    return [*pictures, folder / f"{image.stem}_z.npy"]


def write_z(found: "Found", path: Path) -> Path:
    """Write the z as generate.py --z takes it; returns the path."""
    return write_npy(path, "<f4", found.z.shape, [found.z])


def command_of(
    trained: "Trained", arguments: argparse.Namespace, z_file: Path, found: "Found"
) -> str:
    """The command line that makes the picture of what was found and written to `z_file`."""
    words = ["python", "generate.py", "--run", str(arguments.run), "--z", str(z_file)]
    for flag in ("which", "weights", "output_height", "output_width"):
        if (value := getattr(arguments, flag)) is not None:
            words += [f"--{flag}", str(value)]
    if found.label is not None:
        words += ["--label", as_typed(found.label, trained.classes)]
    return shlex.join(words)


class Search(NamedTuple):
    """How to search.

    labels: class numbers that the starts take turns through; the best start decides the label.
    z_dist, seed: decide the starts. steps, starts: more find more, in proportionally more time;
    starts None: STARTS without labels, STARTS_A_LABEL for each label. say: gets a line with the
    least loss a few times underway.
    """

    labels: list[int]
    z_dist: str
    seed: int
    say: Say
    steps: int = STEPS
    starts: int | None = None


class Found(NamedTuple):
    """One z [1, z_dim] and its label, or None."""

    z: np.ndarray
    label: int | None


def with_gradient(misfit: Callable[..., "tf.Tensor"]) -> Callable:
    """How badly each z fits, as a graph that also gives the gradient by z.

    misfit: of z [N, z_dim], y [N, y_dim] or None, and what else it is given: float32 [N].
    """
    import tensorflow as tf

    @tf.function(reduce_retracing=True, autograph=False)
    def both(
        z: "tf.Tensor", y: "tf.Tensor | None", *given: "tf.Tensor"
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            errors = misfit(z, y, *given)
        return errors, tape.gradient(errors, z)

    return both


def descend(
    dcgan: "DCGAN", misfit: Misfit, search: Search, words: Callable[[float], str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Improve several z side by side by Adam; after some steps only the better ones go on.

    z stays where `search.z_dist` draws from (latent.within). words: what to say of the least loss.
    Returns the z that went on, [N, z_dim], and their y, one-hot [N, y_dim] or None.
    """
    # The command line takes its defaults from this file before TensorFlow is loaded.
    import tensorflow as tf

    from gan.adam import Adam
    from utils import one_hot

    labels, steps = search.labels, search.steps
    count = max(search.starts or STARTS_A_LABEL * len(labels) or STARTS, len(labels))
    y = one_hot(np.resize(labels, count), dcgan.y_dim) if dcgan.y_dim else None
    stream = random_stream(search.seed, "project")
    z = tf.Variable(draw_z(stream, search.z_dist, count, dcgan.z_dim))
    adam = Adam({"z": z}, LEARNING_RATE, BETA1, BETA2, EPSILON)
    for step in range(1, steps + 1):
        errors, gradient = misfit(z.value(), y)
        if (step - 1) % math.ceil(steps / LINES) == 0:
            search.say(f"step {step} of {steps}: {words(float(tf.reduce_min(errors)))}")
        rate = LEARNING_RATE * (1 + math.cos(math.pi * (step - 1) / steps)) / 2
        adam.apply({"z": z}, {"z": gradient}, rate)
        z.assign(within(z.numpy(), search.z_dist))
        if step == round(SIFTED_AFTER * steps):
            better = np.argsort(errors)[: math.ceil(KEPT * count)]
            y = None if y is None else y[better]
            z = tf.Variable(z.numpy()[better])
            for moments in (adam.m, adam.v):
                moments["z"] = tf.Variable(moments["z"].numpy()[better])
    return z.numpy(), y


def found_of(z: np.ndarray, y: np.ndarray | None, k: int) -> Found:
    """Number k of what `descend` returns."""
    return Found(z[[k]], None if y is None else int(y[k].argmax()))


def decibels(error: float, width: float) -> float:
    """Peak signal to noise ratio of a mean squared error of values in a range of that width."""
    return math.inf if error == 0 else 10 * math.log10(width**2 / error)
