"""Test mode, exports and wrong command lines of main.py, on small made-up data."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from forked import run_forked
from makers import (
    FEW,
    PROJECT,
    TINY,
    Here,
    Run,
    files_written,
    ok,
    one_error_line,
    write_jpegs,
    write_mnist,
)
from PIL import Image


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trained runs, with and without labels, and no data."""
    folder = tmp_path_factory.mktemp("trained")
    write_jpegs(folder / "data/tiny", 4, 20, 20)
    write_mnist(folder / "data/mnist")
    digits = ("--dataset=mnist", "--train_size=64", "--log_freq=9", "--z_dim=12", *FEW)
    # Steps large enough that the pictures of so few filters are not grey after one of them.
    train = ("--train", "--epoch=1", "--learning_rate=0.05", "--seed=1")
    for flags in (TINY, digits):
        ok(run_forked(PROJECT / "main.py", (*flags, *train), folder, os.environ))
    (folder / "data").rename(folder / "gone")
    return folder


MNIST = ("--dataset=mnist",)


@pytest.mark.parametrize(
    ("flags", "option"),
    [
        (TINY, 0),
        (TINY, 1),
        (TINY, 2),
        (TINY, 3),
        (MNIST, 0),
        (MNIST, 4),
    ],
)
def test_each_option_writes_its_files(
    flags: tuple[str, ...], option: int, trained: Path, here: Here
) -> None:
    count, z_dim = 4, 12 if flags == MNIST else 100
    done = here(trained, *flags, f"--option={option}", f"--generate_test_images={count}")
    paths = files_written(ok(done), trained)
    assert {p.parent.name for p in paths} == {f"option_{option}"}
    merged = {"test_gif_merged.gif"} if option == 4 else set()
    gifs = {f"test_gif_{k}.gif" for k in range(z_dim)} if option >= 2 else set()
    grids = {f"test_arange_{k}.png" for k in range(z_dim)} if option == 1 else set()
    if option == 2:
        grids = {f"test_gif_{k}.png" for k in range(z_dim)}
    if option == 0:
        (path,) = paths
        pixels = np.asarray(Image.open(trained / path))
        assert pixels.std() > 0.1, "not one colour, though hardly trained"
    else:
        assert {p.name for p in paths} == merged | gifs | grids


def test_another_batch_size_finds_the_run(trained: Path, here: Here) -> None:
    out = ok(here(trained, *MNIST, "--batch_size=9"))
    assert "no checkpoint in checkpoint/mnist_9_28_28, but in checkpoint/mnist_64_28_28" in out
    assert "wrote samples/mnist_64_28_28/option_0/" in out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--dataset=mnist", "--z_dim=100"), "z_dim is 12, not 100"),
        (("--dataset=mnist", "--z_dim=100", "--train", "--data_dir=gone"), "z_dim is 12, not 100"),
        (("--dataset=anime",), "no checkpoint in checkpoint/anime_64_64_64; checkpoint holds"),
        (("--dataset=mnist", "--checkpoint_dir=none"), "none holds no trained run"),
    ],
)
def test_the_wrong_checkpoint_is_named(
    trained: Path, flags: tuple[str, ...], message: str, here: Here
) -> None:
    assert message in one_error_line(here(trained, *flags), 2)


def test_exports_are_written(trained: Path, here: Here) -> None:
    done = here(trained, *MNIST, "--export", "--freeze")
    assert [path.name for path in files_written(ok(done), trained)] == [
        "export_b64",
        "frozen_graph.pb",
    ]


def test_a_dry_run_of_the_test_mode_needs_no_data(trained: Path, here: Here) -> None:
    out = ok(here(trained, *MNIST, "--dry_run"))
    assert "--z_dim=12" in out
    assert out.splitlines()[-1] == "would write to samples/mnist_64_28_28/option_0"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--optoin=1",), "there is no flag --optoin. Did you mean --option?"),
        ((*MNIST, "--train"), "Type: python download.py mnist"),
        (("--dataset=anime", "--train"), "there is no folder data/anime"),
        (MNIST, "no checkpoint in checkpoint/mnist_64_28_28"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(run: Run, flags: tuple[str, ...], message: str) -> None:
    assert message in one_error_line(run("main.py", *flags), 2)


def test_a_wrong_flag_is_refused_before_tensorflow_loads() -> None:
    code = "import sys, main; print(main.main(['--optoin=1']), 'tensorflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "False"]


AFTER_TENSORFLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("tqdm", "matplotlib")]


@pytest.mark.parametrize("library", ["absl", "numpy", "PIL", "tensorboard", *AFTER_TENSORFLOW])
def test_a_missing_library_is_one_line(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import main; sys.exit(main.main([]))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "pip install -r requirements.txt" in one_error_line(done, 1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--out_dir=file",), "--out_dir=file: file is a file. Give a folder"),
        (("--out_dir=file/deep",), "--out_dir=file/deep: file is a file. Give a folder"),
        (("--out_name=file",), "--out_name=file: file is a file. Give a folder"),
        (("--checkpoint_dir=file",), "--checkpoint_dir=file: file is a file. Give a folder"),
        (("--sample_dir=file",), "--sample_dir=file: file is a file. Give a folder"),
        (("--dataset=mnist",), "logs/mnist_64_28_28 is a file where a folder is needed: move it"),
    ],
)
def test_a_file_where_a_folder_is_needed_is_refused_before_tensorflow_loads(
    flags: tuple[str, ...], message: str, here: Here, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/mnist_64_28_28").touch()
    done = here(tmp_path, *flags, "--train")
    assert message in one_error_line(done, 2)
    assert "TensorFlow" not in done.stdout
