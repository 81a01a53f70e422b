"""How fast it trains: a step, the input, the loop and the start, as a table and as JSON.

  python bench.py                                  everything, some ten minutes
  python bench.py --cases mnist --steps 50         the step of one size only
  python bench.py --cases mnist --xla              the steps compiled by XLA, too
  python bench.py --height 128 --width 96 --c_dim 3 --batch_size 32
  python bench.py --compare bench.json             ratios to an earlier run

The data are made up, the warm-up does not count, numbers are medians. Each row is measured in its
own processes, in turn with the others, in --rounds rounds (3; the loop of 1,000 steps only once).
After each step a matrix product (GEMM) is timed; "share" is the step's GFLOP/s divided by its.
"""

if __name__ == "__main__":  # before all else is loaded
    from support.early import watch_signals

    watch_signals()

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.console import Parser, checked_imports, positive, run_command, say, say_written, warn
from support.errors import RunError, UserError

with checked_imports():
    from runs.settings import PRECISIONS
    from support.files import read_json, refuse_to_replace, write_json

Size = tuple[int, int, int, int | None]  # height, width, c_dim, y_dim
CASES: dict[str, tuple[Size, int]] = {  # and how many steps in a round
    "mnist": ((28, 28, 1, 10), 15),
    "48": ((48, 48, 3, None), 5),
    "64": ((64, 64, 3, None), 4),
}
OWN_STEPS = 4
PARTS = ("pipeline", "loop", "start")
HEADER = "     ms   least-most images/s  GFLOP GFLOP/s  GEMM share   MiB of float32"


def main(argv: Sequence[str]) -> int:
    """Measure, print the tables and write the JSON -> exit status."""
    return run_command(_run, argv, needs_less="give a smaller --batch_size or --height")


def _run(argv: Sequence[str]) -> int:
    arguments = parser().parse_args(argv)
    if arguments.measure:
        say(json.dumps(_measured(arguments)))
        return 0
    before = _checked(arguments)
    found = measure_all(arguments)
    say("\n".join(table(found, before)))
    write_json(arguments.json, found)
    say_written(arguments.json)
    return 0


def _checked(arguments: argparse.Namespace) -> dict[str, Any]:
    """What --compare holds; raises, before anything is measured, if flags make no sense."""
    for name in ("width", "c_dim"):
        if getattr(arguments, name) and not arguments.height:
            raise UserError(f"--{name} belongs to a size of your own: give --height, too")
    if arguments.cases and arguments.height:
        raise UserError("--cases and --height do not go together: leave one out")
    before = read_json(arguments.compare) if arguments.compare else {}
    if arguments.compare and "batch_size" not in before:
        fault = "bench.py did not write it" if before else "there is no such file"
        raise UserError(f"--compare {arguments.compare}: {fault}")
    size = before.get("batch_size", arguments.batch_size)
    if size != arguments.batch_size:
        fault = f"its batch size is {size}, not {arguments.batch_size}. Give --batch_size {size}"
        raise UserError(f"--compare {arguments.compare}: {fault}")
    if arguments.json.is_dir():
        raise UserError(f"--json {arguments.json}: it is a folder. Give a file's name")
    refuse_to_replace(arguments.json)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=arguments.json.parent).close()
    return before


