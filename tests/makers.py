"""What tests make up: data sets, images, tiny networks; and how they start the scripts."""

import gzip
import io
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from forked import run_forked
from PIL import Image

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

PROJECT = Path(__file__).resolve().parent.parent


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write uint8 values in MNIST's format: magic number, big-endian sizes, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">{values.ndim + 1}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


def write_mnist(folder: Path, train: int = 112, test: int = 16, size: int = 28) -> np.ndarray:
    """The four files with made-up digits: returns the labels, train then test."""
    stream = np.random.default_rng(0)
    labels = stream.integers(0, 10, train + test)
    images = stream.integers(0, 256, (train + test, size, size))
    for part, rows in (("train", slice(train)), ("t10k", slice(train, None))):
        write_idx(folder / f"{part}-images-idx3-ubyte", images[rows])
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels[rows])
    return labels


def write_jpegs(folder: Path, count: int, height: int = 96, width: int = 96) -> list[Path]:
    """Colour JPEGs of smooth noise, 00000.jpg and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    stream = np.random.default_rng(1)
    paths = [folder / f"{k:05}.jpg" for k in range(count)]
    for path in paths:
        small = Image.fromarray(stream.integers(0, 256, (6, 6, 3), np.uint8))
        small.resize((width, height), Image.Resampling.BICUBIC).save(path)
    return paths


Run = Callable[..., subprocess.CompletedProcess[str]]
Here = Callable[..., subprocess.CompletedProcess[str]]
Script = Callable[[Sequence[str]], int]  # main of a script
Fails = Callable[..., str]


def start(folder: Path, *flags: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Begin main.py as a user does, below the command `before`; its output waits in pipes."""
    return subprocess.Popen(
        [*before, sys.executable, str(PROJECT / "main.py"), *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_line(process: subprocess.Popen[str], beginning: str) -> None:
    """Read what a program prints up to a line that begins so."""
    assert process.stdout is not None
    next(line for line in process.stdout if line.startswith(beginning))


def one_error_line(done: subprocess.CompletedProcess[str], status: int) -> str:
    """Assert how a command ended badly: exit status, a last line of error, no traceback."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    return errors[0]


# What the fixture `made` makes its pictures of: the runs of the fixture `runs`.
DIGITS = ("--run", "checkpoint/digits")
FACES = ("--run", "checkpoint/faces")


def written(done: subprocess.CompletedProcess[str]) -> list[Path]:
    """Assert that a command went well -> the files it says it wrote, all there."""
    assert done.returncode == 0, done.stderr
    lines = [line[6:] for line in done.stdout.splitlines() if line.startswith("wrote ")]
    paths = [Path(re.split(r", | \(", line)[0]) for line in lines]
    assert all(path.is_file() for path in paths)
    return paths


SMALL: dict[str, Any] = {"z_dim": 5, "gf_dim": 2, "df_dim": 2, "gfc_dim": 6, "dfc_dim": 6}


def small(height: int = 8, width: int = 8, c_dim: int = 1, **kwargs: Any) -> "DCGAN":
    """Tiny networks for pictures of any size; keywords as DCGAN's."""
    from model import DCGAN

    sizes = {"output_height": height, "output_width": width, "c_dim": c_dim, "batch_size": 4}
    return DCGAN(**(SMALL | sizes | kwargs))


def batch(dcgan: "DCGAN", count: int = 4, seed: int = 0) -> tuple:
    """Images, z and y (or None) for train_step, of seeded noise."""
    stream = np.random.default_rng(seed)
    images = stream.uniform(*dcgan.value_range, (count, *dcgan.image_shape)).astype(np.float32)
    z = stream.uniform(-1, 1, (count, dcgan.z_dim)).astype(np.float32)
    y = np.eye(dcgan.y_dim, dtype=np.float32)[np.arange(count) % 3] if dcgan.y_dim else None
    return images, z, y


def stretched(dcgan: "DCGAN") -> "DCGAN":
    """Fresh weights make grey pictures; larger ones make pictures that tell their z."""
    for name, variable in dcgan.generator.named_variables().items():
        if name.endswith(("/w", "/Matrix")):
            variable.assign(variable * 10)
    return dcgan


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """The bytes of an image file of that format."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG, with its checksum."""
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def gzip_files(folder: Path) -> None:
    """Gzip every file of a folder in place, as downloads keep Fashion-MNIST."""
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


FEW = ("--gf_dim=4", "--df_dim=4")  # filters, where large networks are not to the point
TINY = (
    *("--dataset=tiny", "--output_height=16", "--batch_size=4", "--epoch=1", "--sample_freq=999"),
    *FEW,
)
TRAIN = (*TINY, "--train", "--seed=3")


class Case(NamedTuple):
    """A way to break main.py: how to prepare its folder, the command, and how it must end."""

    mode: str  # the number in the list of fifteen, and what is broken
    prepare: Callable[[Path], object]
    flags: tuple[str, ...]
    status: int
    says: str
    options: dict[str, Any] = {}  # noqa: RUF012 - of the fixture run, for a process of its own


Check = Callable[[Case], None]


def nothing(folder: Path) -> None:
    """Leave the folder empty."""


def tiny(folder: Path, count: int = 9) -> list[Path]:
    """Good JPEGs for TINY."""
    return write_jpegs(folder / "data/tiny", count, 20, 20)


def trained(*flags: str) -> Callable[[Path], None]:
    """Prepare a run of two steps, with a checkpoint of each, in the working folder."""

    def prepare(folder: Path) -> None:
        for name, content in _trained(flags).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return prepare


@cache
def _trained(flags: tuple[str, ...]) -> dict[Path, bytes]:
    """The files of such a run, trained in a folder of its own, and of its data."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny(folder)
        command = (*TRAIN, "--ckpt_freq=1", *flags)
        ok(run_forked(PROJECT / "main.py", command, folder, os.environ))
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder): path.read_bytes() for path in files}


def ok(done: subprocess.CompletedProcess[str]) -> str:
    """Assert that a command ended well; returns what it printed."""
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout


def files_written(out: str, folder: Path) -> list[Path]:
    """The paths that a command said it wrote, checked to be there."""
    paths = [Path(line[6:]) for line in out.splitlines() if line.startswith("wrote ")]
    for path in paths:
        there = folder / path
        assert there.exists() or there.with_name(f"{there.name}.index").exists(), path
    return paths


def two_sets() -> tuple[np.ndarray, np.ndarray]:
    """Features of 400 reals and 300 fakes, float32 [N, 16], as other programs measured them."""
    stream = np.random.Generator(np.random.Philox(13))
    real = stream.standard_normal((400, 16)).astype(np.float32)
    fake = (0.8 * stream.standard_normal((300, 16)) + 0.3).astype(np.float32)
    return real, fake


def opened(dcgan: "DCGAN", **settings: Any) -> "Trained":
    """A run that is open, of networks that were never saved."""
    from runs.opened import Trained
    from runs.settings import Settings

    classes = [str(number) for number in range(dcgan.y_dim or 0)]
    return Trained(dcgan, Settings(**settings), classes, Path("checkpoint/run"), frozenset())


def lived(dcgan: "DCGAN", steps: int = 2) -> "DCGAN":
    """Networks whose moving averages, biases and labels count, and whose pictures are not grey."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)  # tracing takes longer than a few tiny steps
    for number in range(steps):
        dcgan.train_step(*batch(dcgan, seed=number))
    tf.config.run_functions_eagerly(False)
    return dcgan if dcgan.config.architecture == "gan" else stretched(dcgan)


def drawn(trained: "Trained", count: int) -> np.ndarray:
    """The pictures of a run's first seeds, without labels: uint8 [count, H, W, C]."""
    from generation.latent import seeds_from
    from generation.sampling import pictures_of_seeds

    z_dist = trained.settings.z_dist
    blocks = pictures_of_seeds(trained.dcgan, seeds_from(0, count), z_dist, labels=None)
    return np.concatenate(list(blocks))
