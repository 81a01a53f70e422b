"""The training images, from idx files or a folder, and batch number (epoch, idx) of them."""

import difflib
import functools
import math
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ImageColor

from datasets.classes import class_lines, find_labelled, number_classes, tag_lines
from datasets.folder import (
    FETCHED,
    Found,
    channels,
    find_images,
    first_header,
    load_folder,
    missing,
)
from datasets.idx import MNIST_CLASSES, load_mnist
from datasets.image_files import Geometry
from runs.settings import IDX_SETS, Settings
from support.console import Say
from support.errors import UserError
from support.streams import random_stream
from support.text import counted
from utils import one_hot

ARRAYS = ".arrays"  # below data_dir
ALIKE = 0.8  # how much a name is to be like another to be taken for it: anme for anime


@dataclass(frozen=True)
class Dataset:
    """Images in memory or mapped from disk, and the order in which they are handed out.

    images: uint8 [N, H, W, c_dim]. labels: int [N], or of tags 0 and 1, uint8 [N, y_dim], or None.
    y_dim: number of classes or tags, or None.
    replicas: how many batches a step takes, one for each.
    classes: the names of your own classes or tags; () for MNIST's digits and without labels.
    fixed_order: every epoch goes through the array from first to last, as the original does with
    MNIST. Otherwise each epoch's order is drawn from the seed and the epoch.
    flip: mirror half of the images; which ones follows from the seed and the step.
    """

    images: np.ndarray
    labels: np.ndarray | None
    y_dim: int | None
    batch_size: int
    train_size: float
    seed: int
    replicas: int = 1
    classes: tuple[str, ...] = ()
    fixed_order: bool = False
    flip: bool = False

    @property
    def tags(self) -> bool:
        """Whether the labels are of tags: an image may have several, or none."""
        return self.labels is not None and self.labels.ndim == 2

    @property
    def columns(self) -> tuple[str, ...]:
        """The classes that the rows of `sample_rows` take turns through; () where they do not."""
        return () if self.tags else self.classes

    @property
    def text(self) -> str:
        """How many images, and of which size: "128 images of 28x28x1"."""
        size = "x".join(str(n) for n in self.images.shape[1:])
        return f"{counted(len(self.images), 'image')} of {size}"

    @property
    def epoch_size(self) -> int:
        """Images that an epoch draws on; those that do not fill a step's batches are left over."""
        return int(min(len(self.images), self.train_size))

    @property
    def batches(self) -> int:
        """Steps in an epoch; fewer images than one step takes are repeated to fill it."""
        return max(1, self.epoch_size // (self.batch_size * self.replicas))

    def batch(self, epoch: int, idx: int, replica: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
        """Images uint8 [B, H, W, c_dim] and, with labels, what labels_of gives, [B, y_dim]."""
        start = (idx * self.replicas + replica) * self.batch_size
        rows = np.arange(start, start + self.batch_size) % self.epoch_size
        if not self.fixed_order:
            rows = _epoch_order(len(self.images), self.seed, epoch)[rows]
        pixels = self.images[rows]
        _release(self.images)
        if self.flip:
            draw = (epoch * self.batches + idx) * self.replicas + replica
            mirrored = random_stream(self.seed, "flip", draw).random(self.batch_size) < 0.5
            pixels[mirrored] = pixels[mirrored, :, ::-1]
        return pixels, self.labels_of(rows)

    def labels_of(self, rows: np.ndarray | slice) -> np.ndarray | None:
        """Labels of some rows, float32 [len(rows), y_dim]; None without labels.

        One-hot; of tags, 1 for each that an image has.
        """
        if self.labels is None or self.y_dim is None:
            return None
        if self.tags:
            return self.labels[rows].astype(np.float32)
        return one_hot(self.labels[rows], self.y_dim)

    def sample_rows(self, count: int) -> np.ndarray:
        """The images that a sample picture is compared with and takes its labels from, int [count].

        With your own classes, an image of each class in turn; otherwise the first images.
        """
        if self.labels is None or not self.columns:
            return np.arange(count) % len(self.images)
        of_class = [np.flatnonzero(self.labels == number) for number in range(len(self.classes))]
        turns = (divmod(tile, len(of_class)) for tile in range(count))
        return np.array([of_class[k][turn % len(of_class[k])] for turn, k in turns])


class Description(NamedTuple):
    """What a dry run knows of the data; of a folder's images only the headers have been read.

    text: how many images, and their sizes from file to network. images: how many. c_dim, y_dim,
    tags: what the networks would get.
    """

    text: str
    images: int
    c_dim: int
    y_dim: int | None
    tags: bool = False


def open_dataset(settings: Settings, seed: int, replicas: int = 1, *, say: Say) -> Dataset:
    """Find and load the images that the settings name.

    `say` gets a line for each thing worth knowing: what was skipped, converted or left out, where
    the decoded array is, which classes there are.

    Raises:
        UserError: nothing there, not readable, or fewer images than a step takes.
    """
    folder, geometry = folder_of(settings), geometry_of(settings)
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    if settings.is_idx_set:
        images, labels = load_mnist(folder, geometry)
    else:
        found = _found(settings, say)
        images, names = load_folder(
            folder,
            found,
            geometry,
            settings.c_dim,
            arrays_of(settings),
            background=ImageColor.getrgb(settings.background)[:3],
            allow_bad=settings.allow_bad,
            say=say,
        )
        if names is not None:
            classes, labels = _classes(settings, names, found.tags, say)
    epoch_of(settings, len(images), replicas)
    if not settings.with_labels:
        labels = None
    y_dim = None if labels is None else len(classes) or MNIST_CLASSES
    batching = settings.batch_size, settings.train_size, seed, replicas
    return Dataset(images, labels, y_dim, *batching, classes, settings.is_idx_set, settings.flip)


def describe(settings: Settings, *, say: Say) -> Description:
    """What open_dataset would load, for a dry run; `say` gets what was left out and the classes.

    Raises:
        UserError: as open_dataset, as far as that shows without decoding.
    """
    geometry, y_dim, tags = geometry_of(settings), MNIST_CLASSES, False
    if settings.is_idx_set:
        count = len(load_mnist(folder_of(settings), geometry)[0])
        source, c_dim = "files 28x28", 1
    else:
        found = _found(settings, say)
        if found.labels is not None:
            y_dim = len(_classes(settings, found.labels, found.tags, say)[0])
            tags = bool(found.tags)
        count, source = len(found.files), first_header(found.files)
        c_dim = settings.c_dim or channels(found.files)
    epoch_of(settings, count)
    crop = f" -> centre {geometry.crop[0]}x{geometry.crop[1]}" if geometry.crop else ""
    height, width = geometry.output
    text = (
        f"{settings.dataset}: {counted(count, 'image')}; height x width: {source}{crop} -> "
        f"{height}x{width}x{c_dim} for the networks"
    )
    return Description(text, count, c_dim, y_dim if settings.with_labels else None, tags)


def epoch_of(settings: Settings, count: int, replicas: int = 1) -> tuple[int, int]:
    """How many of `count` images an epoch draws on, and its steps.

    Raises:
        UserError: they do not fill one step, and neither --allow_bad nor --augment repeats them.
    """
    size, taken = int(min(count, settings.train_size)), settings.batch_size * replicas
    may_repeat = (settings.allow_bad or settings.augment) and not settings.is_idx_set
    if size < taken and not may_repeat:
        fitting = 2 ** int(math.log2(max(1, size // replicas)))
        allow = "" if settings.is_idx_set else ", or --augment or --allow_bad to repeat them"
        raise UserError(
            f"{settings.dataset}: {counted(size, 'image')}, which cannot fill "
            f"{step_text(settings, replicas)}: give a smaller --batch_size (say {fitting}){allow}"
        )
    return size, max(1, size // taken)


def step_text(settings: Settings, replicas: int) -> str:
    """What one step takes, in words."""
    each = f" for each of {replicas} replicas" if replicas > 1 else ""
    return f"one batch of {settings.batch_size}{each}"


def folder_of(settings: Settings) -> Path:
    """The data set's folder, below data_dir unless --dataset is an absolute path."""
    return settings.data_dir / Path(settings.dataset).expanduser()


def arrays_of(settings: Settings) -> Path:
    """Where decoded images are kept, and what else is computed from the data."""
    return settings.data_dir / ARRAYS


def geometry_of(settings: Settings) -> Geometry:
    """The crop and the output size that the settings ask for."""
    crop = (settings.input_height, settings.input_width) if settings.crop else None
    return Geometry(crop, (settings.output_height, settings.output_width))


def _found(settings: Settings, say: Say) -> Found:
    """The files of a folder's images, with labels also the class of each."""
    folder, pattern = folder_of(settings), settings.input_fname_pattern
    if not folder.is_dir():
        raise missing(folder, _meant(settings))
    if settings.with_labels:
        return find_labelled(folder, pattern, settings.labels_file, say)
    return find_images(folder, pattern)


def _meant(settings: Settings) -> str:
    """The flags for the data set that is probably meant by one that is not there; "" for none."""
    typed, data_dir = Path(settings.dataset), settings.data_dir
    if typed.name in FETCHED or typed == data_dir:
        return ""
    if typed.is_dir():  # as from here, and not from data_dir
        if typed.is_relative_to(data_dir):
            return f"--dataset={typed.relative_to(data_dir)}"
        return f"--data_dir={typed.parent} --dataset={typed.name}"
    above = folder_of(settings).parent
    there = [path.name for path in above.glob("[!.]*") if path.is_dir()]
    names = {name.casefold(): name for name in (*IDX_SETS, *there)}
    near = difflib.get_close_matches(typed.name.casefold(), names, n=1, cutoff=ALIKE)
    return f"--dataset={typed.with_name(names[near[0]])}" if near else ""


def _classes(
    settings: Settings, labels: list[str], tags: tuple[str, ...], say: Say
) -> tuple[tuple[str, ...], np.ndarray]:
    """As number_classes, or the tags and uint8 [N, tags]; says them with their counts."""
    if tags:
        letters = np.frombuffer("".join(labels).encode(), np.uint8)
        has = letters.reshape(len(labels), len(tags)) - np.uint8(ord("0"))
        for line in tag_lines(tags, has):
            say(line)
        return tags, has
    names, numbers = number_classes(labels, str(settings.labels_file or folder_of(settings)))
    for line in class_lines(names, numbers):
        say(line)
    return names, numbers


def _release(images: np.ndarray) -> None:
    """Let go of what was read of a mapped file, or it counts as memory of this program."""
    mapped: object = images.base
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        mapped.madvise(mmap.MADV_DONTNEED)  # it stays in the system's cache


@functools.lru_cache(maxsize=2)
def _epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    return random_stream(seed, "order", epoch).permutation(count)
