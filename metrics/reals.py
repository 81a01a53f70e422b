"""The real images that pictures are compared with, and their features, computed once."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datasets.dataset import Dataset, folder_of, geometry_of, open_dataset
from datasets.idx import MNIST_CLASSES, load_parts
from metrics.kept import digest_of, read_arrays, write_arrays
from metrics.spaces import LEAST, Features, Space, blocks_of, features_of
from runs.settings import Settings
from support.console import Say
from support.errors import UserError
from support.streams import random_stream
from support.text import counted

if TYPE_CHECKING:
    from runs.opened import Trained

COMPARED = 10_000  # real images whose features are computed, at most


class Reals(NamedTuple):
    """Real images, uint8 [N, H, W, C], with labels and the classes' names.

    labels: int [N], of tags [N, tags] of 0 and 1, or None.
    """

    images: np.ndarray
    labels: np.ndarray | None
    classes: list[str]


def open_reals(settings: Settings, say: Say) -> Reals:
    """The images that the settings name; of an idx set the training part, in its files' order.

    Raises:
        UserError: as open_dataset; or there are fewer than LEAST.
    """
    if settings.is_idx_set:
        return _parts(settings)[0]
    # batches of one, which any number of images fills
    data = open_dataset(dataclasses.replace(settings, batch_size=1), seed=0, say=say)
    return reals_of(data, settings.dataset)


def reals_of(data: Dataset, name: str) -> Reals:
    """All images of a data set that is open.

    Raises:
        UserError: there are fewer than LEAST; says so of `name`.
    """
    names = list(data.classes) or [str(number) for number in range(data.y_dim or 0)]
    return _enough(Reals(data.images, data.labels, names), name)


def learned(reals: Reals, settings: Settings) -> np.ndarray:
    """All images that a training learns from, uint8 [N, H, W, C], where `reals` are open.

    Of an idx set the test part, too: the original joins both.
    """
    if settings.is_idx_set:
        return np.concatenate([part.images for part in _parts(settings)])
    return reals.images


def open_halves(settings: Settings, say: Say) -> tuple[Reals, Reals]:
    """Real images to compare with, and others that stand for generated ones.

    Of an idx set the training and the test part, of a folder two halves, drawn by a fixed seed.

    Raises:
        UserError: as open_reals.
    """
    if settings.is_idx_set:
        train, test = _parts(settings)
        return train, test
    reals = open_reals(settings, say)
    order = random_stream(0, "halves").permutation(len(reals.images))
    halves = (np.sort(rows) for rows in np.array_split(order, 2))
    first, second = (_enough(_rows_of(reals, rows), settings.dataset) for rows in halves)
    return first, second


def _parts(settings: Settings) -> list[Reals]:
    classes = [str(number) for number in range(MNIST_CLASSES)]
    parts = load_parts(folder_of(settings), geometry_of(settings))
    return [_enough(Reals(*part, classes), settings.dataset) for part in parts]


def _enough(reals: Reals, name: str) -> Reals:
    if len(reals.images) < LEAST:
        raise UserError(
            f"{name}: {counted(len(reals.images), 'image')} to compare with: {LEAST} or more are "
            "needed"
        )
    return reals


def _rows_of(reals: Reals, rows: np.ndarray) -> Reals:
    labels = None if reals.labels is None else reals.labels[rows]
    return Reals(reals.images[rows], labels, reals.classes)


def compared(reals: Reals) -> Reals:
    """COMPARED of the images, drawn by a fixed seed, or all where there are no more."""
    return drawn(reals, COMPARED)


def drawn(reals: Reals, most: int) -> Reals:
    """At most so many of the images, drawn by a fixed seed: the first may be unlike the rest."""
    if len(reals.images) <= most:
        return reals
    return _rows_of(reals, rows_drawn(len(reals.images), most))


def rows_drawn(count: int, most: int) -> np.ndarray:
    """At most `most` of 0 ... count - 1, drawn by a fixed seed, in their order."""
    rows = random_stream(0, "reals").permutation(count)
    return np.sort(rows[:most])


def features_of_reals(space: Space, images: np.ndarray, arrays: Path, say: Say) -> Features:
    """The features of real images, from a file in `arrays` if they were computed before.

    Its name follows from the pixels themselves and from the space, which it also holds.
    """
    key = digest_of(images, space.identity)
    path = arrays / f"features-{space.name}-{key}.npz"
    stored = read_arrays(path, say)
    if {"space", "values"} <= stored.keys():
        return Features(str(stored["space"]), stored["values"])
    features = features_of(space, blocks_of(images), len(images), "real images")
    write_arrays(path, {"space": np.array(features.space), "values": features.values}, say)
    return features


def drawn_labels(reals: Reals, count: int, seed: int) -> np.ndarray:
    """Labels for `count` pictures in the proportions of the data: int [count], or [count, tags].

    They are those of real images, each used once before any is used twice, in an order that
    follows from the seed.

    Raises:
        ValueError: the images have no labels.
    """
    if reals.labels is None:
        raise ValueError("no labels")
    order = random_stream(seed, "evaluate labels").permutation(len(reals.labels))
    return reals.labels[order[np.arange(count) % len(order)]].astype(int)


def settings_of_data(trained: "Trained") -> Settings:
    """The settings that open the data of a run, or of --dataset, as its networks take images.

    Raises:
        UserError: the run does not name its data, or they do not go with its networks.
    """
    trained.refuse_unnamed_data()
    height, width, channels = trained.dcgan.image_shape
    own = trained.settings
    if own.is_idx_set and channels != 1:
        raise UserError(f"--dataset {own.dataset} is grey, this run is in colour: give another")
    folder = folder_of(own)
    by_folder = own.with_labels and not own.is_idx_set and own.labels_file is None
    if by_folder and folder.is_dir() and not any(path.is_dir() for path in folder.iterdir()):
        raise UserError(
            f"{trained.folder} was trained with a class for each sub-folder, and {folder} has "
            "none: give the --dataset and --data_dir it was trained on, or another with sub-folders"
        )
    # The run's own images lie decoded under the channels that were typed; others are converted.
    c_dim = channels if "dataset" in own.given else own.c_dim
    return dataclasses.replace(
        own, output_height=height, output_width=width, c_dim=c_dim, batch_size=1
    )
