"""What bench.py measures: a step, the input, the loop, the start. Each in a process of its own."""

import contextlib
import io
import math
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from datasets.dataset import Dataset
from datasets.folder import find_images, load_folder
from datasets.image_files import Geometry
from gan.base import Network
from gan.config import halved
from model import DCGAN
from runs.settings import Settings
from training.devices import OneDevice
from training.loop import Run, train_steps
from utils import to_range

GEMM_SIZE = 2048
WARM_UP = 2
SCANNED = 3000  # JPEGs of 96x96
EPOCH_BATCHES = 200
MANY_IMAGES = 200_000  # of 64x64
LOOPS = {100: 500, 1: 500}  # --log_freq: steps, as many as lie between two checkpoints
BARE_STEPS = 60

Batch = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # images, z, y


class Case(NamedTuple):
    """A network to measure, by DCGAN's names."""

    output_height: int
    output_width: int
    c_dim: int
    y_dim: int | None = None


def step(
    case: Case, precision: str, batch_size: int, steps: int, xla: bool = False
) -> dict[str, Any]:
    """Milliseconds of each of `steps` training steps, and of a matrix product after each.

    Also what the step computes (GFLOP, counted), the process' largest memory (MiB), the machine.
    """
    dcgan, batch = _dcgan_and_batch(case, precision, batch_size, xla)
    matrix = tf.random.stateless_normal((GEMM_SIZE, GEMM_SIZE), (0, 0))
    matrix = tf.cast(matrix, tf.dtypes.as_dtype(precision))
    product = tf.function(lambda: tf.matmul(matrix, matrix)[0, 0])
    steps_ms, products_ms = _milliseconds(
        steps, lambda: float(dcgan.train_step(*batch)["d_loss"]), lambda: product().numpy()
    )
    return {
        "machine": _machine(),
        "ms": steps_ms,
        "gemm_ms": products_ms,
        "gflop": step_gflop(dcgan, batch_size),
        "gemm_gflop": 2 * GEMM_SIZE**3 / 1e9,
        "peak_mib": _peak_mib(),
    }


def pipeline(batch_size: int) -> dict[str, float]:
    """The first scan of a folder of JPEGs, batches of later epochs, and what many images cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        added = _epoch_mib(folder / "zeros.u8", batch_size)  # before the scan takes its memory
        faces, geometry = _write_jpegs(folder / "faces"), Geometry((96, 96), (48, 48))
        began = time.perf_counter()
        found = find_images(faces, "*.jpg")
        loaded = load_folder(faces, found, geometry, None, folder / "a", say=lambda line: None)
        scan = SCANNED / (time.perf_counter() - began)
        data, numbers = Dataset(loaded.pixels, None, None, batch_size, math.inf, 0), count()

        def batch() -> None:
            to_range(data.batch(*divmod(next(numbers), data.batches))[0], (-1.0, 1.0))

        ms = statistics.median(_milliseconds(EPOCH_BATCHES, batch)[0])
    return {
        "first scan, 96x96 JPEGs to 48x48, images/s": scan,
        "later epochs, ms for a batch of 48x48": ms,
        "later epochs, images/s": 1000 * batch_size / ms,
        f"an epoch of {MANY_IMAGES:,} images of 64x64 adds, MiB": added,
    }


def _epoch_mib(path: Path, batch_size: int) -> float:
    """What an epoch of MANY_IMAGES, mapped from `path`, adds to the process' largest memory."""
    with path.open("wb") as file:
        file.truncate(MANY_IMAGES * 64 * 64 * 3)
    images = np.memmap(path, np.uint8, "r", shape=(MANY_IMAGES, 64, 64, 3))
    epoch, before = Dataset(images, None, None, batch_size, math.inf, 0), _peak_mib()
    for idx in range(epoch.batches):
        to_range(epoch.batch(0, idx)[0], (-1.0, 1.0))
    return _peak_mib() - before


