"""Pictures that were made elsewhere, to be measured: a folder of them, or one array."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.image_files import UnreadableError, opened, quiet_pillow
from datasets.report import Report
from generation.inputs import files_of, images_for
from metrics.spaces import LEAST
from runs.settings import Settings
from support.console import Say
from support.errors import UserError
from support.npy import read_npy
from support.progress import Progress
from support.text import counted, first_names
from utils import CHANNELS

SUFFIX = ".npy"


def is_array(path: Path) -> bool:
    """Whether pictures are given as an array; else it is a folder."""
    return path.suffix == SUFFIX and path.is_file()


def refuse_few(path: Path) -> None:
    """Refuse a folder or an array of too few pictures by its files or its header alone.

    Raises:
        UserError: names the arrays where there are no pictures beside them.
    """
    if is_array(path):
        count = len(read_array(path))
    else:
        try:
            count = len(files_of([path]))
        except UserError as error:
            arrays = first_names([str(one) for one in sorted(path.glob(f"*{SUFFIX}"))])
            raise UserError(f"{error}{f': give {arrays}' if arrays else ''}") from error
    if count < LEAST:
        raise UserError(f"{path}: {counted(count, 'picture')}: {LEAST} or more are needed")


def size_of(path: Path) -> tuple[int, int]:
    """Height and width of the pictures in a folder or an array; only headers are read.

    Raises:
        UserError: there are none, or they have several sizes.
    """
    if is_array(path):
        height, width = read_array(path).shape[1:3]
        return height, width
    sizes: dict[tuple[int, int], list[str]] = {}  # and the files that have each
    with quiet_pillow():
        for file in files_of([path]):
            try:
                with opened(file) as image:
                    sizes.setdefault((image.height, image.width), []).append(str(file))
            except UnreadableError:
                continue  # read_folder counts and names it
    if not sizes:
        raise UserError(f"{path} holds no picture that can be read")
    usual, *others = sorted(sizes, key=lambda size: -len(sizes[size]))
    if others:
        odd = first_names([f"{name} {_sides(size)}" for size in others for name in sizes[size]])
        raise UserError(
            f"{path} holds pictures of {len(sizes)} sizes: {len(sizes[usual]):,} of "
            f"{_sides(usual)}, but {odd}: take these out, or have all of them resized by "
            "--output_height and --output_width"
        )
    return usual


def _sides(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))


def read_array(path: Path) -> np.ndarray:
    """The pictures in a .npy file, uint8 [N, H, W, C], mapped from disk.

    Raises:
        UserError: the file is missing or holds something else.
    """

    def fits(dtype: np.dtype, shape: tuple[int, ...]) -> bool:
        return dtype == np.uint8 and len(shape) == 4 and shape[3] in CHANNELS

    return read_npy(path, fits, "uint8 NxHxWxC, C 1 or 3")


def read_folder(
    folder: Path, settings: Settings, shape: tuple[int, int, int], skipped_list: Path, say: Say
) -> np.ndarray:
    """The pictures below a folder: uint8 [N, height, width, c_dim].

    Those that are not of that size are cropped and resized as the data set's images are. `say` gets
    what became of the files, and the names of the first that were resized; the file `skipped_list`
    gets those that cannot be used, and is there only if there are any.

    Raises:
        UserError: there is none that can be read.
    """
    files: Sequence[Path] = files_of([folder], say)
    report, pictures, resized = Report(), list[np.ndarray](), list[str]()
    with quiet_pillow(), Progress("reading", len(files), "images") as progress:
        for path, result in images_for(settings, shape, files):
            report.add(str(path), result)
            if not isinstance(result, str):
                pictures.append(result.pixels)
                if result.seen != shape[:2]:
                    resized.append(f"{path} {_sides(result.seen)}")
            progress.update()
    report.write_skipped(skipped_list)
    say("\n".join(report.lines([], skipped_list)))
    if resized:
        count = f"{len(resized):,} of {len(pictures):,}"
        say(f"resized {count} to {_sides(shape[:2])}: {first_names(resized)}")
    if not pictures:
        raise UserError(f"{folder}: none of these files can be used")
    return np.stack(pictures)
