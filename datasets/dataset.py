"""Where images come from, idx files or a folder; hands out batch number (epoch, idx)."""

import dataclasses
import functools
import math
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ImageColor

from datasets.classes import class_lines, find_labelled, number_classes
from datasets.folder import Found, channels, find_images, first_header, load_folder
from datasets.idx import MNIST_CLASSES, load_mnist
from datasets.image_files import Geometry
from runs.settings import Settings
from support.errors import UserError
from support.streams import random_stream
from training.pace import advice, pace
from utils import one_hot

ARRAYS = ".arrays"  # below data_dir


@dataclass(frozen=True)
class Dataset:
    """Images in memory or mapped from disk, and the order in which they are handed out.

    images: uint8 [N, H, W, c_dim]. labels: int [N], or None. y_dim: number of classes, or None.
    A step takes a batch for each of `replicas`.
    classes: their names, where they are one's own. fixed_order: that of the array in each epoch,
    as the original has it for MNIST; otherwise it is drawn anew, from the seed and the epoch.
    flip: mirror images, each by a coin that follows from the seed and the step.
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
    def batches(self) -> int:
        """Steps in an epoch; what is left over is not used in that epoch.

        Fewer images than a step takes are repeated to fill it.
        """
        return max(1, self.epoch_size // (self.batch_size * self.replicas))

    def batch(self, epoch: int, idx: int, replica: int = 0) -> tuple[np.ndarray, np.ndarray | None]:
        """Images uint8 [B, H, W, c_dim] and, with labels, one-hot float32 [B, y_dim]."""
        start = (idx * self.replicas + replica) * self.batch_size
        rows = np.arange(start, start + self.batch_size) % self.epoch_size
        if not self.fixed_order:
            rows = _epoch_order(len(self.images), self.seed, epoch)[rows]
        pixels = self.images[rows]
        _give_back(self.images)
        if self.flip:
            draw = (epoch * self.batches + idx) * self.replicas + replica
            mirrored = random_stream(self.seed, "flip", draw).random(self.batch_size) < 0.5
            pixels[mirrored] = pixels[mirrored, :, ::-1]
        return pixels, self.labels_of(rows)

    @property
    def epoch_size(self) -> int:
        """Images in an epoch, with what is left over."""
        return int(min(len(self.images), self.train_size))

    def labels_of(self, rows: np.ndarray | slice) -> np.ndarray | None:
        """One-hot labels, float32 [len(rows), y_dim], of some rows; None without labels."""
        if self.labels is None or self.y_dim is None:
            return None
        return one_hot(self.labels[rows], self.y_dim)

    def sample_rows(self, count: int) -> np.ndarray:
        """Rows of images to compare a sample picture with, int [count]; its labels are theirs.

        Classes of one's own take turns; otherwise they are the first images.
        """
        if self.labels is None or not self.classes:
            return np.arange(count) % len(self.images)
        of_class = [np.flatnonzero(self.labels == number) for number in range(len(self.classes))]
        turns = (divmod(tile, len(of_class)) for tile in range(count))
        return np.array([of_class[k][turn % len(of_class[k])] for turn, k in turns])


def open_dataset(settings: Settings, seed: int, replicas: int = 1) -> Dataset:
    """Find and load the images that the settings name, and say what was found.

    Raises:
        UserError: nothing there, not readable, or fewer images than a step takes.
    """
    load = _open_idx_set if settings.is_idx_set else _open_folder
    dataset = dataclasses.replace(load(settings, seed), replicas=replicas)
    count = len(dataset.images)
    shape = "x".join(str(n) for n in dataset.images.shape[1:])
    epoch = _epoch_text(settings, count, replicas)
    print(f"{settings.dataset}: {count:,} images of {shape}, {epoch}", flush=True)
    for line in advice(settings, dataset.epoch_size, dataset.batches):
        print(line)
    return dataset


def _open_idx_set(settings: Settings, seed: int) -> Dataset:
    images, labels = load_mnist(folder_of(settings), geometry_of(settings))
    y_dim = MNIST_CLASSES if settings.with_labels else None
    return Dataset(
        images,
        labels if y_dim else None,
        y_dim,
        settings.batch_size,
        settings.train_size,
        seed,
        fixed_order=True,
        flip=settings.flip,
    )


def _open_folder(settings: Settings, seed: int) -> Dataset:
    found, labels = _found(settings)
    images = load_folder(
        folder_of(settings),
        found,
        geometry_of(settings),
        settings.c_dim,
        settings.data_dir / ARRAYS,
        background=ImageColor.getrgb(settings.background)[:3],
        allow_bad=settings.allow_bad,
    )
    classes = None
    if labels is not None:
        where = str(settings.labels_file or folder_of(settings))
        classes = number_classes([labels[row] for row in images.rows], where)
        print("\n".join(class_lines(classes)))
    return Dataset(
        images.pixels,
        classes.numbers if classes else None,
        len(classes.names) if classes else None,
        settings.batch_size,
        settings.train_size,
        seed,
        classes=classes.names if classes else (),
        flip=settings.flip,
    )


def _found(settings: Settings) -> tuple[Found, list[str] | None]:
    """The files of a folder's images and, with labels, the class of each."""
    folder, pattern = folder_of(settings), settings.input_fname_pattern
    if settings.with_labels:
        return find_labelled(folder, pattern, settings.labels_file)
    return find_images(folder, pattern), None


