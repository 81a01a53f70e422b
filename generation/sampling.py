"""Pictures: single files, an array, or a grid. It is the command without a name."""

import argparse
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from generation.flags import add_file, add_range, check_points, refuse_to_replace_inputs
from generation.inputs import is_sheet
from generation.latent import z_of_seeds
from generation.selection import Selection, chosen_labels, labels_part, refuse_huge, selected
from support.console import say, say_written
from support.errors import UserError
from support.files import PICTURE_SUFFIXES, remove_old, sweep_asides
from support.npy import write_npy
from support.parallel import in_parallel
from support.progress import Progress
from support.text import counted, shortened
from utils import SAMPLED_AT_ONCE, grid_size, sample_pixels, save_grid, save_picture

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

FOLDER = "generated"
FORMATS = ("png", "jpg", "webp", "npy")
PICTURES = 100
GRID_ROWS = 10
FIRST = 5  # paths that are printed one by one


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_range(parser, f"{PICTURES}, or as many as fit the grid")
    one = "one picture of all"
    parser.add_argument("--grid", type=_grid, nargs="?", const=(), metavar="RxC", help=one)
    parser.add_argument("--format", choices=FORMATS, default="png", help="of the files [png]")
    add_file(parser, "save_z", "write their z, for --z")


def check(arguments: argparse.Namespace) -> None:
    """Refuse flags that contradict each other."""
    check_points(arguments)
    refuse_to_replace_inputs(arguments, arguments.save_z)
    if arguments.grid is not None and arguments.format == "npy":
        raise UserError("--grid is one picture, --format npy an array of many: give one of them")


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write the pictures, and print where they are."""
    labels = chosen_labels(trained, arguments, say)
    if arguments.grid is not None:
        selection = _write_grid(trained, arguments, labels)
    else:
        selection = selected(trained, arguments, labels, PICTURES, say)
        sweep_asides(arguments.out)
        remove_old(arguments.save_z)
        if arguments.format == "npy":
            paths = write_array(trained.dcgan, selection, arguments.out)
        else:
            paths = write_singles(trained.dcgan, selection, arguments.out, arguments.format)
        for path in paths[:FIRST]:
            say_written(path)
        if len(paths) > FIRST:
            say_written(f"{paths[-1]}, {selection.count:,} pictures in all")
        made = 0 if arguments.format == "npy" else selection.count
        if older := pictures_in(arguments.out) - made:
            say(f"{arguments.out} also holds {counted(older, 'picture')} of earlier commands")
    if arguments.save_z:
        say_written(save_z(selection, arguments.save_z))
        if trained.classes:
            say("that is z alone: with --z, give the labels again, by --label")


def _write_grid(trained: "Trained", arguments: argparse.Namespace, labels: list[int]) -> Selection:
    """Write one picture of all; each column is a label, where several are given."""
    tags = trained.dcgan.config.tags
    each = len(labels) if len(labels) > 1 and not tags else 0
    count = math.prod(arguments.grid) if arguments.grid else GRID_ROWS * each or PICTURES
    selection = selected(trained, arguments, labels, count, say)
    rows, columns = arguments.grid or grid_size(selection.count)
    if each and not arguments.grid:
        rows, columns = math.ceil(selection.count / each), each
    if each and columns % each:
        raise UserError(
            f"--grid {rows}x{columns}: each column is a label, so {each} labels need {each} "
            f"columns: --grid {rows}x{each}"
        )
    if selection.count > rows * columns:
        raise UserError(f"--grid {rows}x{columns} has no room for {selection.count:,} pictures")
    refuse_huge(trained, rows, columns)
    if empty := rows * columns - selection.count:
        tiles = counted(empty, "tile")
        say(f"{tiles} of the {rows}x{columns} grid black: there are no more pictures")
    name = selection.names(slice(1))[0]
    names: list[str] = []
    # The name of the first picture has its label; this shows several.
    if len(labels) != 1 and not tags:
        name = name.partition("_")[0]
    if each:
        name += labels_part(trained, labels)
        names = trained.own_names([labels[column % each] for column in range(columns)])
    path = arguments.out / f"grid_{rows}x{columns}_{name}.{arguments.format}"
    pixels = selection.pixels(trained.dcgan)
    remove_old(arguments.save_z)
    say_written(save_grid(pixels, path, (rows, columns), names=names))
    return selection


def write_singles(dcgan: "DCGAN", selection: Selection, folder: Path, kind: str) -> list[Path]:
    """A file for each picture, FOLDER/seed00000_label3.png -> the first few paths and the last.

    A file of that name is replaced; none is ever half written under its name.
    """
    paths: list[Path] = []
    pictures = (
        (picture, folder / f"{name}.{kind}")
        for part, pixels in sampled(dcgan, selection)
        for name, picture in zip(selection.names(part), pixels, strict=True)
    )
    for _, path in in_parallel(lambda item: save_picture(*item, flush=False), pictures):
        paths[FIRST:] = [path]
    return paths


def pictures_in(folder: Path) -> int:
    """How many pictures of a folder are read as one set: without hidden ones and sheets."""
    return sum(
        path.suffix.lower() in PICTURE_SUFFIXES
        and not path.name.startswith(".")
        and not is_sheet(path)
        for path in folder.iterdir()
    )


def write_array(dcgan: "DCGAN", selection: Selection, folder: Path) -> list[Path]:
    """All pictures in pictures.npy, uint8 [N, H, W, C]; with labels, theirs in labels.npy."""
    remove_old(folder / "labels.npy")
    blocks = (pixels for _, pixels in sampled(dcgan, selection))
    shape = (selection.count, *dcgan.image_shape)
    paths = [write_npy(folder / "pictures.npy", "|u1", shape, blocks)]
    labels = selection.labels_of()
    if labels is not None:
        paths.append(write_npy(folder / "labels.npy", "<i8", labels.shape, [labels]))
    return paths


def save_z(selection: Selection, path: Path) -> Path:
    """Write the z of each picture, float32 [N, z_dim], as --z reads it; returns the path."""
    shape = (selection.count, selection.z_dim)
    return write_npy(path, "<f4", shape, map(selection.z, passes(selection.count)))


def sampled(dcgan: "DCGAN", selection: Selection) -> Iterator[tuple[slice, np.ndarray]]:
    """Which pictures, and their pixels uint8 [n, H, W, C], one pass of the sampler at a time."""
    with Progress("generating", selection.count, "images") as progress:
        for part in passes(selection.count):
            yield part, selection.pixels(dcgan, part)
            progress.update(part.stop - part.start)


def pictures_of_seeds(
    dcgan: "DCGAN", seeds: Sequence[int], z_dist: str, labels: np.ndarray | None
) -> Iterator[np.ndarray]:
    """The pictures of many seeds, in blocks uint8 [n, H, W, C].

    labels: int [N], tags [N, y_dim], or None.
    """
    for part in passes(len(seeds)):
        z = z_of_seeds(seeds[part], z_dist, dcgan.z_dim)
        yield sample_pixels(dcgan, z, None if labels is None else labels[part])


def passes(count: int) -> Iterator[slice]:
    """0 ... count - 1, cut for the sampler."""
    for start in range(0, count, SAMPLED_AT_ONCE):
        yield slice(start, min(start + SAMPLED_AT_ONCE, count))


def _grid(text: str) -> tuple[int, int]:
    """The type of --grid: rows and columns."""
    sides = re.fullmatch(r"0*([1-9]\d{0,8})x0*([1-9]\d{0,8})", text.lower())
    if not sides:
        raise argparse.ArgumentTypeError(f"{shortened(text)}: give rows and columns, such as 10x10")
    return int(sides[1]), int(sides[2])
