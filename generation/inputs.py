"""Images that the user names, prepared as the run's training images were."""

import argparse
import functools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageColor

from datasets.dataset import geometry_of
from datasets.image_files import Geometry, Loaded, UnreadableError, load_image
from runs.settings import Settings
from support.console import Say
from support.errors import UserError, one_line
from support.files import PICTURE_SUFFIXES, visible_files
from support.parallel import in_parallel
from support.text import first_names

if TYPE_CHECKING:
    from runs.opened import Trained

# What generate.py's commands call the files that show several pictures at once: grid, nearest and
# directions, interpolate, arithmetic. Others might be anyone's, but for what was written beside.
SHEETS = re.compile(
    r"(grid_\d+x\d+|nearest|directions|direction_\d+)_(seed|z)\d{5}.*"
    r"|(seeds|z)_\d.*_s?lerp.*|seeds_\d.*_(minus|plus)_\d.*"
)
BESIDE = {"_projection": "_z.npy", "_completion": "_z.npy", "scores": "scores.csv"}


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add the images that a command is for, and --label."""
    parser.add_argument("images", type=Path, nargs="+", help="image files, and folders of them")
    parser.add_argument("--label", metavar="LIST", help="only these classes count [all]")


def files_of(paths: Sequence[Path], say: Say | None = None) -> list[Path]:
    """The files among `paths`, and all pictures in the folders among them, by suffix, sorted.

    A file that comes up twice, say by itself and in a folder, counts once. What is hidden in a
    folder, and what this program itself wrote there as a sheet of several pictures, is left out;
    `say` gets a line that names such sheets.

    Raises:
        UserError: a path leads nowhere, a folder cannot be read, or there is no picture.
    """
    files: dict[str, Path] = {}  # by their real paths
    sheets: list[str] = []
    for path in paths:
        if not os.path.lexists(path):
            raise UserError(f"there is no file and no folder {path}")
        for file in sorted(_pictures_in(path)) if path.is_dir() else [path]:
            if file not in paths and is_sheet(file):
                sheets.append(str(file))
            else:
                files.setdefault(os.path.realpath(file), file)
    named = first_names(sheets)
    left_out = f"{len(sheets):,} (sheets of several pictures, by their names): {named}"
    if not files:
        but = f", but {left_out}" if sheets else ""
        raise UserError(f"no picture in {', '.join(map(str, paths))}{but}")
    if sheets and say:
        say(f"left out {left_out}")
    return list(files.values())


def is_sheet(path: Path) -> bool:
    """Whether a file shows several pictures at once: one that generate.py wrote, by its name."""
    beside = (
        path.with_name(path.stem.removesuffix(ending) + other)
        for ending, other in BESIDE.items()
        if path.stem.endswith(ending)
    )
    return SHEETS.fullmatch(path.stem) is not None or any(other.is_file() for other in beside)


def _pictures_in(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise UserError(f"{one_line(error)}: its pictures would be missing") from error

    paths = (Path(place, name) for place, name in visible_files(folder, refuse))
    return (path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES)


def say_unknown_geometry(trained: "Trained", say: Say) -> None:
    """Say what stands in for a run's --crop and --background where these were not stored."""
    from runs.stored import RUN_FILE  # with TensorFlow, so not before the command line is right

    if not (trained.folder / RUN_FILE).is_file():
        background = trained.settings.background
        say(
            f"{trained.folder} holds no {RUN_FILE}: images are used without --crop, on {background}"
        )


def loaded_images(trained: "Trained", files: Sequence[Path]) -> Iterator[tuple[Path, Loaded | str]]:
    """(path, the image or why there is none), in order; call it within quiet_pillow.

    They are cropped and resized as input_geometry has it.
    """
    return images_for(trained.settings, trained.dcgan.image_shape, files)


def images_for(
    settings: Settings, shape: tuple[int, int, int], files: Sequence[Path]
) -> Iterator[tuple[Path, Loaded | str]]:
    """As loaded_images, for pictures of a shape (height, width, c_dim) that were made elsewhere."""
    return in_parallel(functools.partial(_prepared, settings=settings, shape=shape), files)


def input_geometry(settings: Settings, size: tuple[int, int]) -> Geometry:
    """How images that the user names come to the networks' size (height, width): as in training.

    But one that has this size already, as generated pictures have, is used as it is.
    """
    return Geometry(geometry_of(settings).crop, size, keep_ready=True)


def _prepared(path: Path, settings: Settings, shape: tuple[int, int, int]) -> Loaded | str:
    height, width, c_dim = shape
    background = ImageColor.getrgb(settings.background)[:3]
    geometry = input_geometry(settings, (height, width))
    try:
        result = load_image(path, geometry, c_dim, background)
    except UnreadableError as reason:
        return str(reason)
    crop = geometry.crop_of(result.seen)
    if crop and (result.seen[0] > crop[0] or result.seen[1] > crop[1]):
        return result._replace(done=(*result.done, f"cut to the centre {crop[1]}x{crop[0]}"))
    return result
