"""The work of generate.py's commands: from what was typed to files, each of which is told."""

import argparse
import dataclasses
import math
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from arithmetic import SIGNS, captions_of, result_of
from arithmetic import sheet_of as arithmetic_sheet
from console import say_written
from dataset import open_dataset
from errors import UserError
from files import sweep_asides, write_npy
from given import files_of, loaded_images
from images import quiet_pillow
from interpolate import frames_between, save_frames
from latent import labels_of_seeds, read_z, suiting, z_of_seeds
from nearest import closest
from nearest import sheet_of as nearest_sheet
from project import loss_of, project
from report import printable
from runs import RUN_FILE
from score import best_and_worst, save_csv, save_features, scores_of
from selection import Selection
from singles import FIRST, save_z, write_array, write_singles
from streams import random_stream
from trained import Trained, as_typed, labels_named
from utils import grid_size, name_in_file, sample_pixels, save_grid, save_sheet

PICTURES = 100  # if not told how many
GRID_ROWS = 10
PICTURES_COMPARED = 10
FRAMES_A_SECOND = 20
REALS_COMPARED = 100
MOST_FRAMES = 10_000
MOST_SIDE = 10_000  # pixels of a grid, before small tiles are enlarged


def _generate(trained: Trained, arguments: argparse.Namespace) -> None:
    labels = _labels(trained, arguments)
    if arguments.grid is None:
        selection = _selected(trained, arguments, labels, PICTURES)
        sweep_asides(arguments.out)
        if arguments.format == "npy":
            paths = write_array(trained.dcgan, selection, arguments.out)
        else:
            paths = write_singles(trained.dcgan, selection, arguments.out, arguments.format)
        for path in paths[:FIRST]:
            say_written(path)
        if len(paths) > FIRST:
            say_written(f"{paths[-1]}, {selection.count:,} pictures in all")
    else:
        selection, size = _selected_for_grid(trained, arguments, labels)
        _refuse_huge(trained, *size)
        pixels = _pixels(trained, selection)
        name = f"grid_{size[0]}x{size[1]}_{selection.names(slice(1))[0]}"
        path = arguments.out / f"{name}.{arguments.format}"
        say_written(save_grid(pixels, path, size, names=_column_names(trained, labels, size[1])))
    if arguments.save_z:
        say_written(save_z(selection, arguments.save_z))


def _interpolate(trained: Trained, arguments: argparse.Namespace) -> None:
    named = labels_named(arguments.label, trained.classes)
    selection = _selected(trained, arguments, [], 2, repeats=True)
    if selection.count == 1 and len(named) > 1:  # one z, from label to label
        selection = dataclasses.replace(
            selection, numbers=list(selection.numbers) * len(named), count=len(named)
        )
    count = selection.count
    if len(named) not in (0, 1, count):
        raise UserError(f"--label {arguments.label}: give one label, or one for each of {count}")
    if count < 2:
        source = f"--z {arguments.z}" if arguments.z else f"--seeds {selection.numbers[0]}"
        raise UserError(f"{source} is one point: give two or more, or several labels")
    if arguments.frames > MOST_FRAMES:
        raise UserError(f"--frames {arguments.frames:,} are too many: up to {MOST_FRAMES:,}")
    if arguments.frames < count:
        raise UserError(f"--frames {arguments.frames}: give a frame for each of {count} z")
    labels = selection.labels_of(slice(None))
    if named:
        labels = np.array(named * (count if len(named) == 1 else 1))
    method = arguments.method or suiting(selection.z_dist)
    z = selection.z(slice(None))
    frames = frames_between(trained.dcgan, z, labels, arguments.frames, arguments.loop, method)
    kind = "seeds" if selection.rows is None else "z"
    name = f"{kind}_{_listed(list(dict.fromkeys(selection.numbers)))}_{method}"
    if named:
        name += f"_label_{_listed(named)}"
        own_names = trained.own_names(list(dict.fromkeys(named)))
        name += f"_{name_in_file('-'.join(own_names))}" if own_names else ""
    path = arguments.out / f"{name}.{arguments.format}"
    say_written(save_frames(frames, path, arguments.seconds or len(frames) / FRAMES_A_SECOND))


