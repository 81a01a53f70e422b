"""The tutorial's commands, run as users run them, on small made-up data."""

import json
import shlex
from pathlib import Path

import pytest
from makers import FEW, Run, files_written, ok, write_jpegs, write_mnist
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

MNIST = shlex.split("--dataset mnist --input_height=28 --output_height=28")
ANIME_SIZES = "--input_height 96 --input_width 96 --output_height 48 --output_width 48"
ANIME_TRAIN = shlex.split(
    f'{ANIME_SIZES} --dataset anime --crop -–train --epoch 300 --input_fname_pattern "*.jpg"'
)
ANIME_TEST = shlex.split(f"{ANIME_SIZES} --dataset anime --crop")
CELEBA = shlex.split("--dataset celebA --input_height=108 --train --crop")


def test_the_tutorials_mnist_commands(run: Run, tmp_path: Path) -> None:
    write_mnist(tmp_path / "data/mnist")
    out = ok(
        run(
            "main.py",
            *MNIST,
            "--train",
            "--epoch=2",
            "--sample_freq=1",
            "--summary_freq=2",
            "--seed=3",
        )
    )
    assert "TensorFlow 2." in out
    assert "seed: 3" in out
    assert "mnist: 128 images of 28x28x1, 2 steps an epoch, 0 left over" in out
    assert "generator/g_h0_lin/Matrix        [110, 1024]                 112,640" in out
    assert "Epoch: [ 0/ 2] [   0/   2] time: " in out
    assert "Epoch: [ 1/ 2] [   1/   2] time: " in out
    assert "tensorboard --logdir logs/mnist_64_28_28" in out
    samples = tmp_path / "samples/mnist_64_28_28"
    assert sorted(p.name for p in samples.iterdir()) == [
        "progress.gif",
        "reals.png",
        *(f"train_{epoch:02}_{idx:04}.png" for epoch in (0, 1) for idx in (0, 1)),
    ]
    assert Image.open(samples / "train_01_0001.png").size == (8 * 28, 8 * 28)
    files_written(out, tmp_path)
    check_checkpoint(tmp_path / "checkpoint/mnist_64_28_28", step=4)
    check_tensorboard(tmp_path / "logs/mnist_64_28_28")

    for path in (tmp_path / "data/mnist").iterdir():
        path.unlink()  # test mode needs no data
    out = ok(run("main.py", *MNIST))
    (picture,) = files_written(out, tmp_path)
    assert picture.parent == Path("samples/mnist_64_28_28/option_0")
    assert Image.open(tmp_path / picture).size == (280, 280)


def check_checkpoint(folder: Path, step: int) -> None:
    assert (folder / f"DCGAN.model-{step}.index").exists()
    assert json.loads((folder / "DCGAN.model.json").read_text())["y_dim"] == 10
    stored = json.loads((folder / "run.json").read_text())
    assert stored["seed"] == 3
    assert stored["dataset"] == "mnist"


def check_tensorboard(folder: Path) -> None:
    """The original's tags and ours, as TensorBoard itself reads them."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    tags = {tag: events.Tensors(tag) for tag in events.Tags()["tensors"]}
    assert set(tags) == {
        *("d_loss", "d_loss_real", "d_loss_fake", "g_loss"),
        *("z", "d", "d_", "G"),
        *("D(x)", "D(G(z))", "images_per_s", "diversity", "diversity_of_reals"),
        "_hparams_/session_start_info",
    }
    for tag in ("d_loss", "z", "G"):
        assert [event.step for event in tags[tag]] == [1, 2, 3, 4]  # sample_freq is 1
    plugins = {t: events.SummaryMetadata(t).plugin_data.plugin_name for t in tags}
    assert {plugins[t] for t in ("z", "d", "d_")} == {"histograms"}
    assert plugins["G"] == "images"
    assert plugins["d_loss"] == plugins["diversity"] == "scalars"
    assert plugins["_hparams_/session_start_info"] == "hparams"


def test_the_tutorials_anime_commands(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/anime", 64)
    out = ok(run("main.py", *ANIME_TRAIN, "--epoch=1", *FEW))  # 19,200 pictures are made below
    assert "anime: 64 images of 48x48x3, 1 step an epoch" in out
    out = ok(run("main.py", *ANIME_TEST, "--option=3", "--generate_test_images=3"))
    assert len(files_written(out, tmp_path)) == 100


@pytest.mark.slow
def test_the_tutorials_celeba_command(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/celebA", 64, 218, 178)
    out = ok(run("main.py", *CELEBA, "--epoch=1", "--log_freq=2"))
    assert "celebA: 64 images of 64x64x3" in out
    assert (tmp_path / "checkpoint/celebA_64_64_64/DCGAN.model-1.index").exists()


def test_a_dry_run_shows_and_stops(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/anime", 7)
    out = ok(run("main.py", *ANIME_TRAIN, "--dry_run", "--batch_size=2"))
    assert "--output_height=48" in out
    assert (
        "anime: 7 images; height x width: 00000.jpg is 96x96 RGB -> centre 96x96 -> 48x48x3 "
        "for the networks, 3 steps an epoch, 1 left over\n"
        "a sample picture every 21 steps, a checkpoint every 102\n"
        "a small set: 3 steps an epoch, " in out
    )
    assert "discriminator/d_h4_lin/Matrix" in out
    assert "would write to checkpoint/anime_2_48_48" in out
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
