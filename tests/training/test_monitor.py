"""What a training shows of itself is what happened."""

import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from training.monitor import FRAMES, Watch, diversity, sample_pictures, spread
from utils import save_grid

STREAM = np.random.default_rng(0)


def noise(count: int, size: int = 8, channels: int = 1) -> np.ndarray:
    return STREAM.integers(0, 256, (count, size, size, channels), np.uint8)


def result(d_loss: float) -> dict[str, tf.Tensor]:
    thinks = {"d": tf.constant([[0.5], [0.7]]), "d_": tf.constant([[0.2], [0.4]])}
    return {"d_loss": tf.constant(d_loss), "g_loss": tf.constant(2.0), **thinks}


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
        watch = Watch(tmp_path, tmp_path, begin, 0.3, None, said.append)
        for number, d_loss in enumerate(d_losses, 1):
            watch.note(begin + 100 * number, result(d_loss), 64, None)
    assert len(said) == 1
    assert said[0].startswith("warning: step 300: d_loss has been under 0.05 for 200 steps")


def test_alike_samples_are_warned_of(tmp_path: Path) -> None:
    said: list[str] = []
    watch = Watch(tmp_path, tmp_path, 0, 0.3, None, said.append)
    for step in (10, 20, 30):
        watch.note(step, result(1.0), 64, np.repeat(noise(1), 4, axis=0))
    assert len(said) == 1
    assert "step 20: the samples differ from each other less than a fifth" in said[0]


def test_history_and_progress_are_drawn_when_it_costs_little(tmp_path: Path) -> None:
    said: list[str] = []
    pictures = [save_grid(noise(4), tmp_path / f"train_00_{k:04}.png") for k in range(3)]
    watch = Watch(tmp_path, tmp_path, 0, 0.3, None, said.append)
    watch.draw(pictures, at_once=True)
    assert said == [], "there is nothing to draw yet"
    watch.note(10, result(1.0), 64, None)
    watch.draw(pictures)
    assert said == [f"wrote {tmp_path / 'history.png'}", f"wrote {tmp_path / 'progress.gif'}"]
    watch.note(20, result(1.0), 64, None)
    watch.draw(pictures)
    assert len(said) == 2, "the last drawing took more than a hundredth of the time since"
    for _ in range(2):
        watch.draw(pictures, at_once=True)
        assert len(said) == 4, "what is drawn already is not drawn again"


def test_progress_shows_the_first_and_the_last_picture_and_is_capped(tmp_path: Path) -> None:
    """What cannot be read is named and left out."""
    pictures = [
        save_grid(np.full((1, 600, 300, 3), level, np.uint8), tmp_path / f"{level}.png")
        for level in range(0, 255, 2)
    ]
    damaged = spread(pictures)[7]
    damaged.write_bytes(damaged.read_bytes()[:30])
    said: list[str] = []
    watch = Watch(tmp_path, tmp_path, 0, 0.3, None, said.append)
    watch.note(10, result(1.0), 64, None)
    watch.draw(pictures)
    assert f"not in progress.gif: {damaged} cannot be read" in said[1]
    with Image.open(tmp_path / "progress.gif") as gif:
        assert gif.n_frames == FRAMES - 1 < len(pictures)
        assert max(gif.size) <= 600 / 2
        shown = []
        for frame in range(FRAMES - 1):
            gif.seek(frame)
            shown.append(gif.convert("L").getpixel((0, 0)))
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (pytest.approx(0, abs=8), pytest.approx(254, abs=8))


def test_pictures_of_a_run_come_in_the_order_of_its_steps(tmp_path: Path) -> None:
    for name in ("train_00_0099", "train_09_0001", "train_10_0000", "train_100_0001", "train_x_1"):
        (tmp_path / f"{name}.png").touch()
    (tmp_path / "reals.png").touch()
    names = [path.stem for path in sample_pictures(tmp_path, step=1102, batches=110)]
    assert names == ["train_00_0099", "train_09_0001", "train_10_0000"]
