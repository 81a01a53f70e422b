"""MNIST and its drop-ins: four idx files, read together in the order the original has."""

import gzip
import math
import shlex
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from datasets.image_files import Geometry, fit
from support.errors import UserError
from support.files import DATA_DIR, open_regular
from support.text import first_names, in_units

# The four files and how each begins: its magic number, then the sizes of MNIST and its drop-ins.
IDX_FILES = {
    "train-images-idx3-ubyte": (2051, 60_000, 28, 28),
    "train-labels-idx1-ubyte": (2049, 60_000),
    "t10k-images-idx3-ubyte": (2051, 10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (2049, 10_000),
}
MNIST_CLASSES = 10
MOST_BYTES = 1 << 30  # a million images of 32x32; the header is a part of the file, like the rest
CHUNK = 1 << 20  # bytes that are read at once
NAMES = 8  # of files that are listed where one is missing
MNIST_SHUFFLE_SEED = 547  # the original's


def load_mnist(folder: Path, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """MNIST, or a drop-in for it, in the original's order: images uint8 [N, H, W, 1], labels [N].

    The training images, then the test images (70,000 together), shuffled once with NumPy's legacy
    generator, seed 547. Any number of images of any size is read.

    Raises:
        UserError: as load_parts.
    """
    images, labels = map(np.concatenate, zip(*load_parts(folder, geometry), strict=True))
    # RandomState(547).permutation draws what the original's np.random.shuffle draws.
    order = np.random.RandomState(MNIST_SHUFFLE_SEED).permutation(len(images))
    return images[order], labels[order]


def load_parts(folder: Path, geometry: Geometry) -> list[tuple[np.ndarray, np.ndarray]]:
    """The training part and the test part: images uint8 [N, H, W, 1] and labels [N] of each.

    Raises:
        UserError: no such folder; or a file is missing, damaged, or does not fit the others.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}. {how_to_fetch(folder)}")
    arrays = [_read_idx(folder, name) for name in IDX_FILES]
    parts = []
    for images, labels in zip(arrays[::2], arrays[1::2], strict=True):
        if len(images) != len(labels):
            raise UserError(
                f"{folder}: {len(images)} images but {len(labels)} labels. {how_to_fetch(folder)}"
            )
        if labels.max(initial=0) >= MNIST_CLASSES:
            raise UserError(
                f"{folder}: a label is {labels.max()}, not 0 to 9. {how_to_fetch(folder)}"
            )
        parts.append((_fitted(images, geometry)[..., np.newaxis], labels))
    return parts


def _fitted(images: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Grey images [N, h, w] cropped and resized as asked: uint8 [N, H, W]."""
    if images.shape[1:] == geometry.output and geometry.crop in (None, images.shape[1:]):
        return images
    fitted = np.empty((len(images), *geometry.output), np.uint8)
    for number, image in enumerate(images):
        fitted[number] = np.asarray(fit(Image.fromarray(image), geometry))
    return fitted


def how_to_fetch(folder: Path) -> str:
    """The command that fetches the data set of this folder, as a sentence without its stop."""
    place = "" if folder.parent == DATA_DIR else f" --data_dir {shlex.quote(str(folder.parent))}"
    return f"Type: python download.py {folder.name}{place}"


def _read_idx(folder: Path, name: str) -> np.ndarray:
    """One of the four files, plain or gzipped: uint8, in the shape that its header gives.

    Some programs write a dot before "idx" when they unpack; that name is found too.
    """
    names = [f"{n}{gz}" for gz in ("", ".gz") for n in (name, name.replace("-idx", ".idx"))]
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        there = first_names(sorted(p.name for p in folder.iterdir()), NAMES) or "nothing"
        raise UserError(
            f"{folder} holds {there}, but no {names[0]} or {names[2]}. {how_to_fetch(folder)}"
        )
    try:
        packed = path.suffix == ".gz"
        with open_regular(path) as raw, gzip.open(raw) if packed else nullcontext(raw) as content:
            return _array_in(content, IDX_FILES[name][0], len(IDX_FILES[name]) - 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        fault = f"is damaged ({error})"
    except ValueError as error:
        fault = str(error)
    raise UserError(f"{path} {fault}. Delete it. {how_to_fetch(folder)}")


def _array_in(file: BinaryIO | gzip.GzipFile, magic: int, sides: int) -> np.ndarray:
    """What an idx file holds: uint8, in the shape that its header gives, of so many sides.

    No more is read than the header promises: a small .gz may unpack to more than fits into memory.

    Raises:
        ValueError: it is another file, its images have no pixels, or it holds more or less.
    """
    start = 4 * (1 + sides)
    found, *shape = np.frombuffer(file.read(start).ljust(start, b"\0"), ">u4").tolist()
    if found != magic:
        kind = "images" if sides > 1 else "labels"
        raise ValueError(f"is not an idx file of {kind}")
    if math.prod(shape) > MOST_BYTES:
        raise ValueError(f"promises {in_units(math.prod(shape))}, more than an idx set has")
    if not all(shape[1:]):
        raise ValueError(f"has images of {'x'.join(map(str, shape[1:]))} pixels")
    values, promised = bytearray(), math.prod(shape)
    while len(values) <= promised and (chunk := file.read(min(CHUNK, promised + 1 - len(values)))):
        values += chunk
    if len(values) != promised:
        held = "more" if len(values) > promised else f"{len(values):,}"
        raise ValueError(f"holds {held} bytes, but its header says {promised:,}")
    return np.frombuffer(values, np.uint8).reshape(shape)
