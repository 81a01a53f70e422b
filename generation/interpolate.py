"""An animation from seed to seed: GIF, or MP4 with imageio-ffmpeg."""

import argparse
import dataclasses
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from generation.flags import add_points, check_points, number
from generation.latent import METHODS, along, suiting
from generation.selection import Selection, labels_named, labels_part, listed, selected
from support.console import positive, say, say_written
from support.errors import UserError
from support.files import written_aside
from utils import one_hot, sample_pixels, save_animation

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

FOLDER = "interpolated"
FRAMES_A_SECOND = 20
MOST_FRAMES = 10_000


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of this command."""
    add_points(parser)
    in_all = "pictures in all [60]"
    parser.add_argument("--frames", type=positive, default=60, metavar="N", help=in_all)
    parser.add_argument("--loop", action="store_true", help="end where it began")
    by_prior = "straight or along an arc [lerp for uniform z, slerp for normal z]"
    parser.add_argument("--method", choices=METHODS, help=by_prior)
    pace = f"how long it lasts [{FRAMES_A_SECOND} frames a second]"
    parser.add_argument("--seconds", type=number(0.02, 3600), metavar="S", help=pace)
    parser.add_argument("--format", choices=("gif", "mp4"), default="gif", help="[gif]")


def check(arguments: argparse.Namespace) -> None:
    """Refuse flags that contradict each other, too many frames, and MP4 if nothing can write it."""
    check_points(arguments)
    if arguments.frames > MOST_FRAMES:
        raise UserError(f"--frames {arguments.frames:,} are too many: up to {MOST_FRAMES:,}")
    if arguments.format == "mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise UserError("--format mp4 needs another package: pip install imageio-ffmpeg")


def run(trained: "Trained", arguments: argparse.Namespace) -> None:
    """Write the animation, and print where it is."""
    selection, named = _selected(trained, arguments)
    own = selection.tags or not named
    labels = selection.labels_of() if own else np.resize(named, selection.count)
    method = arguments.method or suiting(selection.z_dist)
    z = selection.z()
    frames = frames_between(trained.dcgan, z, labels, arguments.frames, arguments.loop, method)
    kind = "z" if arguments.z else "seeds"
    numbers = listed(list(dict.fromkeys(selection.numbers)))
    of_labels = labels_part(trained, named) if named else ""
    path = arguments.out / f"{kind}_{numbers}_{method}{of_labels}.{arguments.format}"
    say_written(save_frames(frames, path, arguments.seconds or len(frames) / FRAMES_A_SECOND))


def _selected(trained: "Trained", arguments: argparse.Namespace) -> tuple[Selection, list[int]]:
    """The z to go through, and the labels that --label names: none, one, or one for each z."""
    named = labels_named(arguments.label, trained.classes, trained.kind)
    tags = named if trained.dcgan.config.tags else []  # every picture has all of them
    selection = selected(trained, arguments, tags, 2, say, repeats=True)
    if not selection.tags and selection.count == 1 and len(named) > 1:  # one z, from label to label
        numbers = list(selection.numbers) * len(named)
        selection = dataclasses.replace(selection, numbers=numbers, count=len(named))
    count = selection.count
    if not selection.tags and len(named) not in (0, 1, count):
        raise UserError(f"--label {arguments.label}: give one label, or one for each of {count}")
    if count < 2:
        source = f"--z {arguments.z}" if arguments.z else f"--seeds {selection.numbers[0]}"
        raise UserError(f"{source} is one point: give two or more, or several labels")
    if arguments.frames < count:
        raise UserError(f"--frames {arguments.frames}: give a frame for each of {count} z")
    return selection, named


def frames_between(
    dcgan: "DCGAN", z: np.ndarray, labels: np.ndarray | None, frames: int, loop: bool, method: str
) -> np.ndarray:
    """Pictures uint8 [frames, H, W, C] on the way through z [N, z_dim], as latent.along goes it.

    Between two labels [N] the one-hot vectors are mixed in proportion, or the rows of tags.
    """
    y = None
    if labels is not None and dcgan.y_dim:
        rows = one_hot(labels, dcgan.y_dim) if labels.ndim == 1 else labels
        y = along(rows, frames, loop, "lerp")
    return sample_pixels(dcgan, along(z, frames, loop, method), y)


def save_frames(frames: np.ndarray, path: Path, seconds: float) -> Path:
    """Write frames uint8 [N, H, W, C] as a GIF or an MP4, by the path's suffix; returns it."""
    if path.suffix == ".gif":
        return save_animation(frames, path, seconds)
    # Only --format mp4 needs this package, so requirements.txt does not ask for it.
    from imageio_ffmpeg import write_frames

    rgb = np.broadcast_to(frames, (*frames.shape[:3], 3))
    even = [(0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)]
    padded = np.pad(rgb, even, mode="edge")  # H.264 stores one colour for 2x2 pixels
    size = (padded.shape[2], padded.shape[1])
    with written_aside(path) as aside:
        writer = write_frames(str(aside), size, fps=len(frames) / seconds, macro_block_size=2)
        try:
            writer.send(None)
            for frame in padded:
                writer.send(np.ascontiguousarray(frame))
        finally:
            writer.close()  # ends ffmpeg
    return path
