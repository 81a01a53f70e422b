"""Move z along the directions that change its picture most, as sheets and animations."""

import argparse
from typing import TYPE_CHECKING

import numpy as np

from gan.directions import telling_directions
from generation.flags import add_range, check_points, number
from generation.latent import within
from generation.selection import Selection, chosen_labels, refuse_huge, rows_alike, selected
from support.console import positive, say, say_written
from support.errors import UserError
from support.streams import DEVIATIONS
from support.text import counted
from utils import grid, one_hot, sample_pixels, save_animation, save_sheet

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

FOLDER = "directions"
PICTURES = 4
COUNT = 8
REACH = 3.0  # standard deviations of z's coordinates, as SeFa's figures go
STEPS = 7  # pictures in a row of a sheet
FRAMES, SECONDS = 24, 3.0  # there and back
MOST_MOVED = 64  # pictures in a frame


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_range(parser, str(PICTURES))
    how_many = f"directions, the most telling first [{COUNT}]"
    parser.add_argument("--count", type=positive, metavar="K", help=how_many)
    far = f"how far to go either way, in standard deviations of z [{REACH:g}]"
    parser.add_argument("--reach", type=number(0.01, 100), default=REACH, metavar="R", help=far)


check = check_points


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write a sheet for each z and a GIF for each direction; print them, and the changes."""
    labels = chosen_labels(trained, arguments, say)
    selection = selected(trained, arguments, labels, PICTURES, say)
    if selection.count > MOST_MOVED:
        raise UserError(f"{selection.count:,} pictures to move are too many: up to {MOST_MOVED}")
    dcgan, z_dist = trained.dcgan, trained.settings.z_dist
    count = min(arguments.count or COUNT, dcgan.z_dim)
    if arguments.count and arguments.count > count:
        say(f"--count {arguments.count}: there are {count}, as many as z has coordinates")
    refuse_huge(trained, count, STEPS)
    say(f"looking for {counted(count, 'direction')}")
    y = _labels_of(dcgan, labels)
    found = telling_directions(dcgan.sampler, dcgan.value_range, z_dist, dcgan.z_dim, y, count)
    reach = arguments.reach * DEVIATIONS[z_dist]
    for k, change in enumerate(found.changes, 1):
        say(f"direction {k}: a step of 1 moves a pixel by {255 * change:.1f} of 255")
    names = selection.names()
    for index, name in enumerate(names):
        rows = [
            moved(dcgan, selection, slice(index, index + 1), vector, reach, z_dist, STEPS)[:, 0]
            for vector in found.vectors
        ]
        ends = np.linspace(-arguments.reach, arguments.reach, STEPS)
        captions = [f"{k}: {end:+.1f}" for k in range(1, count + 1) for end in ends]
        sheet = arguments.out / f"directions_{name}.png"
        say_written(save_sheet(np.concatenate(rows), captions, sheet, (count, STEPS)))
    for k, vector in enumerate(found.vectors, 1):
        forth = moved(dcgan, selection, slice(None), vector, reach, z_dist, FRAMES // 2 + 1)
        tiles = np.concatenate([forth, forth[-2:0:-1]])
        gif = arguments.out / f"direction_{k}_{names[0]}_{len(names)}.gif"
        say_written(save_animation([grid(frame) for frame in tiles], gif, SECONDS))


def _labels_of(dcgan: "DCGAN", labels: list[int]) -> np.ndarray | None:
    """What the directions are averaged over: the classes or tags that were asked for, else all."""
    from exports.graphs import labels_to_try  # with TensorFlow

    if not labels or dcgan.y_dim is None:
        return labels_to_try(dcgan)
    if dcgan.config.tags:
        return rows_alike(labels, dcgan.y_dim, 1)
    return one_hot(np.asarray(labels), dcgan.y_dim)


def moved(
    dcgan: "DCGAN",
    selection: Selection,
    part: slice,
    vector: np.ndarray,
    reach: float,
    z_dist: str,
    steps: int,
) -> np.ndarray:
    """Pictures uint8 [steps, N, H, W, C] of some z [N, z_dim], moved along a direction [z_dim].

    From `reach` against it to `reach` along it; z stays where `z_dist` draws from.
    """
    z, labels = selection.z(part), selection.labels_of(part)
    ends = np.linspace(-reach, reach, steps, dtype=np.float32)
    way = (z + end * vector for end in ends)
    all_z = np.concatenate([within(z, z_dist) for z in way]).astype(np.float32)
    pixels = sample_pixels(
        dcgan, all_z, None if labels is None else np.concatenate([labels] * steps)
    )
    return pixels.reshape(steps, len(z), *pixels.shape[1:])
