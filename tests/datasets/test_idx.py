"""MNIST's four files: the original's order, gzipped or plain, errors that help."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from makers import gzip_files, write_idx, write_mnist

from datasets.dataset import open_dataset
from datasets.idx import load_mnist
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
    gzip_files(tmp_path)
    zipped = load_mnist(tmp_path, FULL)
    np.testing.assert_array_equal(plain[0], zipped[0])
    np.testing.assert_array_equal(plain[1], zipped[1])
    assert sorted(plain[1]) == sorted(labels)


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
        ("train-images-idx3-ubyte", b"<html>", "is not an idx file of images"),
        (
            "t10k-labels-idx1-ubyte",
            b"\0\0\x08\x01\0\0\0\x10ab",
            "holds 2 bytes, but its header says 16",
        ),
        ("t10k-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\2ab", "16 images but 2 labels"),
        ("t10k-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x10" + b"a" * 16, "a label is 97"),
        (
            "t10k-labels-idx1-ubyte",
            b"\0\0\x08\x01\0\0\0\2" + bytes(9),
            "holds more bytes, but its header says 2",
        ),
        (
            "t10k-images-idx3-ubyte",
            b"\0\0\x08\x03\0\0\0\x10\0\0\0\0\0\0\0\x1c",
            "has images of 0x28 pixels",
        ),
        (
            "train-images-idx3-ubyte",
            b"\0\0\x08\x03\0\0\0\x70\0\0\0\x1c\0\0\0\0",
            "has images of 28x0 pixels",
        ),
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
    with pytest.raises(UserError, match=r"ubyte\.gz is (damaged|not an idx file)"):
        load_mnist(tmp_path, FULL)


@pytest.mark.parametrize(
    ("promised", "message"),
    [(16, "holds more bytes, but its header says 16"), (1 << 29, "holds .* its header says 536,")],
)
def test_no_more_is_unpacked_than_the_header_promises(
    tmp_path: Path, promised: int, message: str
) -> None:
    """64 MiB of zeros in 64 KiB; and a header that promises 512 MiB takes no more than there is."""
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    labels = struct.pack(">II", 2049, promised) + bytes(1 << 26)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, 1))
    del labels
    tracemalloc.start()
    with pytest.raises(UserError, match=message):
        load_mnist(tmp_path, FULL)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < (1 << 24 if promised == 16 else 1 << 28)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_missing_mnist_names_the_command(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        UserError,
        match=rf"no folder .*{name}\. Type: python download\.py {name} --data_dir {tmp_path}$",
    ):
        open_dataset(parse([f"--data_dir={tmp_path}", f"--dataset={name}"]), 0, say=print)


def test_fashion_mnist_is_a_drop_in_for_mnist(tmp_path: Path) -> None:
    """Gzipped, as download.py keeps it."""
    opened = []
    for name in ("mnist", "fashion_mnist"):
        write_mnist(tmp_path / name)
    gzip_files(tmp_path / "fashion_mnist")
    for name in ("mnist", "fashion_mnist"):
        opened.append(
            open_dataset(parse([f"--data_dir={tmp_path}", f"--dataset={name}"]), 0, say=print)
        )
    assert opened[0].y_dim == opened[1].y_dim == 10
    np.testing.assert_array_equal(opened[0].images, opened[1].images)
    np.testing.assert_array_equal(opened[0].batch(0, 1)[1], opened[1].batch(0, 1)[1])


def test_a_header_that_promises_more_than_any_idx_set_has_is_refused(tmp_path: Path) -> None:
    """The header is a part of the file that is not trusted."""
    write_mnist(tmp_path)
    images = tmp_path / "train-images-idx3-ubyte"
    images.write_bytes(struct.pack(">4I", 2051, 1 << 21, 32, 32) + b"\0" * 99)
    with pytest.raises(UserError, match=r"promises 2\.1 GB, more than an idx set has"):
        load_mnist(tmp_path, Geometry(None, (28, 28)))
