"""The loop of steps: a signal is heeded after the step underway, whatever it falls on."""

import math
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from makers import small

from datasets.dataset import Dataset
from main import parse
from training import loop
from training.loop import Run, train_steps

STEPS = 6


@pytest.fixture
def run(tmp_path: Path) -> Run:
    words = ["--dataset=tiny", "--batch_size=4", "--ckpt_freq=2", f"--out_dir={tmp_path}"]
    images = np.random.default_rng(0).integers(0, 256, (4 * STEPS, 8, 8, 1), np.uint8)
    data = Dataset(images, None, None, 4, math.inf, 0)
    return Run(parse(words), 0, data, small(), tmp_path / "checkpoint")


@pytest.mark.parametrize("during", [2, STEPS])
def test_a_signal_during_a_save_stops_before_the_next_step(
    during: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = loop._save

    def interrupted(run: Run, step: int) -> Path:
        if step == during:
            os.kill(os.getpid(), signal.SIGTERM)
        return save(run, step)

    monkeypatch.setattr(loop, "_save", interrupted)
    assert train_steps(run, 0, STEPS) == signal.SIGTERM
    assert int(run.dcgan.step) == during
