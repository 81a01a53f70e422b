"""A report tells of a run what the run's own files say."""

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from makers import TRAIN, Here, ok, small, tiny

from main import parse
from runs.settings import Settings
from support.errors import UserError
from training.run_report import _command, report_of

RUN = Path("checkpoint/tiny_4_16_16")


def test_it_collects_what_a_training_wrote(here: Here, tmp_path: Path) -> None:
    tiny(tmp_path)
    typed = (*TRAIN, "--sample_freq=1", "--summary_freq=1", "--epoch=2", "--ema=0.2")
    ok(here(tmp_path, *typed))
    figures = {"space": "pixels", "samples": 40, "step": 4, "figures": {"kid": 0.5}}
    folder = Path("logs/tiny_4_16_16/evaluated")
    folder.mkdir()
    (folder / "step_000004_pixels.json").write_text(json.dumps(figures))
    (folder / "other.json").write_text('{"figures": {"kid": null}, "space": "x", "samples": 1}')
    Path("samples/tiny_4_16_16/ema_00_0001.png").write_bytes(b"half")
    report = report_of(RUN)
    assert report.title == "tiny_4_16_16"
    assert "after 4 steps of 4 images" in report.lead
    assert "on 9 images of tiny, 16x16 pixels" in report.lead
    assert [row["step"] for row in report.rows] == [1, 2, 3, 4]
    assert [(one.step, one.path.name) for one in report.samples] == [
        (1, "ema_00_0000.png"),
        (2, "train_00_0001.png"),
        (3, "ema_01_0000.png"),
        (4, "ema_01_0001.png"),
    ]
    assert report.reals is not None
    assert report.evaluations == [figures]
    averaged = [one.words.startswith("averaged weights") for one in report.samples]
    assert averaged == [True, False, True, True]
    again = parse(shlex.split(report.command)[2:])
    made = parse(typed)
    assert again.as_json() == made.as_json()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no trained run in it"):
        report_of(tmp_path)
    small().save(tmp_path, 1)
    with pytest.raises(UserError, match=r"there is no trained run in it with a run\.json"):
        report_of(tmp_path)


def test_the_command_leaves_out_what_does_nothing_and_would_be_refused() -> None:
    """A run may hold it: it is resumed with rates of its own for each network, say."""
    rates: dict[str, Any] = {"learning_rate": 0.1, "g_learning_rate": 0.2, "d_learning_rate": 0.3}
    made = Settings(optimizer="sgd", beta1=0.3, eval_space="pixels", **rates)
    again = parse(shlex.split(_command(made, ""))[2:])
    assert again.training() == dataclasses.replace(made.training(), learning_rate=2e-4, beta1=0.5)
