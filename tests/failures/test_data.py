"""Broken data, cases 1 to 7 and 11: used as far as that makes sense, or refused in one line."""

import gzip
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hosts import HASTY, Manner, Request, running_host, status
from makers import (
    FEW,
    TRAIN,
    Case,
    Check,
    gzip_files,
    nothing,
    one_error_line,
    tiny,
    write_jpegs,
    write_mnist,
)
from PIL import Image

import download
from datasets.idx import IDX_FILES
from downloads import http
from downloads.mnist import IdxSet


def empty(folder: Path) -> None:
    (folder / "data/tiny").mkdir(parents=True)


def other_suffix(folder: Path) -> None:
    for path in tiny(folder):
        path.rename(path.with_suffix(".JPG"))


def bad_files(folder: Path) -> None:
    good = tiny(folder)[0]
    data = good.parent
    (data / "empty.jpg").touch()
    (data / "text.jpg").write_text("<html>")
    (data / "halb größe 半.jpg").write_bytes(good.read_bytes()[:300])
    (data / "x.jpg").mkdir()
    (data / "nowhere.jpg").symlink_to("gone")
    os.mkfifo(data / "pipe.jpg")


def other_pictures(folder: Path) -> None:
    tiny(folder)[0].rename(folder / "data/tiny/a.PNG")


def mixed_modes(folder: Path) -> None:
    tiny(folder, 3)
    for mode in ("L", "LA", "P", "RGBA", "CMYK", "I;16"):
        kind = "tif" if mode == "CMYK" else "png"
        Image.new(mode, (20, 20)).save(folder / f"data/tiny/{mode[:4].replace(';', '')}.{kind}")


def mixed_sizes(folder: Path) -> None:
    tiny(folder, 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 20)).save(folder / "data/tiny/turned.jpg", exif=exif)
    write_jpegs(folder / "data/small", 4, 9, 9)
    for path in (folder / "data/small").iterdir():
        path.rename(folder / "data/tiny" / f"small{path.name}")


def mostly_bad(folder: Path) -> None:
    tiny(folder, 5)
    for number in range(6):
        (folder / f"data/tiny/bad{number}.jpg").write_text("quota exceeded")


def mnist(folder: Path) -> None:
    write_mnist(folder / "data/mnist")


def gzipped_mnist(folder: Path) -> None:
    mnist(folder)
    gzip_files(folder / "data/mnist")


def html_mnist(folder: Path) -> None:
    mnist(folder)
    (folder / "data/mnist/t10k-labels-idx1-ubyte").write_text("<html>404</html>")


CASES = [
    Case("1 no folder", nothing, TRAIN, 2, "there is no folder data/tiny"),
    Case("1 empty folder", empty, TRAIN, 2, "The folder is empty"),
    Case("1 another suffix", other_suffix, TRAIN, 2, 'try --input_fname_pattern "*.JPG"'),
    Case("2 bad files", bad_files, TRAIN, 0, "14 files found, 9 used, 5 skipped"),
    Case(
        "2 others", other_pictures, TRAIN, 0, "other pictures, which *.jpg does not match: 1 .PNG"
    ),
    Case("2 mostly bad", mostly_bad, TRAIN, 2, "--allow_bad"),
    Case("2 mostly bad, allowed", mostly_bad, (*TRAIN, "--allow_bad"), 0, "11 files found, 5 used"),
    Case(
        "3 mixed modes",
        mixed_modes,
        (*TRAIN, "--input_fname_pattern=*.*"),
        0,
        "9 files found, 9 used",
    ),
    Case(
        "4 mixed sizes",
        mixed_sizes,
        (*TRAIN, "--crop", "--input_height=16"),
        0,
        "converted 4 (enlarged to cover the crop)",
    ),
    Case("5 odd sizes", tiny, (*TRAIN, "--output_height=17", "--output_width=3"), 0, "17x3x3"),
    Case("5 no size", tiny, (*TRAIN, "--output_height=0"), 2, "--output_height=0: it must be"),
    Case(
        "5 mnist without 28",
        mnist,
        ("--dataset=mnist", "--output_height=32", "--train", "--batch_size=100", "--epoch=1", *FEW),
        0,
        "128 images of 32x32x1",
    ),
    Case(
        "6 less than a batch", tiny, (*TRAIN, "--batch_size=64"), 2, "cannot fill one batch of 64"
    ),
    Case("7 batch 1", tiny, (*TRAIN, "--batch_size=1", "--sample_freq=9"), 0, "9 steps an epoch"),
    Case("7 batch 7", tiny, (*TRAIN, "--batch_size=7"), 0, "2 left over"),
    Case(
        "7 batch 32", lambda folder: tiny(folder, 32), (*TRAIN, "--batch_size=32"), 0, "1 step an"
    ),
    Case(
        "7 batch 128",
        lambda folder: tiny(folder, 128),
        (*TRAIN, "--batch_size=128", "--sample_freq=1"),
        0,
        "wrote samples/tiny_128_16_16/train_00_0000.png",
    ),
    Case(
        "11 still gzipped",
        gzipped_mnist,
        ("--dataset=mnist", "--train", "--epoch=1", *FEW),
        0,
        "128 images of 28x28x1",
    ),
    Case(
        "11 a web page", html_mnist, ("--dataset=mnist", "--train"), 2, "python download.py mnist"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mode)
def test_it_is_survived_or_named_in_one_line(case: Case, check: Check) -> None:
    check(case)


def breaks(request: Request, content: bytes) -> None:
    """Cut off, and begun anew when asked for the rest."""
    request.answer(200, content[:500], len(content))


def hangs(request: Request, content: bytes) -> None:
    request.answer(200, content[:500], len(content))
    time.sleep(1)


def shows_a_page(request: Request, content: bytes) -> None:
    request.answer(200, b"<html>quota exceeded")


def has_another_file(request: Request, content: bytes) -> None:
    request.answer(200, gzip.compress(b"other"))


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        (status(404), "answered 404 Not Found"),
        (status(403), "answered 403 Forbidden"),
        (breaks, "cut off, 3 times in a row"),
        (hangs, "3 times in a row"),
        (shows_a_page, "a web page instead"),
        (has_another_file, "wrong content"),
    ],
    ids=["not there", "forbidden", "breaks", "hangs", "a web page", "another file"],
)
def test_11_downloads_that_fail_are_one_line_with_the_recipe(
    manner: Manner,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    no_proxy: None,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    known = download.DATA_SETS["mnist"]
    assert isinstance(known, IdxSet)
    with running_host() as host:
        host.files = {f"{name}.gz": os.urandom(2000) for name in IDX_FILES}
        host.manner = manner
        here = replace(known, mirrors=(host.address,), npm_package=None)
        monkeypatch.setitem(download.DATA_SETS, "mnist", here)
        monkeypatch.setattr(http, "Patience", lambda: HASTY)
        returned = download.main(["mnist"])
    done = subprocess.CompletedProcess([], returned, *capfd.readouterr())
    line = one_error_line(done, 1)
    assert "no source gave train-images-idx3-ubyte" in line
    assert "By hand: fetch train-images-idx3-ubyte.gz" in line
    assert says in done.stderr
    assert not list(Path("data").glob("mnist/[!.]*")), "nothing under a final name"
