"""Many pictures, a file each or all in one array: made, encoded and written side by side."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from generation.selection import Selection
from support.files import write_npy, written_aside
from support.progress import Progress
from utils import SAMPLED_AT_ONCE, sample_pixels, without_single_channel

if TYPE_CHECKING:
    from model import DCGAN

FORMATS = ("png", "jpg", "webp", "npy")
ENCODING: dict[str, dict[str, Any]] = {"jpg": {"quality": 95}, "webp": {"lossless": True}}
AHEAD = 4 * SAMPLED_AT_ONCE  # pictures that may wait to be encoded; bounds the memory
FIRST = 5  # paths that are told one by one


def write_singles(dcgan: "DCGAN", selection: Selection, folder: Path, kind: str) -> list[Path]:
    """A file for each picture, FOLDER/seed00000_label3.png -> the first few paths and the last.

    A file of that name is replaced; none is ever half written under its name.
    """
    pool = ThreadPoolExecutor(os.cpu_count())
    waiting: deque[Future[Path]] = deque()
    paths: list[Path] = []

    def finish(most: int) -> None:
        while len(waiting) > most:
            paths[FIRST:] = [waiting.popleft().result()]

    try:
        with Progress("generating", selection.count, "images") as progress:
            for part, pixels in sampled(dcgan, selection):
                for name, picture in zip(selection.names(part), pixels, strict=True):
                    path = folder / f"{name}.{kind}"
                    waiting.append(pool.submit(_write_one, picture, path))
                finish(AHEAD)
                progress.update(len(pixels))
            finish(0)
    finally:
        pool.shutdown(cancel_futures=True)
    return paths


def write_array(dcgan: "DCGAN", selection: Selection, folder: Path) -> list[Path]:
    """All pictures in pictures.npy, uint8 [N, H, W, C]; with labels, theirs in labels.npy."""
    shape = (selection.count, *dcgan.image_shape)
    with Progress("generating", selection.count, "images") as progress:

        def blocks() -> Iterator[np.ndarray]:
            for _, pixels in sampled(dcgan, selection):
                yield pixels
                progress.update(len(pixels))

        paths = [write_npy(folder / "pictures.npy", "|u1", shape, blocks())]
    labels = selection.labels_of(slice(None))
    if labels is not None:
        paths.append(write_npy(folder / "labels.npy", "<i8", labels.shape, [labels]))
    return paths


def save_z(selection: Selection, path: Path) -> Path:
    """The z of each picture, float32 [N, z_dim], as --z reads it."""
    shape = (selection.count, selection.z_dim)
    return write_npy(path, "<f4", shape, (selection.z(part) for part in parts(shape[0])))


def sampled(dcgan: "DCGAN", selection: Selection) -> Iterator[tuple[slice, np.ndarray]]:
    """Which pictures, and their pixels uint8 [n, H, W, C], one pass of the sampler at a time."""
    for part in parts(selection.count):
        yield part, sample_pixels(dcgan, selection.z(part), selection.labels_of(part))


def parts(count: int) -> Iterator[slice]:
    """0 ... count - 1, cut for the sampler."""
    for start in range(0, count, SAMPLED_AT_ONCE):
        yield slice(start, min(start + SAMPLED_AT_ONCE, count))


def _write_one(picture: np.ndarray, path: Path) -> Path:
    with written_aside(path, flush=False) as aside:
        image = Image.fromarray(without_single_channel(picture))
        image.save(aside, **ENCODING.get(path.suffix[1:], {}))
    return path