def _arithmetic(trained: Trained, arguments: argparse.Namespace) -> None:
    if not arguments.seeds:
        raise UserError("--seeds is missing: the seeds to begin with, --seeds 1,2,3")
    named = labels_named(arguments.label, trained.classes)
    if len(named) > 1:
        raise UserError(f"--label {arguments.label}: one label for all pictures")
    seeds: dict[str, list[int]] = {n: own for n in SIGNS if (own := getattr(arguments, n))}
    _refuse_huge(trained, 1 + max(map(len, seeds.values())), 1 + len(seeds))
    z_dist, z_dim = trained.settings.z_dist, trained.dcgan.z_dim
    terms = {
        name: z_of_seeds(numbers, z_dist, z_dim, arguments.truncation)
        for name, numbers in seeds.items()
    }
    label = None
    if trained.classes:
        label = (
            named[0]
            if named
            else int(labels_of_seeds(arguments.seeds[:1], len(trained.classes))[0])
        )
        print(f"label: {printable(trained.classes[label])}")
    result = result_of(terms, z_dist)
    tiles, size = arithmetic_sheet(trained.dcgan, terms, result, label)
    name = "_".join(f"{n}_{_listed(numbers)}" for n, numbers in seeds.items())
    path = arguments.out / f"{name}.png"
    say_written(save_sheet(tiles, captions_of(seeds), path, size))
    if arguments.save_z:
        say_written(write_npy(arguments.save_z, "<f4", result.shape, [result]))


def _project(trained: Trained, arguments: argparse.Namespace) -> None:
    labels = _labels(trained, arguments) or list(range(len(trained.classes)))
    _say_unknown_geometry(trained, arguments.run)
    files = files_of(arguments.images)
    if len({path.stem for path in files}) < len(files):
        raise UserError("two of the images have the same name: project them one at a time")
    images = []
    with quiet_pillow():
        for path, result in loaded_images(trained, files):
            if isinstance(result, str):
                raise UserError(f"{path}: {result}")
            images.append((path, result.pixels))
    loss = loss_of(trained.dcgan)
    for path, pixels in images:
        print(f"projecting {path}", flush=True)
        found = project(
            trained.dcgan,
            loss,
            pixels,
            labels,
            trained.settings.z_dist,
            arguments.seed,
            starts=arguments.starts,
            steps=arguments.steps,
        )
        pair = np.stack([pixels, found.pixels])
        captions = ["given", f"found: {found.psnr:.1f} dB"]
        sheet = arguments.out / f"{path.stem}_projection.png"
        say_written(save_sheet(pair, captions, sheet, (1, 2)))
        z_file = arguments.out / f"{path.stem}_z.npy"
        say_written(write_npy(z_file, "<f4", found.z.shape, [found.z]))
        again = ["generate.py", "--run", str(arguments.run), "--z", str(z_file)]
        if found.label is not None:
            again += ["--label", as_typed(found.label, trained.classes)]
        print(f"PSNR {found.psnr:.1f} dB; the picture alone: python {shlex.join(again)}")