def table(found: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """The measurements as lines, with their ratios to earlier ones of the same rows.

    A row has: median, least and most milliseconds, images a second, GFLOP a step, GFLOP a second,
    those of a matrix product, their ratio, the process' peak memory, the median over float32's.
    """
    lines = [found["machine"]]
    if before and before["machine"] != found["machine"]:
        lines.append(f"compared with {before['machine']}")
    lines += ["", f"{'step, batch ' + str(found['batch_size']):21} {HEADER}"]
    for name, row in found["steps"].items():
        spread = f"{row['ms_least']:.0f}-{row['ms_most']:.0f}"
        case, _, precision = name.partition(" ")
        plain = found["steps"].get(f"{case} float32")
        part = f"{row['ms'] / plain['ms']:10.2f}" if plain and precision != "float32" else " " * 10
        lines.append(
            f"{name:21} {row['ms']:7.1f} {spread:>12} {row['images_per_s']:8.0f} "
            f"{row['gflop']:6.1f} {row['gflop_per_s']:7.0f} {row['gemm_gflop_per_s']:5.0f} "
            f"{row['gflop_per_s'] / row['gemm_gflop_per_s']:5.2f} {row['peak_mib']:5.0f} {part}"
            f"{_ratio(row, before.get('steps', {}).get(name), 'ms')}"
        )
    for part in PARTS:
        for name, value in found.get(part, {}).items():
            ratio = _ratio(found[part], before.get(part), name)
            shown = f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
            lines.append(f"{name:55} {shown:>10}{ratio}")
    return lines


def _ratio(row: dict[str, float], old: dict[str, float] | None, name: str) -> str:
    return f"   x {row[name] / old[name]:.3f}" if old and name in old else ""


def measure_all(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the JSON holds: each row of each part, measured as often as --rounds says."""
    own = "x".join(map(str, _own_size(arguments)[:3]))
    cases = [own] if arguments.height else arguments.cases or list(CASES)
    rows = {}  # the options of each
    for case, precision in itertools.product(cases, arguments.precision or PRECISIONS):
        rows[f"{case} {precision}"] = ["--case", case, "--precision", precision]
        if arguments.xla:
            rows[f"{case} {precision} xla"] = [*rows[f"{case} {precision}"], "--xla"]
    parts = [] if arguments.height or arguments.cases else PARTS
    steps: dict[str, list[dict[str, Any]]] = {name: [] for name in rows}
    others: dict[str, list[dict[str, float]]] = {part: [] for part in parts}
    for number in range(arguments.rounds):
        for name, options in rows.items():
            steps[name].append(in_a_process("step", name, arguments, options))
        for part, measured in others.items():
            if part != "loop" or number == 0:  # 1,000 steps are enough
                measured.append(in_a_process(part, "", arguments, []))
    return {
        "machine": next(iter(steps.values()))[0]["machine"],
        "batch_size": arguments.batch_size,
        "steps": {name: _row(pieces, arguments.batch_size) for name, pieces in steps.items()},
    } | {
        part: {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
        for part, rounds in others.items()
    }


def _row(pieces: Sequence[dict[str, Any]], batch_size: int) -> dict[str, float]:
    """One row from the measurements of all its rounds."""
    times = [ms for piece in pieces for ms in piece["ms"]]
    product = statistics.median(ms for piece in pieces for ms in piece["gemm_ms"])
    ms, last = statistics.median(times), pieces[-1]
    return {
        "ms": ms,
        "ms_least": min(times),
        "ms_most": max(times),
        "images_per_s": 1000 * batch_size / ms,
        "gflop": last["gflop"],
        "gflop_per_s": 1000 * last["gflop"] / ms,
        "gemm_gflop_per_s": 1000 * last["gemm_gflop"] / product,
        "peak_mib": max(piece["peak_mib"] for piece in pieces),
    }


def in_a_process(
    what: str, row: str, arguments: argparse.Namespace, options: list[str]
) -> dict[str, Any]:
    """One measurement, by a bench.py that is started for it alone."""
    warn(f"measuring: {what} {row}".rstrip())
    command = [sys.executable, __file__, "--measure", what, *options]
    for name in ("height", "width", "c_dim", "batch_size", "steps"):
        if getattr(arguments, name) is not None:
            command += [f"--{name}", str(getattr(arguments, name))]
    # Python's monotonic clock is one for all processes of a machine.
    environment = os.environ | {"BENCH_BEGAN": str(time.monotonic())}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise RunError(f"a measurement failed: {last.removeprefix('error: ')}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """The one measurement this process was started for, with TensorFlow set up as in main.py."""
    from support.startup import start_tensorflow

    start_tensorflow("auto", verbose=False)
    from training import measurements

    if arguments.measure == "step":
        size, steps = CASES.get(arguments.case, (_own_size(arguments), OWN_STEPS))
        case, steps = measurements.Case(*size), arguments.steps or steps
        precision, batch_size = arguments.precision[0], arguments.batch_size
        return measurements.step(case, precision, batch_size, steps, arguments.xla)
    if arguments.measure == "start":
        return measurements.start(arguments.batch_size, float(os.environ["BENCH_BEGAN"]))
    measure = measurements.loop if arguments.measure == "loop" else measurements.pipeline
    return measure(arguments.batch_size)


def _own_size(arguments: argparse.Namespace) -> Size:
    return arguments.height, arguments.width or arguments.height, arguments.c_dim or 3, None


def parser() -> Parser:
    """The flags of bench.py."""
    flags = Parser("bench.py", __doc__)
    flags.add_argument("--cases", nargs="+", choices=CASES, help="only the steps of these")
    flags.add_argument("--precision", nargs="+", choices=PRECISIONS, help="only these")
    flags.add_argument("--xla", action="store_true", help="the steps compiled by XLA, too")
    texts = {"height": "only the step of this size", "width": "[height]", "c_dim": "[3]"}
    texts |= {"batch_size": "images in a step [64]", "rounds": "processes for each row [3]"}
    texts |= {"steps": "timed in a process [15 to 4, by the size]"}
    for name, text in texts.items():
        default = {"batch_size": 64, "rounds": 3}.get(name)
        flags.add_argument(f"--{name}", type=positive, default=default, metavar="N", help=text)
    flags.add_argument("--json", type=Path, default=Path("bench.json"), help="[bench.json]")
    flags.add_argument("--compare", type=Path, metavar="FILE", help="an earlier JSON")
    # One measurement, as in_a_process asks for it.
    flags.add_argument("--measure", choices=("step", *PARTS), help=argparse.SUPPRESS)
    flags.add_argument("--case", default="mnist", help=argparse.SUPPRESS)
    return flags


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
