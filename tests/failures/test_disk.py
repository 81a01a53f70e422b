"""Folders and disks that cannot be written, and odd paths: case 15."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from makers import TRAIN, Case, Check, Run, await_line, one_error_line, start, tiny, trained


def in_the_way(name: str) -> Callable[[Path], None]:
    """A file where a folder has to be."""

    def prepare(folder: Path) -> None:
        tiny(folder)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("in the way")

    return prepare


def a_folder_for_a_picture(folder: Path) -> None:
    """The images that samples are to be like can be written, the first sample cannot."""
    tiny(folder)
    (folder / "samples/tiny_4_16_16/train_00_0000.png/full").mkdir(parents=True)


def spaces(folder: Path) -> None:
    tiny(folder)
    (folder / "data").rename(folder / "meine Däten")


CASES = [
    Case(
        "15 no folder to write to",
        in_the_way("checkpoint"),
        TRAIN,
        2,
        "--checkpoint_dir=checkpoint: checkpoint is a file. Give a folder",
    ),
    Case(
        "15 no folder for samples",
        in_the_way("samples"),
        (*TRAIN, "--sample_freq=1"),
        2,
        "--sample_dir=samples: samples is a file. Give a folder",
    ),
    Case(
        "15 no place for a sample",
        a_folder_for_a_picture,
        (*TRAIN, "--sample_freq=1"),
        1,
        "Step 1 is saved, checkpoint/tiny_4_16_16/DCGAN.model-1: the same command resumes there",
    ),
    Case(
        "15 full disk",
        trained(),
        (*TRAIN, "--epoch=2"),
        1,
        "the checkpoint of step 4 cannot be written: File too large. The last checkpoint is",
        {"largest_file": 200_000},
    ),
    Case(
        "15 absolute path with spaces",
        spaces,
        (*TRAIN, "--data_dir={folder}/meine Däten", "--out_dir={folder}/aus gabe"),
        0,
        "aus gabe/checkpoint/tiny_4_16_16/DCGAN.model-2",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mode)
def test_it_is_survived_or_named_in_one_line(case: Case, check: Check) -> None:
    check(case)


Mounted = Callable[[str], Path]


@pytest.mark.slow
def test_a_samples_folder_deleted_underway_is_made_again(tmp_path: Path) -> None:
    tiny(tmp_path)
    flags = [*TRAIN, "--epoch=6", "--sample_freq=1"]
    with start(tmp_path, *flags) as process:
        await_line(process, "wrote samples")
        shutil.rmtree(tmp_path / "samples")
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert (tmp_path / "samples/tiny_4_16_16/train_05_0001.png").exists()


@pytest.mark.slow
def test_a_disk_that_is_really_full_keeps_the_last_checkpoint(
    mounted: Mounted, run: Run, tmp_path: Path
) -> None:
    mounted("size=150m")
    tiny(tmp_path)
    flags = [*TRAIN, "--out_dir=disk"]
    line = one_error_line(run("main.py", *flags, "--ckpt_freq=1"), 1)
    assert "No space left on device. The last checkpoint is" in line
    done = run("main.py", *flags, "--dry_run")
    assert done.returncode == 0
    assert "checkpoint: step 1 in" in done.stdout


def test_a_read_only_folder_is_named(mounted: Mounted, run: Run, tmp_path: Path) -> None:
    mounted("ro")
    tiny(tmp_path)
    done = run("main.py", *TRAIN, "--out_dir=disk")
    assert "Read-only file system" in one_error_line(done, 1)
