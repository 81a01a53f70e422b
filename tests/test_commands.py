"""What users type, run as they run it, on small made-up data."""

import dataclasses
import json
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import PROJECT, Here, Run, await_line, one_error_line, start, write_jpegs, write_mnist
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import main
from datasets.dataset import Dataset
from model import DCGAN
from training import trainer

MNIST = shlex.split("--dataset mnist --input_height=28 --output_height=28")
ANIME_SIZES = "--input_height 96 --input_width 96 --output_height 48 --output_width 48"
ANIME_TRAIN = shlex.split(
    f'{ANIME_SIZES} --dataset anime --crop -–train --epoch 300 --input_fname_pattern "*.jpg"'
)
ANIME_TEST = shlex.split(f"{ANIME_SIZES} --dataset anime --crop")
CELEBA = shlex.split("--dataset celebA --input_height=108 --train --crop")


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout


def told(out: str, folder: Path) -> list[Path]:
    """The paths that a command said it wrote, checked to be there."""
    paths = [Path(line[6:]) for line in out.splitlines() if line.startswith("wrote ")]
    for path in paths:
        there = folder / path
        assert there.exists() or there.with_name(f"{there.name}.index").exists(), path
    return paths


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
    told(out, tmp_path)
    check_checkpoint(tmp_path / "checkpoint/mnist_64_28_28", step=4)
    check_tensorboard(tmp_path / "logs/mnist_64_28_28")

    for path in (tmp_path / "data/mnist").iterdir():
        path.unlink()  # test mode needs no data
    out = ok(run("main.py", *MNIST))
    (picture,) = told(out, tmp_path)
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
    out = ok(run("main.py", *ANIME_TRAIN, "--epoch=1"))
    assert "anime: 64 images of 48x48x3, 1 step an epoch" in out
    out = ok(run("main.py", *ANIME_TEST, "--option=3", "--generate_test_images=3"))
    assert len(told(out, tmp_path)) == 100