def describe(settings: Settings) -> tuple[str, int, int | None]:
    """What --dry_run says of the data: the count and the sizes from file to network.

    Returns:
        The line, and what the networks would get: c_dim and y_dim. Of a folder's images only
        the headers are read.
    """
    geometry = geometry_of(settings)
    if settings.is_idx_set:
        count = len(load_mnist(folder_of(settings), geometry)[0])
        source, c_dim = "files 28x28", 1
        y_dim = MNIST_CLASSES if settings.with_labels else None
    else:
        found, labels = _found(settings)
        files, y_dim = found.files, None
        if labels is not None:
            classes = number_classes(labels, str(settings.labels_file or folder_of(settings)))
            print("\n".join(class_lines(classes)))
            y_dim = len(classes.names)
        count, source = len(files), first_header(files)
        c_dim = settings.c_dim or channels(files)
    crop = f" -> centre {geometry.crop[0]}x{geometry.crop[1]}" if geometry.crop else ""
    height, width = geometry.output
    text = (
        f"{settings.dataset}: {count:,} images; height x width: {source}{crop} -> "
        f"{height}x{width}x{c_dim} for the networks, {_epoch_text(settings, count)}"
    )
    size = int(min(count, settings.train_size))
    epoch = size, max(1, size // settings.batch_size)
    text = "\n".join([text, pace(settings, *epoch), *advice(settings, *epoch)])
    return text, c_dim, y_dim


def _epoch_text(settings: Settings, count: int, replicas: int = 1) -> str:
    """Steps and remainder of an epoch.

    Raises:
        UserError: there are fewer images than a step takes, and --allow_bad does not repeat them.
    """
    size, taken = int(min(count, settings.train_size)), settings.batch_size * replicas
    batch = f"one batch of {settings.batch_size}"
    if replicas > 1:
        batch += f" for each of {replicas} replicas"
    if size >= taken:
        steps, left_over = divmod(size, taken)
        capped = f"{size:,} of them in an epoch, " if size < count else ""
        each = f" of {batch}" if replicas > 1 else ""
        return f"{capped}{steps:,} steps an epoch{each}, {left_over} left over"
    if (settings.allow_bad or settings.augment) and not settings.is_idx_set:
        return f"1 step an epoch: {size} images, repeated to fill {batch}"
    fitting = 2 ** int(math.log2(max(1, size // replicas)))
    allow = "" if settings.is_idx_set else ", or --augment or --allow_bad to repeat them"
    raise UserError(
        f"{settings.dataset}: {size} images do not fill {batch}: "
        f"give a smaller --batch_size (say {fitting}){allow}"
    )


def folder_of(settings: Settings) -> Path:
    """The folder of a data set; an absolute --dataset stands for itself."""
    return settings.data_dir / Path(settings.dataset).expanduser()


def geometry_of(settings: Settings) -> Geometry:
    """Crop and output size as the settings ask for them."""
    crop = (settings.input_height, settings.input_width) if settings.crop else None
    return Geometry(crop, (settings.output_height, settings.output_width))


def _give_back(images: np.ndarray) -> None:
    """Let go of what was read of a mapped file, which would count as this program's memory.

    It stays in the system's cache as long as there is room.
    """
    mapped: object = images.base
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        mapped.madvise(mmap.MADV_DONTNEED)


@functools.lru_cache(maxsize=2)
def _epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    return random_stream(seed, "order", epoch).permutation(count)