def loop(batch_size: int) -> dict[str, float]:
    """main.py's loop on MNIST-like data, as parts of the bare step, by --log_freq.

    Everything that a training writes is written: lines, summaries, pictures, a checkpoint.
    """
    dcgan, batch = _dcgan_and_batch(Case(28, 28, 1, 10), "float32", batch_size)
    for evaluate in (False, True):
        dcgan.train_step(*batch, evaluate=evaluate)  # traces, so that the loop need not
    shape = (max(LOOPS.values()) * batch_size, 28, 28, 1)
    images, labels = np.random.default_rng(0).integers(0, 256, shape, np.uint8), np.arange(shape[0])
    data = Dataset(images, labels % 10, 10, batch_size, math.inf, 0, fixed_order=True)

    def bare() -> list[float]:
        return _milliseconds(BARE_STEPS, lambda: float(dcgan.train_step(*batch)["d_loss"]))[0]

    steps, found = bare(), {}
    for freq, total in LOOPS.items():
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            out = Path(folder)
            settings = Settings(dataset="mnist", batch_size=batch_size, out_dir=out, log_freq=freq)
            began = time.perf_counter()
            train_steps(Run(settings, 0, data, dcgan, out, OneDevice(dcgan)), 0, total)
            found[freq] = 1000 * (time.perf_counter() - began) / total
        steps += bare()
    mean = statistics.mean(steps)
    return {f"the loop at --log_freq {n}, mnist, bare steps": ms / mean for n, ms in found.items()}


def start(batch_size: int, began: float) -> dict[str, float]:
    """From `began` (time.monotonic()) to the end of the first step, MNIST, in seconds."""
    dcgan, batch = _dcgan_and_batch(Case(28, 28, 1, 10), "float32", batch_size)
    float(dcgan.train_step(*batch)["d_loss"])
    return {"start: import, build, first step, mnist, s": time.monotonic() - began}


def step_gflop(dcgan: DCGAN, batch_size: int) -> float:
    """10^9 floating point operations of one training step, by the formulas of the plain network.

    A layer of M multiplications an image counts 2 M for its forward pass, 2 M for its gradient by
    the input and 2 M for that by the weights; only products are counted, those with the zeros of
    the padding, too, and those with the labels' planes, 10 % of MNIST's, which a CPU does not make.
    G runs forward twice (the first serves D's update), and twice each gradient. D runs forward four
    times (reals, fakes, twice for G), its weights get gradients twice (reals, fakes), its inputs
    four times; the images of the D update need none, nor does z.
    """
    total = 0
    for network, of_first, of_others in ((dcgan.generator, 4, 6), (dcgan.discriminator, 8, 10)):
        first, *others = multiplications(network, dcgan.image_shape[:2])
        total += 2 * (of_first * first + of_others * sum(others))
    return total * batch_size / 1e9


def multiplications(network: Network, size: tuple[int, int]) -> list[int]:
    """Multiplications for an image, of each layer of a network in its order."""
    weights = [v for n, v in network.named_variables().items() if n.endswith(("/w", "/Matrix"))]
    depths = list(range(1, 1 + sum(len(w.shape) == 4 for w in weights)))
    if any(name.startswith("generator/") for name in network.named_variables()):
        depths.reverse()
    # The smaller one of the two feature maps decides: 25 products for each of its pixels.
    areas = (math.prod(halved(size, depth)) for depth in depths)
    return [math.prod(w.shape) * (next(areas) if len(w.shape) == 4 else 1) for w in weights]


def _dcgan_and_batch(
    case: Case, precision: str, batch_size: int, xla: bool = False
) -> tuple[DCGAN, Batch]:
    dcgan = DCGAN(**case._asdict(), batch_size=batch_size, precision=precision, xla=xla)
    stream = np.random.default_rng(0)
    images = stream.uniform(*dcgan.value_range, (batch_size, *dcgan.image_shape))
    z = stream.uniform(-1, 1, (batch_size, dcgan.z_dim))
    y = np.eye(case.y_dim)[np.arange(batch_size) % case.y_dim] if case.y_dim else None
    return dcgan, (images.astype(np.float32), z.astype(np.float32), y)


def _milliseconds(times: int, *functions: Callable[[], object]) -> list[list[float]]:
    """Of each of `times` calls of each function, in turn; a call ends when its result is there."""
    found: list[list[float]] = [[] for _ in functions]
    for _ in range(WARM_UP + times):
        for function, milliseconds in zip(functions, found, strict=True):
            began = time.perf_counter()
            function()
            milliseconds.append(1000 * (time.perf_counter() - began))
    return [milliseconds[WARM_UP:] for milliseconds in found]


def _write_jpegs(folder: Path) -> Path:
    folder.mkdir()
    stream = np.random.default_rng(0)
    for number in range(SCANNED):
        small = Image.fromarray(stream.integers(0, 256, (12, 12, 3), np.uint8))
        small.resize((96, 96), Image.Resampling.BICUBIC).save(folder / f"{number:05}.jpg")
    return folder


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    cpu = f"{models[0] if models else 'CPU'}, {os.cpu_count()} threads"
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.get_visible_devices("GPU")
    ]
    return f"TensorFlow {tf.__version__} on {', '.join([*gpus, cpu])}"