@pytest.mark.slow
def test_the_tutorials_celeba_command(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/celebA", 64, 218, 178)
    out = ok(run("main.py", *CELEBA, "--epoch=1", "--log_freq=2"))
    assert "celebA: 64 images of 64x64x3" in out
    assert (tmp_path / "checkpoint/celebA_64_64_64/DCGAN.model-1.index").exists()


TINY = (
    "--dataset=tiny",
    "--output_height=16",
    "--batch_size=4",
    "--log_freq=1000",
    "--sample_freq=999",
)


def test_training_goes_on_where_it_stopped(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 9, 20, 20)
    ok(run("main.py", *TINY, "--seed=5", "--train", "--epoch=1"))
    more = ("--sample_freq=1", "--train", "--epoch=2", "--visualize", "--deterministic")
    out = ok(run("main.py", *TINY, *more))
    assert "seed: 5" in out, "remembered"
    assert "going on from step 2" in out
    assert "wrote samples/tiny_4_16_16/train_01_0000.png" in out
    assert "wrote samples/tiny_4_16_16/option_0/test_" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_stops(number: signal.Signals, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 20, 20)
    flags = [*TINY, "--train", "--epoch=100000", "--log_freq=1"]
    with start(tmp_path, *flags) as process:
        await_line(process, "Epoch")
        process.send_signal(number)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    steps = rest.count("Epoch:") + 1
    assert f"stopped by {number.name} at step {steps:,} of 200,000, nothing is lost" in rest
    (saved,) = (tmp_path / "checkpoint/tiny_4_16_16").glob("DCGAN.model-*.index")
    assert saved.name == f"DCGAN.model-{steps}.index", "the last step that was made"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trained runs, with and without labels, and no data."""
    folder = tmp_path_factory.mktemp("trained")
    write_jpegs(folder / "data/tiny", 4, 20, 20)
    write_mnist(folder / "data/mnist")
    for flags in (TINY, ("--dataset=mnist", "--train_size=64", "--log_freq=9", "--z_dim=12")):
        command = [sys.executable, str(PROJECT / "main.py"), *flags, "--train", "--epoch=1"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    (folder / "data").rename(folder / "gone")
    return folder


LABELLED = ("--dataset=mnist",)


@pytest.mark.parametrize(
    ("flags", "option"), [(TINY, 0), (TINY, 1), (TINY, 2), (TINY, 3), (LABELLED, 0), (LABELLED, 4)]
)
def test_each_option_writes_its_files(
    flags: tuple[str, ...], option: int, trained: Path, here: Here
) -> None:
    count, z_dim = 4, 12 if flags == LABELLED else 100
    done = here(trained, *flags, f"--option={option}", f"--generate_test_images={count}")
    paths = told(ok(done), trained)
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
    out = ok(here(trained, "--dataset=mnist", "--batch_size=9"))
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
    done = here(trained, "--dataset=mnist", "--export", "--freeze")
    assert [path.name for path in told(ok(done), trained)] == ["export_b64", "frozen_graph.pb"]


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


@pytest.mark.parametrize("library", ["absl", "numpy", "PIL", "tqdm", "tensorboard", "matplotlib"])
def test_a_missing_library_is_one_line(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import main; sys.exit(main.main([]))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert "pip install -r requirements.txt" in one_error_line(done, 1)


def test_a_folder_that_cannot_be_written_is_one_line(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 4, 20, 20)
    (tmp_path / "file").touch()
    done = run("main.py", *TINY, "--train", "--out_dir=file")
    assert "file/checkpoint" in one_error_line(done, 1)


OLD = PROJECT / "tests" / "data"


def test_a_checkpoint_of_the_original_makes_pictures_and_trains_on(
    here: Here, tmp_path: Path
) -> None:
    shutil.copytree(OLD / "tf1_checkpoint_mnist", tmp_path / "old")
    write_mnist(tmp_path / "data/mnist", train=20)
    flags = ("--dataset=mnist", "--batch_size=4", "--checkpoint_dir=old")
    out = ok(here(tmp_path, *flags))
    assert "loaded step 4 of old" in out
    assert "wrote samples/old/option_0/" in out
    out = ok(here(tmp_path, *flags, "--train", "--epoch=1", "--ckpt_minutes=1e-9"))
    assert "going on from step 4 of old" in out
    saved = [path.name for path in told(out, tmp_path)]
    assert [name for name in saved if "DCGAN" in name] == [f"DCGAN.model-{k}" for k in range(5, 10)]
    seed = next(line for line in out.splitlines() if line.startswith("seed: "))
    assert seed in ok(here(tmp_path, *flags, "--train", "--epoch=2")), "the same run goes on"
    assert (tmp_path / "old/DCGAN.model-4.index").exists()


@pytest.mark.slow
def test_init_from_begins_a_run_with_the_weights_of_another(here: Here, tmp_path: Path) -> None:
    shutil.copytree(OLD / "tf1_checkpoint_color", tmp_path / "old")
    write_jpegs(tmp_path / "data/tiny", 4, 48, 48)
    flags = ("--dataset=tiny", "--batch_size=4", "--init_from=old", "--output_height=48")
    out = ok(here(tmp_path, *flags, "--train", "--epoch=1"))
    assert "weights and averages of step 4 of old" in out
    assert "Epoch: [ 0/ 1] [   0/   1]" in out
    out = ok(here(tmp_path, *flags, "--train", "--epoch=2"))
    assert "going on from step 1 of checkpoint/tiny_4_48_48" in out
    assert "--init_from is not used" in out
    assert "loaded step 4 of old" in ok(here(tmp_path, *flags))


@pytest.mark.slow
def test_two_trainings_of_one_run_do_not_mix(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 20, 20)
    flags = [*TINY, "--train", "--epoch=100000"]
    with start(tmp_path, *flags, "--sample_freq=1") as first:
        await_line(first, "wrote")
        second = run("main.py", *flags)
        assert "another training is at work in checkpoint/tiny_4_16_16" in one_error_line(second, 1)
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)


def test_a_dry_run_of_the_test_mode_needs_no_data(trained: Path, here: Here) -> None:
    out = ok(here(trained, "--dataset=mnist", "--dry_run"))
    assert "--z_dim=12" in out
    assert out.splitlines()[-1] == "would write to samples/mnist_64_28_28/option_0"


def test_a_bfloat16_run_stays_so_and_ends_as_one_that_was_not_stopped(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit; the flag is typed once. Whether XLA compiles is each command's own."""
    write_jpegs(tmp_path / "data/tiny", 4, 16, 16)
    DCGAN(16, 16, 3, batch_size=4, z_dim=5, gf_dim=2, df_dim=2).save(tmp_path / "start", 0)
    built = []

    class Built(DCGAN):
        def __init__(self, *sizes: Any, **flags: Any):
            super().__init__(*sizes, **flags)
            built.append((self.settings["precision"], flags.get("xla", False)))

    monkeypatch.setattr(trainer, "DCGAN", Built)
    flags = (*TINY, "--seed=5", "--train", "--init_from=start")
    whole, halves = ("--out_name=whole", "--epoch=2"), "--out_name=halves"
    ok(here(tmp_path, *flags, *whole, "--precision=bfloat16"))
    ok(here(tmp_path, *flags, halves, "--epoch=1", "--precision=bfloat16"))
    built.clear()
    out = ok(here(tmp_path, *flags, halves, "--epoch=2"))
    assert "as the run was: --precision=bfloat16" in out
    assert set(built) == {("bfloat16", False)}
    runs = [tmp_path / name / "checkpoint/tiny_4_16_16" for name in ("whole", "halves")]
    wanted, found = (DCGAN.from_checkpoint(run) for run in runs)
    assert int(found.step) == 2
    for one, other in zip(wanted.variables, found.variables, strict=True):
        np.testing.assert_array_equal(one, other, one.name)
    out = ok(here(tmp_path, *flags, halves, "--epoch=2", "--xla"))
    assert "changed: xla" not in out
    assert ("bfloat16", True) in built


def test_each_flag_and_the_classes_must_agree() -> None:
    """By name; where the images and their labels are read from is each machine's own."""
    images = np.zeros((4, 2, 2, 1), np.uint8)
    data = Dataset(images, np.arange(4), 4, 2, 4, 0, classes=("a", "b", "c", "d"))

    def differing(other: Dataset, *flags: str) -> list[str]:
        wanted = trainer._what_must_agree(main.parse(["--seed=1"]), 1, data, 0)
        found = trainer._what_must_agree(main.parse(["--seed=1", *flags]), 1, other, 0)
        return [name for name, value in found.items() if value != wanted[name]]

    assert differing(data, "--epoch=9") == ["the checksum of --epoch"]
    swapped = dataclasses.replace(data, labels=np.array([1, 0, 2, 3]))
    assert differing(swapped) == ["the checksum of the labels"]
    renamed = dataclasses.replace(data, classes=("a", "b", "c", "e"))
    assert differing(renamed) == ["the checksum of the classes' names"]
    assert not differing(data, "--data_dir=b", "--device=cpu")


AS_NOHUP_DOES = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]


def test_an_ignored_signal_stays_so_and_a_second_one_says_what_is_lost(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 20, 20)
    flags = [*TINY, "--train", "--epoch=100000", "--log_freq=1"]
    with start(tmp_path, *flags, before=AS_NOHUP_DOES) as process:
        await_line(process, "Epoch")
        process.send_signal(signal.SIGHUP)
        for _ in range(3):
            await_line(process, "Epoch")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 143)
    assert "steps since the last checkpoint are lost" in err
