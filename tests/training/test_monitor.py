"""What a training shows of itself is what happened."""

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from training.history import Alarms, Row
from training.monitor import FRAMES, Meter, Monitor, diversity, sample_pictures
from utils import save_grid, spread

STREAM = np.random.default_rng(0)


def noise(count: int, size: int = 8, channels: int = 1) -> np.ndarray:
    return STREAM.integers(0, 256, (count, size, size, channels), np.uint8)


def result(d_loss: float) -> dict[str, tf.Tensor]:
    thinks = {"d": tf.constant([[0.5], [0.7]]), "d_": tf.constant([[0.2], [0.4]])}
    return {"d_loss": tf.constant(d_loss), "g_loss": tf.constant(2.0), **thinks}


def monitor(folder: Path, say: Callable[[str], object], step: int = 0) -> Monitor:
    return Monitor(folder, folder, step, 100, Alarms(0.05), say)


def row(step: int, d_loss: float = 1.0, diversity: float = math.nan) -> Row:
    return Row(step, d_loss, 2.0, 0.6, 0.3, 100.0, diversity)


def test_a_row_holds_what_the_step_computed() -> None:
    meter = Meter(64, 0.5, None)
    first = meter.row(10, result(1.25), None)
    assert first[:5] == (10, 1.25, 2.0, pytest.approx(0.6), pytest.approx(0.3))
    assert math.isnan(first.images_per_s), "TensorFlow traces the first step"
    assert math.isnan(first.diversity), "there are no samples"
    pixels = noise(4)
    second = meter.row(20, result(1.25), pixels)
    assert second.images_per_s > 0
    assert second.diversity == pytest.approx(diversity(pixels, None) / 0.5)


def test_diversity_is_the_mean_distance_of_two_pictures() -> None:
    pixels = noise(6, channels=3)
    wanted = [
        np.sqrt(np.mean((pixels[a] / 255 - pixels[b] / 255) ** 2))
        for a in range(6)
        for b in range(a)
    ]
    assert diversity(pixels, None) == pytest.approx(np.mean(wanted), rel=1e-5)
    assert diversity(np.repeat(noise(1), 4, axis=0), None) == pytest.approx(0, abs=1e-3)
    black_and_white = np.stack([np.zeros((4, 4, 1), np.uint8), np.full((4, 4, 1), 255, np.uint8)])
    assert diversity(black_and_white, None) == pytest.approx(1)


def test_with_labels_only_pictures_of_one_class_are_compared() -> None:
    """A G that makes one picture of each class has collapsed, though its classes differ."""
    pixels = np.repeat(noise(2), 3, axis=0)
    assert diversity(pixels, None) > 0.2
    assert diversity(pixels, np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(0, abs=1e-3)
    assert math.isnan(diversity(noise(3), np.arange(3)))


def test_each_warning_comes_once_also_after_a_new_start(tmp_path: Path) -> None:
    """The second time d_loss is low is after a stop: what was said before it is known."""
    said: list[str] = []
    for begin, d_losses in ((0, (0.01, 0.01, 0.01, 1.0)), (400, (0.01, 0.01, 0.01, 0.01))):
        watching = monitor(tmp_path, said.append, begin)
        for number, d_loss in enumerate(d_losses, 1):
            watching.note(row(begin + 100 * number, d_loss), {}, sampled=False)
    assert len(said) == 1
    assert said[0].startswith("warning: step 300: d_loss has been under 0.05 for 200 steps")


def test_alike_samples_are_warned_of(tmp_path: Path) -> None:
    said: list[str] = []
    meter, watching = Meter(64, 0.3, None), monitor(tmp_path, said.append)
    for step in (10, 20, 30, 40):
        alike = np.repeat(noise(1), 4, axis=0)
        watching.note(meter.row(step, result(1.0), alike), {}, sampled=False)
    assert len(said) == 1
    assert "step 30: the samples differ from each other less than a fifth" in said[0]


def test_history_and_progress_are_drawn_when_it_costs_little(tmp_path: Path) -> None:
    said: list[str] = []
    for idx in (4, 9, 19):
        save_grid(noise(4), tmp_path / f"train_00_{idx:04}.png")
    watching = monitor(tmp_path, said.append)
    watching.end()
    assert said == [], "there is nothing to draw yet"
    watching.note(row(5), {}, sampled=False)
    assert said == [], "without a sample there is nothing new to see"
    watching.note(row(10), {}, sampled=True)
    assert said == [], "the sample's picture is not written yet"
    watching.sampled()
    assert said == [f"wrote {tmp_path / 'history.png'}", f"wrote {tmp_path / 'progress.gif'}"]
    watching.note(row(20), {}, sampled=True)
    watching.sampled()
    assert len(said) == 2, "the last drawing took more than a hundredth of the time since"
    for _ in range(2):
        watching.end()
        assert len(said) == 4, "what is drawn already is not drawn again"


def test_progress_shows_the_first_and_the_last_picture_and_is_capped(tmp_path: Path) -> None:
    """What cannot be read is named and left out."""
    levels = range(0, 255, 2)
    pictures = [
        save_grid(np.full((1, 600, 300, 3), level, np.uint8), tmp_path / f"train_00_{idx:04}.png")
        for idx, level in enumerate(levels)
    ]
    damaged, pipe = spread(pictures, FRAMES)[7:9]
    damaged.write_bytes(damaged.read_bytes()[:30])
    pipe.unlink()
    os.mkfifo(pipe)
    said: list[str] = []
    watching = monitor(tmp_path, said.append)
    for step in range(1, 201):
        watching.note(row(step), {}, sampled=False)
    watching.end()
    assert f"not in progress.gif: {damaged} cannot be read" in said[1]
    assert f"not in progress.gif: {pipe} cannot be read (not a regular file)" in said[2]
    with Image.open(tmp_path / "progress.gif") as gif:
        assert gif.n_frames == FRAMES - 2 < len(pictures)
        assert max(gif.size) <= 600 / 2
        shown = []
        for frame in range(FRAMES - 2):
            gif.seek(frame)
            shown.append(gif.convert("L").getpixel((0, 0)))
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (pytest.approx(0, abs=8), pytest.approx(254, abs=8))


def test_pictures_of_a_run_come_in_the_order_of_its_steps(tmp_path: Path) -> None:
    for name in ("train_00_0099", "train_09_0001", "train_10_0000", "train_100_0001", "train_x_1"):
        (tmp_path / f"{name}.png").touch()
    (tmp_path / "reals.png").touch()
    steps = {100, 992, 1101, 1102, 5000}
    names = [path.stem for path in sample_pictures(tmp_path, steps, batches=110)]
    assert names == ["train_00_0099", "train_09_0001", "train_10_0000"]


def test_pictures_of_an_earlier_run_of_the_same_name_are_not_shown(tmp_path: Path) -> None:
    for level, idx in ((250, 4), (250, 9), (10, 14), (250, 19)):
        save_grid(np.full((1, 8, 8, 1), level, np.uint8), tmp_path / f"train_00_{idx:04}.png")
    watching = monitor(tmp_path, lambda text: None)
    for step in range(1, 21):
        watching.note(row(step, diversity=0.5 if step == 15 else math.nan), {}, sampled=False)
    watching.end()
    with Image.open(tmp_path / "progress.gif") as gif:
        assert gif.n_frames == 1
        assert gif.convert("L").getpixel((0, 0)) == pytest.approx(10, abs=8)
