"""The training images closest to pictures: does the generator repeat what it has seen?"""

import argparse
import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from datasets.dataset import open_dataset
from generation.flags import add_range, add_setting, check_points
from generation.inputs import say_unknown_geometry
from generation.selection import chosen_labels, refuse_huge, selected
from support.console import positive, say, say_written
from support.errors import UserError
from support.streams import random_stream
from utils import save_sheet

if TYPE_CHECKING:
    from runs.opened import Trained

FOLDER = "nearest"
PICTURES = 10
REALS_COMPARED = 100  # with each other, to compare the distances with
BLOCK_VALUES = 2**24  # floats of training images that are compared at a time: 64 MiB


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_range(parser, str(PICTURES))
    each = "images for each [5]"
    parser.add_argument("--count", type=positive, default=5, metavar="N", help=each)
    add_setting(parser, "dataset")
    add_setting(parser, "data_dir")


check = check_points


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Print the distances, and write the pictures beside the images nearest to each."""
    labels = chosen_labels(trained, arguments, say)
    selection = selected(trained, arguments, labels, PICTURES, say)
    trained.refuse_unnamed_data()
    say_unknown_geometry(trained, say)
    refuse_huge(trained, selection.count, 1 + arguments.count)
    reals = _training_images(trained)
    pixels = selection.pixels(trained.dcgan)
    count = min(arguments.count, len(reals))
    found, distances = closest(pixels, reals, count)
    captions = []
    for name, own in zip(selection.names(), distances, strict=True):
        captions += [name, *(f"{distance:.1f}" for distance in own)]
        say(f"{name}: nearest {', '.join(captions[-count:])}")
    some = random_stream(0, "nearest").choice(len(reals), min(REALS_COMPARED, len(reals)), False)
    among = closest(reals[np.sort(some)], reals, 2)[1][:, -1]  # the first is the image itself
    say("distances are the root of the mean squared difference of pixels, 0 ... 255; medians:")
    say(f"to the nearest training image: {np.median(distances[:, 0]):.1f}")
    say(f"from a training image to the nearest other: {np.median(among):.1f}")
    path = arguments.out / f"nearest_{selection.names(slice(1))[0]}_{selection.count}.png"
    say_written(save_sheet(sheet_of(pixels, reals, found), captions, path, (len(found), 1 + count)))


def _training_images(trained: "Trained") -> np.ndarray:
    """The images of the run's data set, or of --dataset: uint8 [N, H, W, C]."""
    height, width, channels = trained.dcgan.image_shape
    own = trained.settings
    if own.is_idx_set and channels != 1:
        raise UserError(f"--dataset {own.dataset} is grey, this run is in colour: give another")
    # The run's own images lie decoded under the channels that were typed; others are converted.
    c_dim = channels if "dataset" in own.given else own.c_dim
    settings = dataclasses.replace(  # batches of one, which any number of images fills
        own, output_height=height, output_width=width, c_dim=c_dim, batch_size=1
    )
    data = open_dataset(settings, seed=0, say=say)
    if data.images.shape[-1] != channels:
        raise UserError(
            f"{own.dataset} has {data.text}: the run was trained with {channels} channels"
        )
    say(f"{own.dataset}: {data.text}")
    return data.images


def closest(pixels: np.ndarray, images: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` of `images` nearest to each of `pixels`, by their pixels, the nearest first.

    `pixels` are uint8 [Q, H, W, C], `images` [N, H, W, C], in memory or mapped from disk: they are
    read a block at a time. Returns their numbers, int [Q, count], and their distances, float
    [Q, count]: the root of the mean squared difference, 0 to 255.
    """
    queries = _centred(pixels)
    found = np.zeros((len(pixels), 0), int)
    distances = np.zeros((len(pixels), 0), np.float32)
    size = max(1, BLOCK_VALUES // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), size):
        block = _centred(images[start : start + size])
        # |a - b|^2 without |a|^2, which is the same for all images
        ours = np.square(block).sum(1) - 2 * queries @ block.T
        best = _least(ours, count)
        distances = np.concatenate([distances, np.take_along_axis(ours, best, 1)], 1)
        found = np.concatenate([found, start + best], 1)
        kept = _least(distances, count)
        found, distances = (np.take_along_axis(a, kept, 1) for a in (found, distances))
    found = np.sort(found, 1)
    exact = np.array([_distances(q, images[n]) for q, n in zip(pixels, found, strict=True)])
    order = np.argsort(exact, axis=1, kind="stable")
    return np.take_along_axis(found, order, 1), np.take_along_axis(exact, order, 1)


def sheet_of(pixels: np.ndarray, images: np.ndarray, found: np.ndarray) -> np.ndarray:
    """A row for each of `pixels`: itself, then the images found; uint8 [Q * (count + 1), ...]."""
    rows = np.concatenate([pixels[:, np.newaxis], images[found]], axis=1)
    return rows.reshape(-1, *pixels.shape[1:])


def _least(distances: np.ndarray, count: int) -> np.ndarray:
    """The columns of the `count` least of each row, in any order."""
    count = min(count, distances.shape[1])
    return np.argpartition(distances, count - 1, 1)[:, :count]


def _centred(pixels: np.ndarray) -> np.ndarray:
    """Rows of floats about 0, whose products lose fewer digits."""
    return pixels.reshape(len(pixels), -1).astype(np.float32) - np.float32(127.5)


def _distances(picture: np.ndarray, images: np.ndarray) -> np.ndarray:
    differences = images.astype(np.float64) - picture
    return np.sqrt(np.mean(differences**2, axis=(1, 2, 3)))
