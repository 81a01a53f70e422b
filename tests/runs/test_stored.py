"""A run goes on as it was; what is not as it was is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from main import parse
from runs.settings import Settings
from runs.stored import RUN_FILE, as_the_run_was, source_of, store_run, trained_run
from support.errors import UserError


def settings(out_dir: Path, *flags: str) -> Settings:
    return parse(["--dataset=anime", f"--out_dir={out_dir}", *flags])


def make_run(out_dir: Path, *flags: str, images: int = 100) -> Path:
    """A run's folder with a checkpoint, as far as finding it goes."""
    run = settings(out_dir, "--seed=5", *flags)
    folder = run.run_folder(run.checkpoint_dir)
    store_run(run, images, folder)
    (folder / "DCGAN.model-1.index").touch()
    return folder


def resumed(out_dir: Path, *flags: str) -> Settings:
    now = settings(out_dir, *flags)
    return as_the_run_was(now, now.run_folder(now.checkpoint_dir))[0]


def test_what_decides_the_run_stays_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ("--crop", "--learning_rate=0.001", "--train_size=640", "--z_dist=normal01")
    make_run(tmp_path, *typed, "--log_freq=7")
    now = resumed(tmp_path)
    assert (now.seed, now.crop, now.learning_rate, now.train_size) == (5, True, 0.001, 640)
    assert now.z_dist == "normal01"
    assert now.log_freq == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "as the run was: --z_dist=normal01 --learning_rate=0.001 --crop=True --train_size=640.0",
        "seed: 5",
        "changed: log_freq 7 -> 1",
    ]


def test_what_is_given_is_taken_and_the_change_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path, "--crop", "--epoch=3")
    now = resumed(tmp_path, "--nocrop", "--beta1=0.4", "--epoch=9", "--seed=6")
    assert (now.crop, now.beta1, now.epoch, now.seed) == (False, 0.4, 9, 6)
    said = capsys.readouterr().out
    for change in ("crop True -> False", "beta1 0.5 -> 0.4", "epoch 3 -> 9", "seed 5 -> 6"):
        assert f"changed: {change}\n" in said


def test_the_same_command_says_nothing_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--crop", "--train_size=inf", "--seed=5")
    make_run(tmp_path, *flags)
    resumed(tmp_path, *flags)
    assert capsys.readouterr().out == "seed: 5\n"


def test_before_the_first_checkpoint_only_the_seed_counts(tmp_path: Path) -> None:
    (make_run(tmp_path, "--crop") / "DCGAN.model-1.index").unlink()
    now = resumed(tmp_path)
    assert (now.seed, now.crop) == (5, False)


def test_a_run_file_written_before_a_flag_existed_is_taken(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "--crop")
    (folder / RUN_FILE).write_text('{"seed": 5}')
    assert resumed(tmp_path).seed == 5


def test_other_images_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path, images=4096)
    store_run(settings(tmp_path), 5000, folder)
    assert "changed: images 4,096 -> 5,000" in capsys.readouterr().out
    assert json.loads((folder / RUN_FILE).read_text())["images"] == 5000


def test_all_flags_and_the_seed_are_stored(tmp_path: Path) -> None:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    folder = make_run(tmp_path, "--input_fname_pattern=**/*.png", "--ckpt_minutes=inf")
    stored = json.loads((folder / RUN_FILE).read_text(), parse_constant=refuse)
    assert stored.keys() == settings(tmp_path).as_json().keys() | {"images", "replicas"}
    assert (stored["seed"], stored["images"], stored["ckpt_minutes"]) == (5, 100, "inf")


def test_a_checkpoint_may_lie_in_the_checkpoint_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint/DCGAN.model-4.index").touch()
    assert source_of(settings(tmp_path)) == tmp_path / "checkpoint"
    assert trained_run(settings(tmp_path)) == tmp_path / "checkpoint"
    folder = make_run(tmp_path)
    assert source_of(settings(tmp_path)) == folder, "the run's own comes first"


def test_the_only_run_of_another_batch_size_is_taken(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "--batch_size=7")
    assert trained_run(settings(tmp_path)) == folder
    make_run(tmp_path, "--batch_size=8")
    with pytest.raises(UserError, match="holds anime_7_64_64, anime_8_64_64"):
        trained_run(settings(tmp_path))
