"""The training images closest to pictures: does the generator repeat what it has seen?"""

import argparse
from typing import TYPE_CHECKING

import numpy as np

from datasets.dataset import open_dataset
from generation.flags import add_range, add_setting, check_points
from generation.inputs import say_unknown_geometry
from generation.selection import chosen_labels, refuse_huge, selected
from metrics.duplicates import closest
from metrics.reals import settings_of_data
from support.console import positive, say, say_written
from support.errors import UserError
from support.streams import random_stream
from support.text import counted
from utils import save_sheet

if TYPE_CHECKING:
    from runs.opened import Trained

FOLDER = "nearest"
PICTURES = 10
COUNT = 5  # images for each
REALS_COMPARED = 100  # with each other, to compare the distances with


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_range(parser, str(PICTURES))
    each = f"images for each [{COUNT}]"
    parser.add_argument("--count", type=positive, default=COUNT, metavar="N", help=each)
    add_setting(parser, "dataset")
    add_setting(parser, "data_dir")


check = check_points


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Print the distances, and write the pictures beside the images nearest to each."""
    labels = chosen_labels(trained, arguments, say)
    selection = selected(trained, arguments, labels, PICTURES, say)
    say_unknown_geometry(trained, say)
    refuse_huge(trained, selection.count, 1 + arguments.count)
    reals = _training_images(trained)
    pixels = selection.pixels(trained.dcgan)
    count = min(arguments.count, len(reals))
    if arguments.count > count:
        say(f"--count {arguments.count}: there are {counted(count, 'image')}")
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
    channels, name = trained.dcgan.image_shape[2], trained.settings.dataset
    data = open_dataset(settings_of_data(trained), seed=0, say=say)
    if data.images.shape[-1] != channels:
        raise UserError(
            f"{name} has {data.text}: the run was trained with {counted(channels, 'channel')}"
        )
    say(f"{name}: {data.text}")
    return data.images


def sheet_of(pixels: np.ndarray, images: np.ndarray, found: np.ndarray) -> np.ndarray:
    """A row for each of `pixels`: itself, then the images found; uint8 [Q * (count + 1), ...]."""
    rows = np.concatenate([pixels[:, np.newaxis], images[found]], axis=1)
    return rows.reshape(-1, *pixels.shape[1:])
