"""What a training shows beside its lines: history.csv, history.png, progress.gif, warnings."""

import math
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from datasets.image_files import UnreadableError, opened
from support.console import Say
from training.history import Alarms, Row, append_row, draw_curves, read_rows, write_rows
from utils import save_animation, spread

REALS = "reals.png"  # beside the sample pictures
FRAMES = 60  # of progress.gif, spread over the whole training
FRAME_SIDE = 300  # pixels, at most
SECONDS = 10.0
DRAWING_MAY_TAKE = 0.01  # of the time


class Meter:
    """Measures the steps of a run: one row of its history each."""

    def __init__(self, images: int, of_reals: float, labels: np.ndarray | None):
        """For steps of so many images, of all replicas.

        of_reals: the diversity of real images, to compare that of the samples with; nan if unknown.
        labels: classes of the samples [N]; None without.
        """
        self._images, self._of_reals, self._labels = images, of_reals, labels
        self._last: tuple[int, float] | None = None

    def row(self, step: int, result: Mapping[str, tf.Tensor], pixels: np.ndarray | None) -> Row:
        """A step's row, by train_step's result with `watch` and the samples, uint8 [N, H, W, C]."""
        now, speed, diverse = time.perf_counter(), math.nan, math.nan
        if self._last:  # the first steps of a start take longer: TensorFlow traces them
            before, then = self._last
            speed = (step - before) * self._images / (now - then)
        self._last = (step, now)
        if pixels is not None and self._of_reals > 0:
            diverse = diversity(pixels, self._labels) / self._of_reals
        return Row(
            step,
            d_loss=float(result["d_loss"]),
            g_loss=float(result["g_loss"]),
            d_of_reals=float(tf.reduce_mean(result["d"])),
            d_of_fakes=float(tf.reduce_mean(result["d_"])),
            images_per_s=speed,
            diversity=diverse,
        )


class Monitor:
    """Keeps the history of one run and draws it: history.csv, history.png, progress.gif."""

    def __init__(
        self, logs: Path, samples: Path, step: int, batches: int, alarms: Alarms, say: Say
    ):
        """Take up what earlier starts noted up to `step`; `batches` are the steps of an epoch."""
        self._csv, self._png = logs / "history.csv", logs / "history.png"
        self._samples, self._gif = samples, samples / "progress.gif"
        self._batches, self._alarms, self._say = batches, alarms, say
        self._rows = read_rows(self._csv, step)
        write_rows(self._csv, self._rows)
        for row in self._rows:
            self._alarms.after(row)
        self._draw_at, self._rows_drawn = 0.0, 0

    @property
    def rows(self) -> Sequence[Row]:
        """All rows of the run's history so far."""
        return self._rows

    def note(self, row: Row, result: Mapping[str, tf.Tensor], sampled: bool) -> None:
        """Add a step's row, and warn of what it tells."""
        self._rows.append(row)
        if self._csv.is_file():
            append_row(self._csv, row)
        else:  # somebody has deleted it
            write_rows(self._csv, self._rows)
        for warning in self._alarms.after(row):
            self._say(f"warning: step {row.step:,}: {warning}. See docs/reading-the-losses.md")

    def sampled(self) -> None:
        """Draw, now that there is a new sample picture, if drawing has taken little of the time."""
        if time.monotonic() >= self._draw_at:
            began = time.monotonic()
            self.end()
            self._draw_at = began + (time.monotonic() - began) / DRAWING_MAY_TAKE

    def end(self) -> None:
        """Draw history.png and progress.gif, unless nothing has been noted since the last time."""
        if len(self._rows) == self._rows_drawn:
            return
        self._rows_drawn = len(self._rows)
        self._say(f"wrote {draw_curves(self._rows, self._png)}")
        pictures = sample_pictures(self._samples, sampled_steps(self._rows), self._batches)
        if frames := self._frames(pictures):
            self._say(f"wrote {save_animation(frames, self._gif, SECONDS)}")

    def _frames(self, pictures: list[Path]) -> list[np.ndarray]:
        """What progress.gif shows; pictures that cannot be read are named and left out."""
        frames = []
        for picture in spread(pictures, FRAMES):
            try:
                frames.append(_frame(picture))
            except UnreadableError as reason:
                self._say(f"not in {self._gif.name}: {picture} cannot be read ({reason})")
        return [frame for frame in frames if frame.shape == frames[-1].shape]


def diversity(pixels: np.ndarray, labels: np.ndarray | None) -> float:
    """The mean distance of two of the pictures, uint8 [N, H, W, C]: 0 ... 1.

    That is the root mean square over the pixels. With labels, classes [N], only pairs of the same
    class count; nan where there is none.
    """
    flat = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
    products = flat @ flat.T
    squares = np.diag(products)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0) / flat.shape[1])
    pairs = ~np.eye(len(flat), dtype=bool)
    if labels is not None:
        pairs &= labels[:, None] == labels
    return float(distances[pairs].mean()) if pairs.any() else math.nan


def sampled_steps(rows: Sequence[Row]) -> set[int]:
    """The steps that had a sample picture: all that are noted where no diversity is defined."""
    sampled = {row.step for row in rows if not math.isnan(row.diversity)}
    return sampled or {row.step for row in rows}


def sample_pictures(folder: Path, steps: set[int], batches: int) -> list[Path]:
    """The pictures train_{epoch}_{idx}.png of these steps, in their order.

    Others may lie there, too: of an earlier run of the same name, or of later steps that a run that
    fell back has yet to make.
    """
    found = {step_of_picture(path, batches): path for path in folder.glob("train_*_*.png")}
    return [found[step] for step in sorted(found) if step in steps]


def step_of_picture(path: Path, batches: int) -> int:
    """The step after which a sample picture was made, by its name; 0 for another name."""
    name = re.fullmatch(r"train_(\d+)_(\d+)\.png", path.name)
    return int(name[1]) * batches + int(name[2]) + 1 if name else 0


def _frame(path: Path) -> np.ndarray:
    with opened(path) as image:
        image.thumbnail((FRAME_SIDE, FRAME_SIDE), Image.Resampling.BOX)
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
