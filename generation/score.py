"""What D thinks of images, as a CSV: how likely it finds each to be real."""

import argparse
import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from datasets.image_files import quiet_pillow
from datasets.report import Report
from generation.flags import add_file, refuse_to_replace_inputs
from generation.inputs import add_images, files_of, loaded_images, say_unknown_geometry
from generation.selection import chosen_labels
from support.console import say, say_written
from support.errors import RunError, UserError
from support.files import remove_old, written_aside
from support.npy import write_npy
from support.progress import Progress
from utils import one_hot, save_sheet, to_range

if TYPE_CHECKING:
    from runs.opened import Trained

FOLDER = "scored"
AT_ONCE = 64
SHOWN = 10  # in a row of the sheet; two rows of the best, two of the worst


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_images(parser)
    add_file(parser, "features", "write D's last features [N, F]")


def check(arguments: argparse.Namespace) -> None:
    """Replace folders by the pictures in them; refuse what is not there."""
    arguments.images = files_of(arguments.images, say)
    refuse_to_replace_inputs(arguments, arguments.features)


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write the scores, a sheet and, with --features, the features; print where they are."""
    table, sheet = arguments.out / "scores.csv", arguments.out / "scores.png"
    refuse_to_replace_inputs(arguments, table, sheet)
    labels = chosen_labels(trained, arguments, say) or list(range(len(trained.classes)))
    say_unknown_geometry(trained, say)
    scores, report = scores_of(trained, arguments.images, labels)
    skipped_list = arguments.out / "scores.skipped.txt"
    report.write_skipped(skipped_list)
    say("\n".join(report.lines([], skipped_list)))
    if not scores:
        raise UserError("none of these files can be scored")
    best, middle, worst = (scores[k].probability for k in (0, len(scores) // 2, -1))
    say(f"scores: {best:.4f} the best, {middle:.4f} the middle, {worst:.4f} the worst")
    if trained.classes:
        say("a label is the one with which D takes the image for real: D is not a classifier")
    remove_old(sheet, arguments.features)
    say_written(save_csv(scores, trained.classes, table))
    tiles, captions, size = best_and_worst(trained, scores)
    say_written(save_sheet(tiles, captions, sheet, size))
    if arguments.features:
        say_written(save_features(trained, scores, arguments.features))


class Score(NamedTuple):
    """What D says of one file, and the label it was given with (None without labels)."""

    file: Path
    logit: float
    probability: float
    label: int | None


def scores_of(
    trained: "Trained", files: Sequence[Path], labels: list[int]
) -> tuple[list[Score], Report]:
    """The score of each file, the best first, and what became of the files.

    With labels, each image's is the highest over `labels` (class numbers).
    """
    report = Report()
    scores: list[Score] = []
    tried: list[int | None] = [*labels] or [None]
    with quiet_pillow():
        for paths, images in _batches(trained, files, report, "scoring"):
            given = [_labels(trained, [label] * len(paths)) for label in tried]
            logits = np.hstack([trained.dcgan.discriminate(images, y) for y in given])
            if not np.isfinite(logits).all():
                raise RunError("D says NaN or infinity of an image: this run cannot score")
            highest = logits.max(axis=1).astype(float)
            probabilities = np.asarray(trained.dcgan.loss.probability(highest))
            best = [tried[k] for k in logits.argmax(axis=1)]
            scores += map(Score, paths, highest.tolist(), probabilities.tolist(), best)
    return sorted(scores, key=lambda score: -score.logit), report


def save_csv(scores: Sequence[Score], classes: list[str], path: Path) -> Path:
    """Write file, score and logit, and with labels the label's name; returns the path."""
    with (
        written_aside(path) as aside,
        aside.open("w", newline="", encoding="utf-8", errors="surrogateescape") as out,
    ):
        rows = csv.writer(out)
        rows.writerow(["file", "score", "logit", *(["label"] if classes else [])])
        for score in scores:
            label = [] if score.label is None else [classes[score.label]]
            rows.writerow([score.file, f"{score.probability:.6f}", f"{score.logit:.6f}", *label])
    return path


def save_features(trained: "Trained", scores: Sequence[Score], path: Path) -> Path:
    """Write D's last features, float32 [N, F], in the order of `scores`; returns the path.

    Raises:
        RunError: an image cannot be read any more.
    """
    label_of = {score.file: score.label for score in scores}
    report = Report()

    def blocks() -> Iterator[np.ndarray]:
        files = [score.file for score in scores]
        with quiet_pillow():
            for paths, images in _batches(trained, files, report, "features"):
                y = _labels(trained, [label_of[path] for path in paths])
                yield trained.dcgan.features(images, y).numpy()
        if report.skipped:
            raise RunError(f"{report.skipped[0][0]} has changed meanwhile: score again")

    nothing = np.zeros((1, *trained.dcgan.image_shape))
    width = trained.dcgan.features(nothing, _labels(trained, [0])).shape[1]
    return write_npy(path, "<f4", (len(scores), width), blocks())


def best_and_worst(
    trained: "Trained", scores: Sequence[Score]
) -> tuple[np.ndarray, list[str], tuple[int, int]]:
    """Tiles uint8 [N, H, W, C] of the best, then of the worst, from best to worst.

    Also their captions, the score and with labels the class; and (rows, columns) that they make.
    """
    most = min(2 * SHOWN, (len(scores) + 1) // 2)
    columns = min(SHOWN, most)
    rows = math.ceil(most / columns)
    tiles = np.zeros((2 * rows * columns, *trained.dcgan.image_shape), np.uint8)
    captions = [""] * len(tiles)
    shown = [*scores[:most], *scores[most:][-most:]]
    places = [*range(most), *(rows * columns + k for k in range(len(shown) - most))]
    with quiet_pillow():
        images = loaded_images(trained, [score.file for score in shown])
        for place, score, (_, result) in zip(places, shown, images, strict=True):
            if not isinstance(result, str):
                tiles[place] = result.pixels
            of_class = "" if score.label is None else f" as {trained.classes[score.label]}"
            captions[place] = f"{score.probability:.3f}{of_class}"
    return tiles, captions, (2 * rows, columns)


def _batches(
    trained: "Trained", files: Sequence[Path], report: Report, title: str
) -> Iterator[tuple[list[Path], np.ndarray]]:
    """Files and their images as D takes them; what cannot be read is noted in the report."""
    paths: list[Path] = []
    pixels: list[np.ndarray] = []
    with Progress(title, len(files), "images") as progress:
        for number, (path, result) in enumerate(loaded_images(trained, files), 1):
            report.add(str(path), result)
            if not isinstance(result, str):
                paths.append(path)
                pixels.append(result.pixels)
            if len(paths) == AT_ONCE or (paths and number == len(files)):
                yield paths, to_range(np.stack(pixels), trained.dcgan.value_range)
                paths, pixels = [], []
            progress.update()


def _labels(trained: "Trained", labels: Sequence[int | None]) -> np.ndarray | None:
    y_dim = trained.dcgan.y_dim
    return one_hot(np.array(labels, int), y_dim) if y_dim else None
