"""MNIST in the original's order, folders in a new order each epoch, errors that help."""

import dataclasses
import gzip
from pathlib import Path

import numpy as np
import pytest
from makers import write_idx, write_jpegs, write_mnist

from datasets.dataset import Dataset, load_mnist, open_dataset
from datasets.image_files import Geometry
from main import parse
from support.errors import UserError

FULL = Geometry(None, (28, 28))


def test_mnist_comes_in_the_originals_order(tmp_path: Path) -> None:
    """70,000 images that tell their number, against the original's own two shuffles."""
    numbers = np.arange(70_000, dtype=np.uint32)
    images = numbers.view(np.uint8).reshape(-1, 2, 2)
    labels = (numbers % 10).astype(np.uint8)
    for part, rows in (("train", slice(60_000)), ("t10k", slice(60_000, None))):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images[rows])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", labels[rows])
    loaded, loaded_labels = load_mnist(tmp_path, Geometry(None, (2, 2)))

    shuffled = numbers.copy()
    np.random.seed(547)
    np.random.shuffle(shuffled)
    order = loaded.reshape(-1, 4).view(np.uint32)[:, 0]
    np.testing.assert_array_equal(order, shuffled)
    np.testing.assert_array_equal(loaded_labels, shuffled % 10)
    # In the real files these rows are the digits 7 5 1 0 3 2 5 2, the first of the sample grid.
    assert order[:8].tolist() == [34079, 3860, 12643, 8531, 3606, 15603, 44852, 33180]


def test_files_may_still_be_gzipped(tmp_path: Path) -> None:
    labels = write_mnist(tmp_path)
    plain = load_mnist(tmp_path, FULL)
    for path in list(tmp_path.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    zipped = load_mnist(tmp_path, FULL)
    np.testing.assert_array_equal(plain[0], zipped[0])
    np.testing.assert_array_equal(plain[1], zipped[1])
    assert sorted(plain[1]) == sorted(labels)


def test_an_epoch_of_a_mapped_array_takes_no_memory(tmp_path: Path) -> None:
    """What was read of the file would count as this program's: 300 MB here, 2.4 GB elsewhere."""
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("only Linux tells how much of a file is in memory")

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


def test_mnist_can_be_cropped_and_resized(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    images, _ = load_mnist(tmp_path, Geometry((20, 20), (10, 14)))
    assert images.shape == (128, 10, 14, 1)
    full, _ = load_mnist(tmp_path, FULL)
    centre, _ = load_mnist(tmp_path, Geometry((20, 20), (20, 20)))
    np.testing.assert_array_equal(centre, full[:, 4:24, 4:24])


@pytest.mark.parametrize("data", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", None, r"but no train-images-idx3-ubyte or .*\.gz"),
        ("train-images-idx3-ubyte", b"<html>", "is no idx file of images"),
        ("t10k-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x10ab", "holds 2 bytes where"),
        ("t10k-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\2ab", "128 images but 114 labels"),
        ("t10k-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x10" + b"a" * 16, "a label of 97"),
    ],
)
def test_wrong_mnist_files_are_named(
    tmp_path: Path, data: str, name: str, content: bytes | None, message: str
) -> None:
    folder = tmp_path / data
    write_mnist(folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        load_mnist(folder, FULL)
    assert f"python download.py {data}" in str(caught.value)


@pytest.mark.parametrize("damage", ["cut short", "a bit flipped"])
def test_a_broken_gzip_file_is_named(tmp_path: Path, damage: str) -> None:
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    content = bytearray(gzip.compress(path.read_bytes()))
    if damage == "cut short":
        del content[-900:]
    else:
        content[15:60] = bytes(45)
    path.with_name(path.name + ".gz").write_bytes(content)
    path.unlink()
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        load_mnist(tmp_path, FULL)


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


def test_each_replica_tosses_coins_of_its_own_and_one_those_of_a_plain_run() -> None:
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
        match=r"3 images do not fill one batch of 4: .*--batch_size \(say 2\), or --augment or "
        "--allow_bad to repeat them",
    ):
        open_dataset(settings, 0)


def test_allow_bad_repeats_few_images_to_fill_a_batch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jpegs(tmp_path / "few", 3)
    flags = [f"--data_dir={tmp_path}", "--dataset=few", "--batch_size=8", "--allow_bad"]
    data = open_dataset(parse(flags), 0)
    assert "1 step an epoch: 3 images, repeated to fill one batch of 8" in capsys.readouterr().out
    assert data.batches == 1
    pixels, _ = data.batch(0, 0)
    assert len(pixels) == 8
    counts = [int((pixels == image).all((1, 2, 3)).sum()) for image in data.images]
    assert sorted(counts) == [2, 3, 3]
    assert len(open_dataset(parse([*flags, "--train_size=2"]), 0).batch(0, 0)[0]) == 8


def test_bad_files_are_refused_at_every_start(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "bad", 2)
    for name in "abc":
        (tmp_path / "bad" / f"{name}.jpg").write_text("no image")
    flags = [f"--data_dir={tmp_path}", "--dataset=bad", "--batch_size=2"]
    for _ in range(2):
        with pytest.raises(UserError, match=r"3 of 5 files cannot be used, .*--allow_bad"):
            open_dataset(parse(flags), 0)
    assert open_dataset(parse([*flags, "--allow_bad"]), 0).batches == 1


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_missing_mnist_tells_the_command(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"no folder .*{name}\. Type: python download\.py {name}$"):
        open_dataset(parse([f"--data_dir={tmp_path}", f"--dataset={name}"]), 0)


def test_fashion_mnist_is_a_drop_in_for_mnist(tmp_path: Path) -> None:
    """Gzipped, as download.py keeps it."""
    opened = []
    for name in ("mnist", "fashion_mnist"):
        write_mnist(tmp_path / name)
    for path in list((tmp_path / "fashion_mnist").iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    for name in ("mnist", "fashion_mnist"):
        opened.append(open_dataset(parse([f"--data_dir={tmp_path}", f"--dataset={name}"]), 0))
    assert opened[0].y_dim == opened[1].y_dim == 10
    np.testing.assert_array_equal(opened[0].images, opened[1].images)
    np.testing.assert_array_equal(opened[0].batch(0, 1)[1], opened[1].batch(0, 1)[1])
