"""The loop of steps: a signal is heeded after the step underway, whatever it falls on."""

import dataclasses
import math
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from makers import small

from datasets.dataset import Dataset
from main import parse
from support.errors import RunError
from training.devices import OneDevice
from training.loop import Run, train_steps

STEPS = 6


@pytest.fixture
def run(tmp_path: Path) -> Run:
    words = ["--dataset=tiny", "--batch_size=4", "--ckpt_freq=2", f"--out_dir={tmp_path}"]
    images = np.random.default_rng(0).integers(0, 256, (4 * STEPS, 8, 8, 1), np.uint8)
    data = Dataset(images, None, None, 4, math.inf, 0)
    dcgan = small()
    return Run(parse(words), 0, data, dcgan, tmp_path / "checkpoint", OneDevice(dcgan))


@pytest.mark.parametrize("during", [2, STEPS])
def test_a_signal_during_a_save_stops_before_the_next_step(
    during: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = run.dcgan.save

    def interrupted(folder: Path, step: int, max_to_keep: int) -> Path:
        if step == during:
            os.kill(os.getpid(), signal.SIGTERM)
        return save(folder, step, max_to_keep)

    monkeypatch.setattr(run.dcgan, "save", interrupted)
    assert train_steps(run, 0, STEPS) == signal.SIGTERM
    assert int(run.dcgan.step) == during


def test_a_picture_that_cannot_be_written_costs_no_row_of_the_history(run: Run) -> None:
    """The step is saved and in history.csv: the resumed run lacks nothing but the picture."""
    words = ["--dataset=tiny", "--batch_size=4", "--sample_freq=2", "--summary_freq=1"]
    run = dataclasses.replace(run, settings=parse([*words, f"--out_dir={run.settings.out_dir}"]))
    (run.samples / "train_00_0001.png" / "in the way").mkdir(parents=True)
    with pytest.raises(RunError, match="Step 2 is saved"):
        train_steps(run, 0, STEPS)
    rows = (run.settings.run_folder("logs") / "history.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["step", "1", "2"]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    ("rates", "told"),
    [
        (
            {"g_learning_rate": 0.0001, "d_learning_rate": 1e30},
            "a smaller --g_learning_rate (it is 0.0001) and --d_learning_rate (it is 1e+30)",
        ),
        (
            {"d_learning_rate": 1e29},
            "a smaller --learning_rate (it is 1e+30) and --d_learning_rate (it is 1e+29)",
        ),
        ({"decay_steps": 9}, "a smaller --learning_rate (it is 1e+30 at first)"),
    ],
)
def test_what_is_not_finite_blames_the_learning_rates_that_were_used(
    run: Run, rates: dict[str, Any], told: str
) -> None:
    dcgan = small(learning_rate=1e30, **rates)
    run = dataclasses.replace(run, dcgan=dcgan, devices=OneDevice(dcgan))
    with pytest.raises(RunError, match=f"Try {re.escape(told)} or another --seed"):
        train_steps(run, 0, STEPS)


def test_folders_deleted_underway_are_made_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With all that the run needs to be resumed as it was, and what TensorBoard shows."""
    words = ["--dataset=tiny", "--batch_size=4", "--ckpt_freq=2", "--summary_freq=1"]
    run = dataclasses.replace(run, settings=parse([*words, f"--out_dir={tmp_path}"]))
    save, logs = run.dcgan.save, run.settings.run_folder("logs")

    def deleted(folder: Path, step: int, max_to_keep: int) -> Path:
        if step == 2:
            for path in (folder, logs, run.samples):
                shutil.rmtree(path)
        return save(folder, step, max_to_keep)

    monkeypatch.setattr(run.dcgan, "save", deleted)
    assert not train_steps(run, 0, STEPS)
    assert (run.checkpoint_dir / "run.json").is_file()
    (events,) = logs.glob("events.out.tfevents.*")
    steps = {event.step for event in tf.compat.v1.train.summary_iterator(str(events))}
    assert steps == {0, 3, 4, 5, 6}
    rows = (logs / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + STEPS


@pytest.mark.slow
def test_a_pause_or_a_clock_that_is_set_changes_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What SIGSTOP for an hour looks like: one save more than the last, none at each step."""
    words = ["--dataset=tiny", "--batch_size=4", "--ckpt_freq=99", "--summary_freq=1"]
    run = dataclasses.replace(run, settings=parse([*words, f"--out_dir={tmp_path}"]))
    alone = small()
    train_steps(dataclasses.replace(run, dcgan=alone, devices=OneDevice(alone)), 0, STEPS)
    save, step_of, saved, made = run.dcgan.save, run.dcgan.train_step, list[int](), list[int]()
    clocks = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter")}

    def noting(folder: Path, step: int, max_to_keep: int) -> Path:
        saved.append(step)
        return save(folder, step, max_to_keep)

    def slow(**batch: Any) -> dict[str, tf.Tensor]:
        result = step_of(**batch)
        made.append(1)
        if len(made) == 3:
            for name, seconds in (("time", -86400), ("monotonic", 3600), ("perf_counter", 3600)):
                later = lambda real=clocks[name], more=seconds: real() + more  # noqa: E731
                monkeypatch.setattr(time, name, later)
        return result

    monkeypatch.setattr(run.dcgan, "save", noting)
    monkeypatch.setattr(run.dcgan, "train_step", slow)
    train_steps(run, 0, STEPS)
    assert saved == [3, STEPS]
    for found, wanted in zip(run.dcgan.variables, alone.variables, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())
    rows = (run.settings.run_folder("logs") / "history.csv").read_text().splitlines()[2:]
    assert all(float(row.split(",")[5]) > 0 for row in rows), "the speed"
