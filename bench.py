"""How fast it trains: the step, the input, the loop, the start, as a table and as JSON.

  python bench.py                                  everything, some minutes
  python bench.py --cases mnist --steps 50         the step of one size only
  python bench.py --height 128 --width 96 --c_dim 3 --batch_size 32
  python bench.py --compare bench.json             ratios to an earlier run

Each row is a process of its own, made-up data, warm-up left out. Times are medians; a share of the
GEMM rate compares with a matrix product that is measured in the same process, before and after.
"""

import argparse
import contextlib
import io
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from errors import UserError
from files import read_json, write_json
from settings import PRECISIONS

if TYPE_CHECKING:
    from model import DCGAN
    from networks import Network

GEMM_SIZE = 2048
GEMM_TIMES = 10
WARM_UP = 2
SCANNED = 3000  # JPEGs of 96x96
EPOCH_BATCHES = 200
LOOP_STEPS = 100


Batch = tuple[np.ndarray, np.ndarray, np.ndarray | None]  # images, z, y


class Case(NamedTuple):
    """A network to measure."""

    height: int
    width: int
    c_dim: int
    y_dim: int | None
    steps: int  # that are measured


CASES = {
    "mnist": Case(28, 28, 1, 10, 40),
    "48": Case(48, 48, 3, None, 12),
    "64": Case(64, 64, 3, None, 8),
}


