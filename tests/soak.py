"""Kill a training at random moments, some inside a save; its end must be that of one left alone.

    PYTHONPATH=. python tests/soak.py             30 kills, some minutes
    PYTHONPATH=. python tests/soak.py --dataset mnist --kills 5 --steps 200

After every kill: what stands under its final name is whole, and the next start loses at most the
steps since the last save. At the end: the same weights, moments, averages, pictures and losses.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from makers import PROJECT, write_jpegs, write_mnist
from PIL import Image

from training.history import Row

SIZES = {"tiny": 16, "mnist": 28}  # without labels and with
FLAGS = ("--batch_size=4", "--train_size=40", "--train", "--seed=11", "--z_dim=20")
OFTEN = ("--ckpt_freq=10", "--max_to_keep=3", "--sample_freq=7")
MOMENTS = ("starting", "training", "saving")
LOSSES = re.compile(r"^Epoch: \[ *(\d+)/.*?\] \[ *(\d+)/.*(d_loss: .*)$", re.MULTILINE)


def start(folder: Path, dataset: str, steps: int, log: Path) -> subprocess.Popen[bytes]:
    """Train in `folder` to `steps` steps, with what is printed going to `log`."""
    size = [f"--dataset={dataset}", f"--output_height={SIZES[dataset]}", f"--epoch={steps // 10}"]
    command = [sys.executable, str(PROJECT / "main.py"), *FLAGS, *OFTEN, *size]
    with log.open("ab") as out:
        return subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)


def prepare(folder: Path) -> Path:
    """A folder with data: ten steps an epoch."""
    write_jpegs(folder / "data/tiny", 40, 20, 20)
    write_mnist(folder / "data/mnist")
    return folder


def finish(folder: Path, dataset: str, steps: int, log: Path) -> None:
    """Train to the end."""
    status = start(folder, dataset, steps, log).wait()
    assert status == 0, f"exit status {status}: {log.read_text()[-500:]}"


def kill_at(moment: str, process: subprocess.Popen[bytes], folder: Path, log: Path) -> bool:
    """Kill the training at such a moment -> whether it was still running."""
    if moment == "starting":
        time.sleep(random.uniform(0, 7))
    else:
        printed = log.stat().st_size
        while process.poll() is None and b"Epoch" not in log.read_bytes()[printed:]:
            time.sleep(0.02)
        if moment == "training":
            time.sleep(random.uniform(0, 2))
        while moment == "saving" and process.poll() is None and not unfinished(folder, process.pid):
            time.sleep(0.001)
        if moment == "saving":
            time.sleep(random.uniform(0, 0.02))
    running = process.poll() is None
    process.kill()
    process.wait()
    return running


def unfinished(folder: Path, pid: int) -> list[Path]:
    """What a process is writing of a checkpoint, or was when it was killed."""
    return list(folder.glob(f"checkpoint/*/.DCGAN.model-*.{pid}-*.part*"))


def check_files(folder: Path) -> None:
    """Read everything that stands under a final name."""
    for index in folder.glob("checkpoint/*/DCGAN.model-*.index"):
        tensors(index.with_suffix(""))
    for picture in folder.glob("samples/*/*.png"):
        Image.open(picture).load()
    for path in folder.glob("checkpoint/*/*.json"):
        json.loads(path.read_text())


def tensors(prefix: Path) -> dict[str, np.ndarray]:
    """All that a checkpoint holds."""
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: reader.get_tensor(name) for name in sorted(reader.get_variable_to_shape_map())}


def check_steps(log: Path) -> None:
    """No start may go on from a step before the last one that was said to be saved."""
    saved = 0
    for line in log.read_text().splitlines():
        if found := re.fullmatch(r"wrote checkpoint/.*/DCGAN\.model-(\d+)", line):
            saved = int(found[1])
        elif found := re.match(r"resuming from step ([\d,]+)", line):
            step = int(found[1].replace(",", ""))
            assert step >= saved, f"step {saved} was saved, but it went on from {step}"
        elif "starting from step 0" in line:
            assert not saved, f"step {saved} was saved, but it began at 0"


def compare(folders: tuple[Path, Path], run: str, steps: int, logs: tuple[Path, Path]) -> str:
    """Assert that two runs ended alike -> how much was compared."""
    ends = [tensors(folder / f"checkpoint/{run}/DCGAN.model-{steps}") for folder in folders]
    assert ends[0].keys() == ends[1].keys()
    for name, value in ends[0].items():
        if "CHECKPOINTABLE" not in name:  # TensorFlow's description of its objects
            np.testing.assert_array_equal(value, ends[1][name], err_msg=name)
    pictures = [
        {path.name: path.read_bytes() for path in (folder / f"samples/{run}").glob("train_*.png")}
        for folder in folders
    ]
    assert pictures[0] == pictures[1], "the sample pictures differ"
    histories = [history(folder / f"logs/{run}/history.csv") for folder in folders]
    assert histories[0] == histories[1], "the histories differ"
    losses = [set(LOSSES.findall(log.read_text())) for log in logs]
    assert losses[0] == losses[1], "the printed losses differ"
    assert len(losses[0]) == steps
    return f"{len(ends[0])} arrays, {len(pictures[0])} pictures, {steps:,} printed losses"


def history(path: Path) -> list[list[str]]:
    """The rows of a run, without the speed."""
    speed = Row._fields.index("images_per_s")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    return [row[:speed] + row[speed + 1 :] for row in rows]


def soak(folder: Path, dataset: str, kills: Sequence[str], steps: int) -> str:
    """Kill at each of these moments, then finish and compare -> what was seen, in one line."""
    straight, disturbed = prepare(folder / "straight"), prepare(folder / "disturbed")
    logs = (folder / "straight.log", folder / "disturbed.log")
    finish(straight, dataset, steps, logs[0])
    moments: Counter[str] = Counter()
    for number, moment in enumerate(kills, 1):
        process = start(disturbed, dataset, steps, logs[1])
        assert kill_at(moment, process, disturbed, logs[1]), "it ended before: give more --steps"
        hit = "inside a save" if unfinished(disturbed, process.pid) else f"while {moment}"
        check_files(disturbed)
        check_steps(logs[1])
        moments[hit] += 1
        print(f"kill {number} of {len(kills)}: survived, {hit}", flush=True)
    assert moments["inside a save"] or "saving" not in kills, "no kill hit a save"
    finish(disturbed, dataset, steps, logs[1])
    check_steps(logs[1])
    run = f"{dataset}_4_{SIZES[dataset]}_{SIZES[dataset]}"
    same = compare((straight, disturbed), run, steps, logs)
    how = ", ".join(f"{count} {moment}" for moment, count in moments.items())
    return f"{len(kills)} of {len(kills)} kills survived ({how}); final state equal: {same}"


def main() -> None:
    """Soak in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--steps", type=int, default=1500, help="in all, a multiple of ten")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--dataset", choices=SIZES, default="tiny", help="without labels, or with")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        kills = [MOMENTS[number % len(MOMENTS)] for number in range(arguments.kills)]
        print(soak(Path(folder), arguments.dataset, kills, arguments.steps))


if __name__ == "__main__":
    main()
