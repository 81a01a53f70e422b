"""Few images: pictures and checkpoints in time, but not at every step; advice where it helps."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from makers import write_jpegs

from datasets.dataset import Dataset, open_dataset
from main import parse
from training.loop import Run, _due
from training.pace import advice, frequency


@pytest.mark.parametrize(
    ("images", "batch_size", "flags", "sample", "checkpoint"),
    [
        (64, 64, [], 20, 100),
        (200, 64, [], 21, 102),  # 3 steps an epoch: at the end of every seventh, and of every 34th
        (500, 10, [], 50, 100),
        (500, 4, [], 100, 125),
        (500, 1, [], 100, 500),
        (501, 64, [], 100, 500),
        (200, 64, ["--sample_freq=100", "--ckpt_freq=500"], 100, 500),
        (200, 64, ["--sample_freq=1"], 1, 102),
    ],
)
def test_samples_and_checkpoints_come_with_the_epochs(
    images: int, batch_size: int, flags: list[str], sample: int, checkpoint: int
) -> None:
    batches = images // batch_size
    for name, wanted in (("sample_freq", sample), ("ckpt_freq", checkpoint)):
        assert frequency(parse(flags), name, images, batches) == wanted


def test_the_last_step_of_a_small_set_is_sampled() -> None:
    for images, wanted in ((10, [False, True, False]), (505, [False, False, False])):
        data = Dataset(np.zeros((images, 1, 1, 1), np.uint8), None, None, 5, np.inf, 0)
        dcgan = SimpleNamespace()
        run = Run(parse(["--epoch=3"]), 0, data, dcgan, Path())  # type: ignore[arg-type]
        last = 3 * data.batches
        assert [_due(run, step)[1] for step in (last - 1, last, last + 1)] == wanted


def test_advice_says_how_many_steps_it_makes() -> None:
    (line,) = advice(parse([]), 200, 3)
    assert line.startswith("a small set: 3 steps an epoch, --epoch 25 makes 75, --epoch 667 about")
    assert "; --flip --augment would make more of the images" in line
    (line,) = advice(parse(["--flip", "--epoch=700"]), 200, 3)
    assert "about" not in line
    assert "; --augment would" in line
    assert not list(advice(parse(["--flip", "--augment", "--epoch=700"]), 200, 3))
    assert not list(advice(parse([]), 501, 7))


def test_augment_repeats_few_images_to_fill_a_batch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jpegs(tmp_path / "few", 3)
    flags = [f"--data_dir={tmp_path}", "--dataset=few", "--batch_size=8", "--augment"]
    data = open_dataset(parse(flags), 0)
    assert "1 step an epoch: 3 images, repeated to fill one batch of 8" in capsys.readouterr().out
    assert (data.batches, len(data.batch(0, 0)[0])) == (1, 8)


def test_half_of_the_images_are_mirrored_by_seed_and_step() -> None:
    images = np.arange(40, dtype=np.uint8).reshape(20, 1, 2, 1)

    def turned(seed: int, epoch: int) -> list[bool]:
        data = Dataset(images, None, None, 10, np.inf, seed, flip=True)
        batches = [data.batch(epoch, idx)[0] for idx in (0, 1)]
        rows = np.concatenate(batches)[:, 0, :, 0].tolist()
        assert sorted(sorted(row) for row in rows) == images[:, 0, :, 0].tolist()
        return [left > right for left, right in rows]

    assert turned(0, 1) == turned(0, 1)
    assert turned(0, 1) != turned(0, 2)
    assert turned(0, 1) != turned(1, 1)
    assert 0.35 < np.mean([turned(0, epoch) for epoch in range(20)]) < 0.65
    assert images.ravel().tolist() == list(range(40)), "the data themselves stay as they are"
