"""The mean z of some seeds, minus others', plus others' (Radford et al. 2016, figure 7)."""

import argparse
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from generation.flags import add_file, add_prior, add_seeds, refuse_to_replace_inputs
from generation.latent import labels_of_seeds, within, z_of_seeds
from generation.selection import labels_named, listed, refuse_huge, rows_alike
from support.console import say, say_written
from support.errors import UserError
from support.files import remove_old
from support.npy import write_npy
from support.text import printable
from utils import sample_pixels, save_sheet

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

FOLDER = "arithmetic"
TERMS = {"seeds": "", "minus": "- ", "plus": "+ "}  # the flags, and the sign of each


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    for name, text in (("seeds", "z to begin with"), ("minus", "subtract"), ("plus", "add")):
        add_seeds(parser, name, f"{text}: the mean of these seeds")
    add_prior(parser)
    add_file(parser, "save_z", "write the result, for --z")


def check(arguments: argparse.Namespace) -> None:
    """Refuse a sum that begins with nothing, and a result in the place of an input."""
    if not arguments.seeds:
        raise UserError("--seeds is missing: the seeds to begin with, --seeds 1,2,3")
    refuse_to_replace_inputs(arguments, arguments.save_z)


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write the sheet and, with --save_z, the result; print where they are."""
    seeds: dict[str, list[int]] = {n: own for n in TERMS if (own := getattr(arguments, n))}
    refuse_huge(trained, 1 + max(map(len, seeds.values())), 1 + len(seeds))
    labels = _labels(trained, arguments)
    if trained.classes:
        say(f"label: {', '.join(printable(trained.classes[n]) for n in labels) or 'no tag'}")
    y = rows_alike(labels, trained.dcgan.y_dim, 1) if trained.dcgan.y_dim else None
    z_dist, z_dim = trained.settings.z_dist, trained.dcgan.z_dim
    terms = {n: z_of_seeds(own, z_dist, z_dim, arguments.truncation) for n, own in seeds.items()}
    result = result_of(terms, z_dist)
    tiles, size = sheet_of(trained.dcgan, terms, result, y)
    name = "_".join(f"{n}_{listed(numbers)}" for n, numbers in seeds.items())
    remove_old(arguments.save_z)
    say_written(save_sheet(tiles, captions_of(seeds), arguments.out / f"{name}.png", size))
    if arguments.save_z:
        say_written(write_npy(arguments.save_z, "<f4", result.shape, [result]))


def _labels(trained: "Trained", arguments: argparse.Namespace) -> list[int]:
    """The class of all pictures, --label's or that of the first seed, or all their tags."""
    named = labels_named(arguments.label, trained.classes, trained.kind)
    if trained.dcgan.config.tags:
        return named
    if len(named) > 1:
        raise UserError(f"--label {arguments.label}: one label for all pictures")
    if trained.classes and not named:
        named = labels_of_seeds(arguments.seeds[:1], len(trained.classes)).tolist()
    return named


def result_of(terms: dict[str, np.ndarray], z_dist: str) -> np.ndarray:
    """mean(seeds) - mean(minus) + mean(plus): float32 [1, z_dim].

    terms: the z [N, z_dim] of each of TERMS that is given. A sum may leave where `z_dist` draws
    from, and is brought back.
    """
    means = {name: z.mean(0, keepdims=True) for name, z in terms.items()}
    total = sum(-mean if name == "minus" else mean for name, mean in means.items())
    return within(np.asarray(total), z_dist).astype(np.float32)


def sheet_of(
    dcgan: "DCGAN", terms: dict[str, np.ndarray], result: np.ndarray, y: np.ndarray | None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Tiles that show a result, uint8 [N, H, W, C], and how many rows and columns they make.

    The first row has the picture of each term's mean, then that of `result` [1, z_dim]; below a
    mean are the pictures it is the mean of. With labels, all are made with `y`
    [1, y_dim].
    """
    columns = [np.concatenate([z.mean(0, keepdims=True), z]) for z in terms.values()]
    columns.append(result)
    z = np.concatenate(columns).astype(np.float32)
    pixels = iter(sample_pixels(dcgan, z, None if y is None else np.repeat(y, len(z), 0)))
    size = (max(map(len, columns)), len(columns))
    tiles = np.zeros((*size, *dcgan.image_shape), np.uint8)
    for number, column in enumerate(columns):
        tiles[: len(column), number] = [next(pixels) for _ in column]
    return tiles.reshape(-1, *dcgan.image_shape), size


def captions_of(seeds: Mapping[str, Sequence[int]]) -> list[str]:
    """The caption of each tile of `sheet_of`, row by row; `seeds` are those of each term."""
    columns = [
        [f"{TERMS[name]}mean of {name}", *(f"seed {n}" for n in own)] for name, own in seeds.items()
    ]
    return list(chain(*zip_longest(*columns, ["= result"], fillvalue="")))
