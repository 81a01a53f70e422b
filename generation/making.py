"""The work of generate.py's commands: from what was typed to files, each of which is told."""

import argparse
import dataclasses
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from datasets.dataset import open_dataset
from datasets.image_files import quiet_pillow
from generation.arithmetic import SIGNS, captions_of, result_of
from generation.arithmetic import sheet_of as arithmetic_sheet
from generation.asked import PICTURES, each_once, refuse_huge, selected, selected_for_grid
from generation.inputs import files_of, loaded_images
from generation.interpolate import frames_between, save_frames
from generation.latent import labels_of_seeds, suiting, z_of_seeds
from generation.nearest import closest
from generation.nearest import sheet_of as nearest_sheet
from generation.project import loss_of, project
from generation.sampling import FIRST, save_z, write_array, write_singles
from generation.score import best_and_worst, save_csv, save_features, scores_of
from generation.selection import Selection
from runs.opened import Trained, as_typed, labels_named
from runs.stored import RUN_FILE
from support.console import say, say_written
from support.errors import UserError
from support.files import sweep_asides, write_npy
from support.streams import random_stream
from support.text import name_in_file, printable
from utils import sample_pixels, save_grid, save_sheet

PICTURES_COMPARED = 10
FRAMES_A_SECOND = 20
REALS_COMPARED = 100
MOST_FRAMES = 10_000
FAR_OFF = 15.0  # dB


def _generate(trained: Trained, arguments: argparse.Namespace) -> None:
    labels = _labels(trained, arguments)
    if arguments.grid is None:
        selection = selected(trained, arguments, labels, PICTURES)
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
        selection, size = selected_for_grid(trained, arguments, labels)
        refuse_huge(trained, *size)
        pixels = _pixels(trained, selection)
        first = selection.names(slice(1))[0]
        if len(labels) != 1:  # the picture is of several
            first = first.partition("_")[0] + (_labels_part(trained, labels) if labels else "")
        name = f"grid_{size[0]}x{size[1]}_{first}"
        path = arguments.out / f"{name}.{arguments.format}"
        say_written(save_grid(pixels, path, size, names=_column_names(trained, labels, size[1])))
    if arguments.save_z:
        say_written(save_z(selection, arguments.save_z))
        if trained.classes:
            print("that is z alone: with --z, give the labels again, by --label")


def _interpolate(trained: Trained, arguments: argparse.Namespace) -> None:
    named = labels_named(arguments.label, trained.classes)
    selection = selected(trained, arguments, [], 2, repeats=True)
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
        name += _labels_part(trained, named)
    path = arguments.out / f"{name}.{arguments.format}"
    say_written(save_frames(frames, path, arguments.seconds or len(frames) / FRAMES_A_SECOND))


def _arithmetic(trained: Trained, arguments: argparse.Namespace) -> None:
    if not arguments.seeds:
        raise UserError("--seeds is missing: the seeds to begin with, --seeds 1,2,3")
    named = labels_named(arguments.label, trained.classes)
    if len(named) > 1:
        raise UserError(f"--label {arguments.label}: one label for all pictures")
    seeds: dict[str, list[int]] = {n: own for n in SIGNS if (own := getattr(arguments, n))}
    refuse_huge(trained, 1 + max(map(len, seeds.values())), 1 + len(seeds))
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
    (stem, times), *_ = Counter(path.stem for path in files).most_common()
    if times > 1:
        raise UserError(f"{times} of the images are called {stem}: project them one at a time")
    images = []
    with quiet_pillow():
        for path, result in loaded_images(trained, files):
            if isinstance(result, str):
                raise UserError(f"{path}: {result}")
            images.append((path, result.pixels, ", ".join(result.done)))
    loss = loss_of(trained.dcgan)
    for path, pixels, done in images:
        print(f"projecting {path}{f' ({done})' if done else ''}", flush=True)
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
        for flag in ("step", "output_height", "output_width"):
            if (value := getattr(arguments, flag)) is not None:
                again += [f"--{flag}", str(value)]
        if found.label is not None:
            again += ["--label", as_typed(found.label, trained.classes)]
        far = " (far off: this run cannot draw it)" if found.psnr < FAR_OFF else ""
        print(f"PSNR {found.psnr:.1f} dB{far}; the picture alone: python {shlex.join(again)}")


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
    if trained.classes:
        print("a label is the one with which D takes the image for real: D is no classifier")
    say_written(save_csv(scores, trained.classes, arguments.out / "scores.csv"))
    tiles, captions, size = best_and_worst(trained, scores)
    say_written(save_sheet(tiles, captions, arguments.out / "scores.png", size))
    if arguments.features:
        say_written(save_features(trained, scores, arguments.features))


def _nearest(trained: Trained, arguments: argparse.Namespace) -> None:
    labels = _labels(trained, arguments)
    selection = selected(trained, arguments, labels, PICTURES_COMPARED)
    if "dataset" not in trained.settings.given:
        raise UserError(f"{arguments.run} does not tell its data: give --dataset and --data_dir")
    _say_unknown_geometry(trained, arguments.run)
    refuse_huge(trained, selection.count, 1 + arguments.count)
    height, width, c_dim = trained.dcgan.image_shape
    settings = dataclasses.replace(  # of batches of one, which any number of images fills
        trained.settings, output_height=height, output_width=width, c_dim=c_dim, batch_size=1
    )
    data = open_dataset(settings, seed=0, say=say)
    say(f"{settings.dataset}: {data.text}")
    reals = data.images
    if reals.shape[-1] != c_dim:
        kinds = {1: "grey", 3: "in colour"}
        raise UserError(
            f"--dataset {settings.dataset} is {kinds[reals.shape[-1]]}, this run is "
            f"{kinds[c_dim]}: give another"
        )
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
    return each_once(labels_named(arguments.label, trained.classes), "--label")


def _say_unknown_geometry(trained: Trained, run: Path) -> None:
    """Say what is taken for --crop and --background where a run does not tell its own."""
    if not (run / RUN_FILE).is_file():
        background = trained.settings.background
        print(f"{run} holds no {RUN_FILE}: images are taken without --crop, on {background}")


def _column_names(trained: Trained, labels: list[int], columns: int) -> list[str]:
    """The classes of a grid's columns, where it has several and they have names."""
    if len(labels) < 2:
        return []
    return trained.own_names([labels[column % len(labels)] for column in range(columns)])


def _labels_part(trained: Trained, labels: list[int]) -> str:
    """Labels as a part of a file's name: _label_0-1, or with class names _label_0-1_dark-light."""
    own_names = trained.own_names(list(dict.fromkeys(labels)))
    names = f"_{name_in_file('-'.join(own_names))}" if own_names else ""
    return f"_label_{_listed(labels)}{names}"


def _pixels(trained: Trained, selection: Selection) -> np.ndarray:
    every = slice(None)
    return sample_pixels(trained.dcgan, selection.z(every), selection.labels_of(every))


def _listed(numbers: Sequence[int]) -> str:
    """Numbers for a file's name: the first eight, and how many more."""
    more = f"-and-{len(numbers) - 8}-more" if len(numbers) > 8 else ""
    return "-".join(map(str, numbers[:8])) + more
