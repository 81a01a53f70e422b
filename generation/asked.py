"""Which pictures a command line of generate.py asks for."""

import argparse
import math
from collections.abc import Sequence

import numpy as np

from generation.latent import LEAST_UNIFORM, read_z
from generation.selection import Selection
from runs.opened import Trained
from support.errors import UserError
from utils import grid_size

PICTURES = 100  # if not told how many
GRID_ROWS = 10
MOST_SIDE = 10_000  # pixels of a grid, before small tiles are enlarged


def selected(
    trained: Trained,
    arguments: argparse.Namespace,
    labels: list[int],
    count: int,
    repeats: bool = False,
) -> Selection:
    """The pictures that --seeds, --z, or --num and --seed name; `count` if none is given.

    Without `repeats` a seed counts once: its picture has one name.
    """
    each = max(1, len(labels))
    rows = read_z(arguments.z, trained.dcgan.z_dim) if arguments.z else None
    numbers: Sequence[int]
    if rows is not None:
        _say_what_z_lacks(trained, rows, is_labelled=arguments.label is not None)
        numbers = range(len(rows))
    elif arguments.seeds:
        numbers = arguments.seeds if repeats else each_once(arguments.seeds, "--seeds")
    else:
        first = getattr(arguments, "seed", None) or 0
        count = getattr(arguments, "num", None) or count
        numbers = range(first, first + math.ceil(count / each))
    if rows is not None or arguments.seeds:
        count = len(numbers) * each
    return Selection(
        numbers,
        rows,
        labels,
        trained.classes,
        count,
        trained.settings.z_dist,
        trained.dcgan.z_dim,
        arguments.truncation,
    )


def _say_what_z_lacks(trained: Trained, rows: np.ndarray, is_labelled: bool) -> None:
    """Say where labels come from that --z does not hold, and that z lies where none is drawn."""
    if trained.classes and not is_labelled:
        print("--z holds no labels: they are drawn from the rows' numbers; --label gives others")
    least = LEAST_UNIFORM.get(trained.settings.z_dist)
    if least is not None:
        low, high = rows.min(), rows.max()
        if low < least or high > 1:
            print(
                f"warning: --z reaches from {low:.3g} to {high:.3g}, but this run was trained "
                f"with z in {least} ... 1"
            )


def selected_for_grid(
    trained: Trained, arguments: argparse.Namespace, labels: list[int]
) -> tuple[Selection, tuple[int, int]]:
    """The pictures, and rows and columns of their grid; several labels are its columns.

    Raises:
        UserError: they do not fit the grid that was asked for.
    """
    columns = len(labels) if len(labels) > 1 else None
    if arguments.grid:
        size = arguments.grid
        selection = selected(trained, arguments, labels, math.prod(size))
        if columns and size[1] % columns:
            raise UserError(
                f"--grid {size[0]}x{size[1]}: each column is a label, so that {columns} labels "
                f"need {columns} columns: --grid {size[0]}x{columns}"
            )
        if selection.count > math.prod(size):
            raise UserError(
                f"--grid {size[0]}x{size[1]} has no room for {selection.count:,} pictures"
            )
        return selection, size
    selection = selected(trained, arguments, labels, GRID_ROWS * columns if columns else PICTURES)
    columns = columns or grid_size(selection.count)[1]
    return selection, (math.ceil(selection.count / columns), columns)


def refuse_huge(trained: Trained, rows: int, columns: int) -> None:
    """Refuse a picture of more than MOST_SIDE pixels either way, before memory is short.

    Raises:
        UserError: so many rows or columns would be more.
    """
    height, width, _ = trained.dcgan.image_shape
    if max(rows * height, columns * width) > MOST_SIDE:
        raise UserError(
            f"{rows:,} rows and {columns:,} columns are too large a picture: up to "
            f"{MOST_SIDE // height:,} and {MOST_SIDE // width:,}"
        )


def each_once(numbers: list[int], flag: str) -> list[int]:
    """Numbers in their order without repeats, which are said."""
    once = list(dict.fromkeys(numbers))
    if len(once) < len(numbers):
        print(f"{flag}: left out {len(numbers) - len(once):,} (given more than once)")
    return once