def _score(trained: Trained, arguments: argparse.Namespace) -> None:
    labels = _labels(trained, arguments) or list(range(len(trained.classes)))
    _say_unknown_geometry(trained, arguments.run)
    scores, report = scores_of(trained, files_of(arguments.images), labels)
    skipped_list = arguments.out / "scores.skipped.txt"
    report.write_skipped(skipped_list)
    print("\n".join(report.lines([], skipped_list)), flush=True)
    if not scores:
        raise UserError("none of these files can be scored")
    middle = scores[len(scores) // 2].probability
    print(
        f"scores: {scores[0].probability:.4f} the best, {middle:.4f} the middle, "
        f"{scores[-1].probability:.4f} the worst"
    )
    say_written(save_csv(scores, trained.classes, arguments.out / "scores.csv"))
    tiles, captions, size = best_and_worst(trained, scores)
    say_written(save_sheet(tiles, captions, arguments.out / "scores.png", size))
    if arguments.features:
        say_written(save_features(trained, scores, arguments.features))


def _nearest(trained: Trained, arguments: argparse.Namespace) -> None:
    labels = _labels(trained, arguments)
    selection = _selected(trained, arguments, labels, PICTURES_COMPARED)
    if "dataset" not in trained.settings.given:
        raise UserError(f"{arguments.run} does not tell its data: give --dataset and --data_dir")
    _say_unknown_geometry(trained, arguments.run)
    _refuse_huge(trained, selection.count, 1 + arguments.count)
    height, width, c_dim = trained.dcgan.image_shape
    settings = dataclasses.replace(
        trained.settings, output_height=height, output_width=width, c_dim=c_dim
    )
    reals = open_dataset(settings, seed=0).images
    pixels = _pixels(trained, selection)
    count = min(arguments.count, len(reals))
    found, distances = closest(pixels, reals, count)
    captions = []
    for name, own in zip(selection.names(slice(None)), distances, strict=True):
        captions += [name, *(f"{distance:.1f}" for distance in own)]
        print(f"{name}: nearest {', '.join(captions[-count:])}")
    some = random_stream(0, "nearest").choice(len(reals), min(REALS_COMPARED, len(reals)), False)
    among = closest(reals[np.sort(some)], reals, 2)[1][:, -1]  # the first is the image itself
    print("distances are the root of the mean squared difference of pixels, 0 ... 255; medians:")
    print(f"to the nearest training image: {np.median(distances[:, 0]):.1f}")
    print(f"from a training image to the nearest other: {np.median(among):.1f}")
    path = arguments.out / f"nearest_{selection.names(slice(1))[0]}_{selection.count}.png"
    tiles = nearest_sheet(pixels, reals, found)
    say_written(save_sheet(tiles, captions, path, (len(found), 1 + count)))


WORK: dict[str, Callable[[Trained, argparse.Namespace], None]] = {
    "": _generate,
    "interpolate": _interpolate,
    "arithmetic": _arithmetic,
    "project": _project,
    "score": _score,
    "nearest": _nearest,
}


def _labels(trained: Trained, arguments: argparse.Namespace) -> list[int]:
    return _each_once(labels_named(arguments.label, trained.classes), "--label")


def _each_once(numbers: list[int], flag: str) -> list[int]:
    """Numbers in their order without repeats, which are said."""
    once = list(dict.fromkeys(numbers))
    if len(once) < len(numbers):
        print(f"{flag}: left out {len(numbers) - len(once):,} (given more than once)")
    return once


def _say_unknown_geometry(trained: Trained, run: Path) -> None:
    """Say what is taken for --crop and --background where a run does not tell its own."""
    if not (run / RUN_FILE).is_file():
        background = trained.settings.background
        print(f"{run} holds no {RUN_FILE}: images are taken without --crop, on {background}")


def _selected(
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
        numbers = range(len(rows))
    elif arguments.seeds:
        numbers = arguments.seeds if repeats else _each_once(arguments.seeds, "--seeds")
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


def _selected_for_grid(
    trained: Trained, arguments: argparse.Namespace, labels: list[int]
) -> tuple[Selection, tuple[int, int]]:
    """The pictures, and rows and columns of their grid; several labels are its columns.

    Raises:
        UserError: they do not fit the grid that was asked for.
    """
    columns = len(labels) if len(labels) > 1 else None
    if arguments.grid:
        size = arguments.grid
        selection = _selected(trained, arguments, labels, math.prod(size))
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
    selection = _selected(trained, arguments, labels, GRID_ROWS * columns if columns else PICTURES)
    columns = columns or grid_size(selection.count)[1]
    return selection, (math.ceil(selection.count / columns), columns)


def _refuse_huge(trained: Trained, rows: int, columns: int) -> None:
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


def _column_names(trained: Trained, labels: list[int], columns: int) -> list[str]:
    """The classes of a grid's columns, where it has several and they have names."""
    if len(labels) < 2:
        return []
    return trained.own_names([labels[column % len(labels)] for column in range(columns)])


def _pixels(trained: Trained, selection: Selection) -> np.ndarray:
    every = slice(None)
    return sample_pixels(trained.dcgan, selection.z(every), selection.labels_of(every))


def _listed(numbers: Sequence[int]) -> str:
    """Numbers for a file's name: the first eight, and how many more."""
    more = f"-and-{len(numbers) - 8}-more" if len(numbers) > 8 else ""
    return "-".join(map(str, numbers[:8])) + more