def main(argv: Sequence[str]) -> int:
    """Measure, print the tables and write the JSON -> exit status."""
    arguments = _parser().parse_args(argv)
    if arguments.measure:
        print(json.dumps(_MEASURES[arguments.measure](arguments)))
        return 0
    try:
        before = read_json(arguments.compare) if arguments.compare else {}
        if arguments.compare and not before:
            raise UserError(f"--compare {arguments.compare}: there is no such file")
        found = _measure_all(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except subprocess.CalledProcessError as error:
        print(f"error: a measurement failed: {error.stderr.strip()[-500:]}", file=sys.stderr)
        return 1
    print("\n".join(table(found, before)))
    write_json(arguments.json, found)
    print(f"wrote {arguments.json}")
    return 0


def step_gflop(dcgan: "DCGAN", batch_size: int) -> float:
    """10^9 floating point operations of one training step, by the formulas of the plain network.

    A layer of M multiplications an image counts 2 M for its forward pass, 2 M for its gradient by
    the input and 2 M for that by the weights; only products are counted, those with the zeros
    of the padding, too. G runs forward twice (the first serves D's update), and twice each
    gradient. D runs forward four times (reals, fakes, twice for G), its weights get gradients
    twice (reals, fakes), its inputs four times; the images of the D update need none, nor does z.
    """
    total = 0.0
    for network, forwards, by_weights in ((dcgan.generator, 2, 2), (dcgan.discriminator, 4, 2)):
        first, *others = multiplications(network, dcgan.image_shape[:2])
        is_generator = network is dcgan.generator
        total += 2 * first * (forwards + by_weights + (0 if is_generator else 2))
        total += 2 * sum(others) * (forwards + by_weights + (2 if is_generator else 4))
    return total * batch_size / 1e9


def multiplications(network: "Network", size: tuple[int, int]) -> list[int]:
    """Multiplications for an image, of each layer of a network in its order."""
    from networks import halved

    weights = [v for n, v in network.named_variables().items() if n.endswith(("/w", "/Matrix"))]
    convolutions = sum(len(w.shape) == 4 for w in weights)
    makes_images = any(name.startswith("generator/") for name in network.named_variables())
    counts, passed = [], 0
    for weight in weights:
        area = 1
        if len(weight.shape) == 4:
            # The smaller one of the two feature maps decides: 25 products for each of its pixels.
            area = math.prod(halved(size, convolutions - passed if makes_images else passed + 1))
            passed += 1
        counts.append(math.prod(weight.shape) * area)
    return counts


def table(found: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """The measurements as lines; with the ratios to earlier ones of the same rows."""
    lines = [found["machine"], ""]
    lines.append(
        f"{'step, batch ' + str(found['batch_size']):22} {'ms':>7} {'least-most':>13} "
        f"{'images/s':>9} {'GFLOP':>7} {'GFLOP/s':>8} {'of GEMM':>8} {'MiB':>6}"
    )
    for name, row in found["steps"].items():
        spread = f"{row['ms_least']:.0f}-{row['ms_most']:.0f}"
        rate = row["gflop"] / row["ms"] * 1000
        lines.append(
            f"{name:22} {row['ms']:7.1f} {spread:>13} {row['images_per_s']:9.0f} "
            f"{row['gflop']:7.1f} {rate:8.0f} {rate / row['gemm_gflop_per_s']:8.2f} "
            f"{row['peak_mib']:6.0f}{_ratio(row, before.get('steps', {}).get(name), 'ms')}"
        )
    for part in ("input", "loop", "start"):
        for name, value in found.get(part, {}).items():
            old = before.get(part, {})
            lines.append(f"{name:52} {value:10.4g}{_ratio(found[part], old, name)}")
    return lines


def _ratio(row: dict[str, float], old: dict[str, float] | None, name: str) -> str:
    return f"   x {row[name] / old[name]:.3f}" if old and name in old else ""


def _measure_all(arguments: argparse.Namespace) -> dict[str, Any]:
    own = arguments.height is not None
    cases = ["own"] if own else arguments.cases or list(CASES)
    steps = {}
    for case in cases:
        for precision in arguments.precision or PRECISIONS:
            options = ["--case", case, "--precision", precision]
            steps[f"{case} {precision}"] = _in_a_process("step", arguments, options)
    machine = next(iter(steps.values())).pop("machine")
    for row in steps.values():
        row.pop("machine", None)
    found: dict[str, Any] = {"machine": machine, "batch_size": arguments.batch_size, "steps": steps}
    if not own and not arguments.cases:
        for part in ("input", "loop", "start"):
            found[part] = _in_a_process(part, arguments, [])
    return found


def _in_a_process(what: str, arguments: argparse.Namespace, options: list[str]) -> dict[str, Any]:
    print(f"measuring: {what} {' '.join(options)}", file=sys.stderr, flush=True)
    command = [sys.executable, __file__, "--measure", what, *options]
    for name in ("height", "width", "c_dim", "batch_size", "steps"):
        if getattr(arguments, name) is not None:
            command += [f"--{name}", str(getattr(arguments, name))]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "BENCH_BEGAN": str(time.time())}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _case(arguments: argparse.Namespace) -> Case:
    if arguments.height is not None:
        width = arguments.width or arguments.height
        case = Case(arguments.height, width, arguments.c_dim, None, 8)
    else:
        case = CASES[arguments.case]
    return case._replace(steps=arguments.steps or case.steps)


def _dcgan_and_batch(case: Case, precision: str, batch_size: int) -> tuple["DCGAN", Batch]:
    from model import DCGAN

    dcgan = DCGAN(
        output_height=case.height,
        output_width=case.width,
        c_dim=case.c_dim,
        y_dim=case.y_dim,
        batch_size=batch_size,
        precision=precision,
    )
    stream = np.random.default_rng(0)
    images = stream.uniform(*dcgan.value_range, (batch_size, *dcgan.image_shape))
    z = stream.uniform(-1, 1, (batch_size, dcgan.z_dim))
    y = np.eye(case.y_dim)[np.arange(batch_size) % case.y_dim] if case.y_dim else None
    return dcgan, (images.astype(np.float32), z.astype(np.float32), y)


def _milliseconds(function: Callable[[], Any], times: int, warm_up: int = WARM_UP) -> list[float]:
    """Of each of `times` calls; a call ends when its result is there."""
    found = []
    for _ in range(warm_up + times):
        began = time.perf_counter()
        function()
        found.append(1000 * (time.perf_counter() - began))
    return found[warm_up:]


def _gemm_gflop_per_s(dtype: Any) -> float:
    import tensorflow as tf

    matrix = tf.cast(tf.random.stateless_normal((GEMM_SIZE, GEMM_SIZE), (0, 0)), dtype)
    product = tf.function(lambda: tf.matmul(matrix, matrix)[0, 0])
    times = _milliseconds(lambda: product().numpy(), GEMM_TIMES)
    return 2 * GEMM_SIZE**3 / statistics.median(times) / 1e6


def _measure_step(arguments: argparse.Namespace) -> dict[str, Any]:
    import tensorflow as tf

    case, (precision,) = _case(arguments), arguments.precision
    dcgan, batch = _dcgan_and_batch(case, precision, arguments.batch_size)
    gemm = [_gemm_gflop_per_s(tf.dtypes.as_dtype(precision))]
    times = _milliseconds(lambda: float(dcgan.train_step(*batch)["d_loss"]), case.steps)
    gemm.append(_gemm_gflop_per_s(tf.dtypes.as_dtype(precision)))
    ms = statistics.median(times)
    gpus = tf.config.list_physical_devices("GPU")
    return {
        "machine": f"TensorFlow {tf.__version__}, {len(gpus)} GPUs, {_cpu()}",
        "ms": ms,
        "ms_least": min(times),
        "ms_most": max(times),
        "images_per_s": 1000 * arguments.batch_size / ms,
        "gflop": step_gflop(dcgan, arguments.batch_size),
        "gemm_gflop_per_s": statistics.mean(gemm),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [x for x in info.read_text().splitlines() if x.startswith("model name")]
        if info.is_file()
        else []
    )
    name = names[0].partition(": ")[2] if names else "CPU"
    return f"{name}, {os.cpu_count()} threads"


def _measure_input(arguments: argparse.Namespace) -> dict[str, float]:
    """The first scan of a folder of JPEGs, and batches of later epochs."""
    from PIL import Image

    from dataset import Dataset
    from folder import find_images, load_folder
    from images import Geometry
    from utils import to_range

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "faces"
        data.mkdir()
        stream = np.random.default_rng(0)
        for number in range(SCANNED):
            small = Image.fromarray(stream.integers(0, 256, (12, 12, 3), np.uint8))
            small.resize((96, 96), Image.Resampling.BICUBIC).save(data / f"{number:05}.jpg")
        began = time.perf_counter()
        geometry, found = Geometry((96, 96), (48, 48)), find_images(data, "*.jpg")
        array = load_folder(data, found, geometry, None, Path(folder) / "a").pixels
        scan = SCANNED / (time.perf_counter() - began)
        batches = Dataset(array, None, None, arguments.batch_size, math.inf, 0)
        numbers = iter(range(10**9))

        def one() -> None:
            epoch, idx = divmod(next(numbers), batches.batches)
            to_range(batches.batch(epoch, idx)[0], (-1.0, 1.0))

        later = statistics.median(_milliseconds(one, EPOCH_BATCHES))
    return {
        "first scan, 96x96 JPEGs to 48x48, images/s": scan,
        "later epochs, ms for a batch of 48x48": later,
    }


def _measure_loop(arguments: argparse.Namespace) -> dict[str, float]:
    """main.py's whole loop on MNIST-like data, as parts of the bare step, by --log_freq."""
    from dataset import Dataset
    from loop import Run, train_steps
    from main import parse

    dcgan, batch = _dcgan_and_batch(CASES["mnist"], "float32", arguments.batch_size)
    for evaluate in (False, True):
        for watch in (False, True):  # traces, so that the loop has not to
            dcgan.train_step(*batch, evaluate=evaluate, watch=watch)
    count = LOOP_STEPS * arguments.batch_size
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28, 1), np.uint8)
    data = Dataset(
        images, np.arange(count) % 10, 10, arguments.batch_size, math.inf, 0, fixed_order=True
    )
    bare, found = [], {}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        for log_freq in (100, 1):
            bare += _milliseconds(
                lambda: float(dcgan.train_step(*batch)["d_loss"]), LOOP_STEPS // 2
            )
            settings = parse(["--dataset=mnist", f"--out_dir={folder}", f"--log_freq={log_freq}"])
            run = Run(settings, 0, data, dcgan, Path(folder))
            began = time.perf_counter()
            train_steps(run, 0, LOOP_STEPS)
            found[log_freq] = 1000 * (time.perf_counter() - began) / LOOP_STEPS
        bare += _milliseconds(lambda: float(dcgan.train_step(*batch)["d_loss"]), LOOP_STEPS // 2)
    step = statistics.mean(bare)
    names = {100: "loop at --log_freq 100, mnist, of the bare step", 1: "loop as it is by default"}
    return {names[log_freq]: ms / step for log_freq, ms in found.items()}


def _measure_start(arguments: argparse.Namespace) -> dict[str, float]:
    """From the start of Python to the end of the first step, MNIST."""
    dcgan, batch = _dcgan_and_batch(CASES["mnist"], "float32", arguments.batch_size)
    float(dcgan.train_step(*batch)["d_loss"])
    seconds = time.time() - float(os.environ["BENCH_BEGAN"])
    return {"start to the end of the first step, mnist, s": seconds}


_MEASURES = {
    "step": _measure_step,
    "input": _measure_input,
    "loop": _measure_loop,
    "start": _measure_start,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", choices=CASES, help="only the steps of these")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, help="only these")
    for name in ("height", "width", "c_dim", "batch_size", "steps"):
        default = {"c_dim": 3, "batch_size": 64}.get(name)
        parser.add_argument(f"--{name}", type=_positive, default=default)
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="[bench.json]")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="an earlier JSON")
    # One measurement, in the process that main() starts for it.
    parser.add_argument("--measure", choices=_MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--case", default="mnist", help=argparse.SUPPRESS)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: it must be 1 or more")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
