"""Made-up data sets, and a way to run the scripts as a user types them."""

import gc
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main

# A shell may have started the tests with these ignored, which programs started here would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

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


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run("main.py", "--train", ...) in an empty folder; output captured as text."""

    def call(
        script: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        preexec_fn: Callable[[], object] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(PROJECT / script), *arguments],
            cwd=tmp_path,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **(environment or {})},
            preexec_fn=preexec_fn,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return call


Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """here(folder, "--train", ...) as run, but main.main in this process: TensorFlow is loaded."""

    def call(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        capfd.readouterr()
        status = main.main(flags)
        gc.collect()  # the networks: hundreds of MB each, in a circle with their graphs
        return subprocess.CompletedProcess(flags, status, *capfd.readouterr())

    return call


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


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """mounted("size=64k") -> a file system with these options; skips where none may be mounted."""
    place = tmp_path / "disk"

    def mount(options: str) -> Path:
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        allowed = not os.geteuid() and shutil.which("mount")
        if not allowed or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("no disk can be mounted; elsewhere a limit on file sizes stands for one")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def small_disk(mounted: Callable[[str], Path]) -> Path:
    """A file system of 64 KiB, where one may be mounted."""
    return mounted("size=64k")


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is asked directly, whatever the machine is set up for."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
