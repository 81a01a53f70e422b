"""Batches by epoch and number: which images, in which order, with which labels."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from makers import write_jpegs

from datasets.dataset import Dataset, open_dataset
from main import parse
from support.errors import UserError


def test_an_epoch_of_a_mapped_array_takes_no_memory(tmp_path: Path) -> None:
    """What was read of the file would count as this program's: 300 MB here, 2.4 GB elsewhere."""
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("only Linux says how much of a file is in memory")

    def of_files() -> int:
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))

    path = tmp_path / "zeros.u8"
    with path.open("wb") as file:
        file.truncate(25_000 * 64 * 64 * 3)
    images = np.memmap(path, np.uint8, "r", shape=(25_000, 64, 64, 3))
    data = Dataset(images, None, None, 64, 25_000, seed=0)
    before = of_files()
    for idx in range(data.batches):
        assert not data.batch(0, idx)[0].any()
    assert of_files() - before < 20 * 1024  # KiB


def numbered(batch_size: int = 4, train_size: float = np.inf, seed: int = 0) -> Dataset:
    images = np.arange(11, dtype=np.uint8).reshape(11, 1, 1, 1)
    return Dataset(images, None, None, batch_size, train_size, seed)


def test_an_epoch_shows_each_image_once_and_the_next_in_another_order() -> None:
    data = numbered()
    assert data.batches == 2
    epochs = [np.concatenate([data.batch(e, i)[0].ravel() for i in (0, 1)]) for e in (0, 1)]
    assert all(len(set(epoch.tolist())) == 8 for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()


def test_a_batch_depends_on_seed_epoch_and_idx_alone() -> None:
    wanted = numbered().batch(3, 1)[0]
    np.testing.assert_array_equal(numbered().batch(3, 1)[0], wanted)
    assert (numbered(seed=1).batch(3, 1)[0] != wanted).any()


@pytest.mark.parametrize("replicas", [2, 3])
@pytest.mark.parametrize("fixed_order", [False, True])
def test_replicas_share_the_epoch_of_one(fixed_order: bool, replicas: int) -> None:
    """No image twice; side by side their batches are the order that one replica goes through."""
    images = np.arange(26, dtype=np.uint8).reshape(26, 1, 1, 1)
    alone = Dataset(images, None, None, 4, np.inf, 0, fixed_order=fixed_order)
    shared = dataclasses.replace(alone, replicas=replicas)
    assert shared.batches == 26 // (4 * replicas)
    for epoch in (0, 1):
        steps, turns = range(shared.batches), range(replicas)
        shown = [shared.batch(epoch, idx, turn)[0].ravel() for idx in steps for turn in turns]
        order = np.concatenate(shown)
        assert len(set(order.tolist())) == len(order)
        wanted = [alone.batch(epoch, idx)[0].ravel() for idx in range(alone.batches)]
        np.testing.assert_array_equal(order, np.concatenate(wanted)[: len(order)])


def test_each_replica_tosses_its_own_coins_and_a_single_one_those_of_a_plain_run() -> None:
    """Each image is black on the left and white on the right; no two steps toss alike."""
    images = np.tile(np.array([0, 255], np.uint8).reshape(1, 1, 2, 1), (96, 1, 1, 1))
    alone = Dataset(images, None, None, 16, np.inf, 0, flip=True)
    shared = dataclasses.replace(alone, replicas=3)
    tossed = [
        shared.batch(e, i, r)[0][:, 0, 0, 0] for e in (0, 1) for i in (0, 1) for r in range(3)
    ]
    assert len({coins.tobytes() for coins in tossed}) == 12
    plain = [alone.batch(e, i)[0][:, 0, 0, 0] for e in (0, 1) for i in range(6)]
    np.testing.assert_array_equal(tossed, plain, "draw s x replicas + r of the run")


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
    assert images.ravel().tolist() == list(range(40)), "the data themselves do not change"


def test_train_size_caps_an_epoch() -> None:
    assert numbered(train_size=7).batches == 1
    assert numbered(train_size=8).batches == 2


def test_labels_are_one_hot_and_keep_their_images() -> None:
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    data = Dataset(images, images.ravel() % 3, 3, 2, np.inf, 0, fixed_order=True)
    for epoch in (0, 1):
        pixels, y = data.batch(epoch, 1)
        assert pixels.ravel().tolist() == [2, 3]
        assert y is not None
        np.testing.assert_array_equal(y, [[0, 0, 1], [1, 0, 0]])


def test_fewer_images_than_a_batch_are_an_error(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "few", 3)
    settings = parse([f"--data_dir={tmp_path}", "--dataset=few", "--batch_size=4"])
    with pytest.raises(
        UserError,
        match=r"3 images, which cannot fill one batch of 4: .*--batch_size \(say 2\), or "
        "--augment or --allow_bad to repeat them",
    ):
        open_dataset(settings, 0, say=print)


@pytest.mark.parametrize("flag", ["--allow_bad", "--augment"])
def test_few_images_may_be_repeated_to_fill_a_batch(tmp_path: Path, flag: str) -> None:
    write_jpegs(tmp_path / "few", 3)
    flags = [f"--data_dir={tmp_path}", "--dataset=few", "--batch_size=8", flag]
    data = open_dataset(parse(flags), 0, say=print)
    assert (data.text, data.batches) == ("3 images of 64x64x3", 1)
    pixels, _ = data.batch(0, 0)
    assert len(pixels) == 8
    counts = [int((pixels == image).all((1, 2, 3)).sum()) for image in data.images]
    assert sorted(counts) == [2, 3, 3]
    assert len(open_dataset(parse([*flags, "--train_size=2"]), 0, say=print).batch(0, 0)[0]) == 8


def test_bad_files_are_refused_at_every_start(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "bad", 2)
    for name in "abc":
        (tmp_path / "bad" / f"{name}.jpg").write_text("no image")
    flags = [f"--data_dir={tmp_path}", "--dataset=bad", "--batch_size=2"]
    for _ in range(2):
        with pytest.raises(UserError, match=r"3 of 5 files cannot be used, .*--allow_bad"):
            open_dataset(parse(flags), 0, say=print)
    assert open_dataset(parse([*flags, "--allow_bad"]), 0, say=print).batches == 1


@pytest.mark.parametrize(
    ("dataset", "meant"),
    [
        ("data/anime", "--dataset=anime"),
        ("Anime", "--dataset=anime"),
        ("anme", "--dataset=anime"),
        ("MNIST", "--dataset=mnist"),
        ("elsewhere/faces", "--data_dir=elsewhere --dataset=faces"),
    ],
)
def test_a_data_set_that_is_probably_meant_is_named(
    dataset: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data/anime").mkdir(parents=True)
    (tmp_path / "elsewhere/faces").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    told = "data/data/cats; data holds anime. Unpack the images there"
    with pytest.raises(UserError, match=re.escape(told)):
        open_dataset(parse(["--dataset=data/cats"]), 0, say=print)
    with pytest.raises(UserError, match=f"there is no folder data/.* Did you mean {meant}\\?"):
        open_dataset(parse([f"--dataset={dataset}"]), 0, say=print)
