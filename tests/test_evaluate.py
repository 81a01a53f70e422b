"""evaluate.py as it is typed: what it measures, what it writes, and how it ends."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from makers import (
    PROJECT,
    Here,
    Script,
    batch,
    one_error_line,
    small,
    stretched,
    write_jpegs,
    write_mnist,
)

import evaluate
from datasets.idx import load_parts
from datasets.image_files import Geometry
from metrics import classifier
from metrics.evaluation import Evaluation
from metrics.spaces import Features, Space
from support.files import read_json, write_json

PIXELS = ("--space", "pixels")  # which needs no package
FACES = ("--run", "checkpoint/faces", *PIXELS)
DIGITS = ("--run", "checkpoint/digits")


@pytest.fixture
def measured(among_runs: Callable[[Script], Here], monkeypatch: pytest.MonkeyPatch) -> Here:
    """measured("--run", ...) is evaluate.py among the runs, with their data."""
    monkeypatch.setattr(classifier, "EPOCHS", 1)
    write_jpegs(Path("data/faces"), 24, 24, 24)
    write_mnist(Path("data/mnist"), 128, 20)
    return among_runs(evaluate.main)


def of_mnist() -> None:
    """Make checkpoint/digits a run of MNIST with all its labels."""
    shutil.rmtree("checkpoint/digits")
    stretched(small(28, 28, y_dim=10)).save("checkpoint/digits", 5)
    stored = read_json(Path("checkpoint/faces/run.json"))
    own = {"dataset": "mnist", "crop": False, "output_height": 28, "output_width": 28}
    sizes = {"input_height": 28, "input_width": 28, "train_size": "inf"}
    write_json(Path("checkpoint/digits/run.json"), stored | own | sizes)


def scalars(folder: Path) -> set[str]:
    """The tags that lie in a folder for TensorBoard."""
    events = [tf.compat.v1.train.summary_iterator(str(file)) for file in folder.glob("events.*")]
    return {value.tag for file in events for event in file for value in event.summary.value}


def test_a_run_is_measured_against_its_own_data(measured: Here) -> None:
    done = measured(*FACES, "--num", "70", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "70 pictures against 24 real images of faces, in the space pixels:" in done.stdout
    folder = Path("logs/faces/evaluated")
    told = read_json(folder / "step_000001_num70_seed3_pixels.json")
    assert told["differs"] == {"num": 70, "seed": 3}
    assert (told["dataset"], len(told["digest"])) == ("faces", 16)
    assert {"space": "pixels", "samples": 70, "reals": 24, "seed": 3, "step": 1}.items() <= (
        told.items()
    )
    for name, value in told["figures"].items():
        assert re.search(rf"^  {name} +{value:.5g} ", done.stdout, re.MULTILINE)
    assert scalars(folder) == {f"pixels_num70_seed3/{name}" for name in told["figures"]}
    again = measured(*FACES, "--num", "70", "--seed", "3", "--out", "again")
    assert again.returncode == 0, again.stderr
    assert read_json(Path("again/step_000001_num70_seed3_pixels.json")) == told
    assert "wrote data/.arrays/features-" not in again.stdout


def test_figures_of_other_data_another_number_or_seed_do_not_replace_the_runs_own(
    measured: Here,
) -> None:
    write_jpegs(Path("data/cats"), 30, 24, 24)
    write_jpegs(Path("elsewhere/faces"), 24, 24, 24)
    stored = read_json(Path("checkpoint/faces/run.json"))
    write_json(Path("checkpoint/faces/run.json"), stored | {"z_dist": "uniform_signed"})
    own, folder = "step_000001_pixels.json", Path("logs/faces/evaluated")
    for words, name in (
        ((), own),
        (("--dataset", "cats", "--num", "11"), "step_000001_cats_num11_pixels.json"),
        (("--seed", "7", "--z_dist", "normal01"), "step_000001_z_distnormal01_seed7_pixels.json"),
        (("--num", "24", "--seed", "0", "--data_dir", "elsewhere"), own),
    ):
        before = {path: path.read_bytes() for path in folder.glob("*.json") if path.name != own}
        done = measured(*FACES, *words)
        assert f"wrote {folder / name}" in done.stdout, done.stderr
        assert all(path.read_bytes() == content for path, content in before.items())
    assert read_json(folder / "step_000001_cats_num11_pixels.json")["dataset"] == "cats"
    spaces = {tag.split("/")[0] for tag in scalars(folder)}
    assert spaces == {"pixels", "pixels_cats_num11", "pixels_z_distnormal01_seed7"}


def test_two_folders_of_one_name_do_not_replace_each_others_figures(measured: Here) -> None:
    for run in ("a", "b"):
        write_jpegs(Path(f"samples/{run}/generated"), 12, 16, 16)
        done = measured(f"samples/{run}/generated", "--dataset", "faces", *PIXELS, "--num", "11")
        name = f"logs/evaluated/{run}_generated_faces_num11_pixels.json"
        assert f"wrote {name}" in done.stdout, done.stderr


def test_a_runs_pictures_are_those_of_generate_by_their_seeds(measured: Here) -> None:
    import generate

    words = ("--num", "12", "--seed", "40")
    assert generate.main(("--run", "checkpoint/faces", *words, "--format", "npy")) == 0
    size = ("--crop", "--input_height", "20", "--dataset", "faces")
    made = measured("samples/faces/generated/pictures.npy", "--space", "pixels", *size)
    assert made.returncode == 0, made.stderr
    assert measured(*FACES, *words).returncode == 0
    of_array = read_json(Path("logs/evaluated/generated_pictures_faces_pixels.json"))
    of_run = read_json(Path("logs/faces/evaluated/step_000001_num12_seed40_pixels.json"))
    assert of_array["figures"] == pytest.approx(of_run["figures"])


def test_a_labelled_runs_z_are_those_of_generate_by_their_seeds(
    measured: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    import generate

    def seen(
        space: Space, real: Features, blocks: Iterable, *more: Any, **named: Any
    ) -> Evaluation:
        pictures.extend(np.concatenate(kept := list(blocks)))
        asked.extend(more[1])
        return measure(space, real, kept, *more, **named)

    pictures: list[np.ndarray] = []
    asked: list[int] = []
    measure = evaluate.evaluate
    monkeypatch.setattr(evaluate, "evaluate", seen)
    of_mnist()
    done = measured(*DIGITS, *PIXELS, "--num", "12", "--seed", "40")
    assert done.returncode == 0, done.stderr
    assert len(set(asked)) > 1
    every = ("--label", "0-9", "--num", "120", "--seed", "40", "--format", "npy")
    assert generate.main((*DIGITS, *every)) == 0
    made = np.load("samples/digits/generated/pictures.npy").reshape(12, 10, 28, 28, 1)
    assert (np.stack(pictures) == made[range(12), asked]).all()


def test_figures_of_averaged_weights_are_kept_apart(measured: Here) -> None:
    """As are generate.py's pictures; they are what is made where nothing is typed."""
    import generate

    dcgan = small(c_dim=3, ema=0.1, learning_rate=0.05)
    for seed in range(3):
        dcgan.train_step(*batch(dcgan, seed=seed))
    dcgan.save("checkpoint/faces", 3)
    loaded = "loaded step 3 of checkpoint/faces, {} weights"
    figures = []
    for weights, name in (((), "step_000003_ema"), (("--weights", "raw"), "step_000003")):
        done = measured(*FACES, *weights)
        assert loaded.format("raw" if weights else "averaged") in done.stdout
        told = read_json(Path(f"logs/faces/evaluated/{name}_pixels.json"))
        assert told["weights"] == ("raw" if weights else "ema")
        figures.append(told["figures"])
    assert figures[0]["frechet"] != figures[1]["frechet"]
    pictures = []
    for out, weights in (("a", ()), ("b", ("--weights", "ema")), ("c", ("--weights", "raw"))):
        words = (*FACES[:2], "--num", "1", "--out", out, *weights)
        assert generate.main(words) == 0
        pictures.append(Path(out, "seed00000.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]
    line = one_error_line(measured(*DIGITS, "--weights", "ema"), 2)
    assert line.endswith("holds no averaged weights: train with --ema, or take raw")


def test_a_labelled_run_gets_labels_in_the_proportions_of_the_data(measured: Here) -> None:
    of_mnist()
    done = measured(*DIGITS)
    assert done.returncode == 0, done.stderr
    assert "labels are asked for in the proportions of the data" in done.stdout
    assert re.search(r"the classifier knows [\d.]+% of 20 test images", done.stdout)
    assert "128 pictures against 128 real images of mnist, in the space mnist:" in done.stdout
    told = read_json(Path("logs/digits/evaluated/step_000005_mnist.json"))
    assert 0 <= told["figures"]["label_accuracy"] <= 1
    assert len(told["histogram"]) == 10
    assert "classes drawn:  0 " in done.stdout


def test_the_floor_is_real_images_against_others(measured: Here) -> None:
    done = measured("--floor", "--dataset", "mnist")
    assert done.returncode == 0, done.stderr
    assert "20 pictures against 128 real images of mnist, in the space mnist:" in done.stdout
    assert "label_accuracy" in read_json(Path("logs/evaluated/mnist_floor_mnist.json"))["figures"]
    sizes = ("--output_height", "16", "--space", "pixels")
    done = measured("--floor", "--dataset", "faces", *sizes)
    assert "12 pictures against 12 real images of faces, in the space pixels:" in done.stdout


def test_a_folder_of_pictures_is_measured_and_bad_files_are_counted(measured: Here) -> None:
    here = Path.cwd().name
    write_jpegs(Path("made"), 11, 16, 16)
    Path("made/note.png").write_bytes(b"no picture")
    Path("made.skipped.txt").write_text("mine")
    done = measured("made", "--dataset", "faces", "--space", "pixels", "--out", "here")
    assert done.returncode == 0, done.stderr
    assert "12 files found, 11 used, 1 skipped" in done.stdout
    assert "skipped 1 (not an image)" in done.stdout
    name = f"{here}_made_faces"
    assert f"all skipped files: here/{name}.skipped.txt" in done.stdout
    assert "made/note.png" in Path(f"here/{name}.skipped.txt").read_text()
    assert Path("made.skipped.txt").read_text() == "mine", "a file beside what is measured"
    assert read_json(Path(f"here/{name}_pixels.json"))["pictures"] == "made"
    assert "pixels/frechet" in scalars(Path("here", name))
    write_jpegs(Path("made/larger"), 1, 20, 20)
    line = one_error_line(measured("made", "--dataset", "faces", "--space", "pixels"), 2)
    assert "made holds pictures of 2 sizes: 11 of 16x16, but made/larger/00000.jpg 20x20" in line
    Path("made/00000.jpg").rename("made/grid_1x1_seed00000.jpg")
    size = ("--output_height", "16", "--dataset", "faces", "--space", "pixels")
    done = measured("made", *size, "--out", "here")
    assert "left out 1 (sheets of several pictures, by their names): made/grid_1x1" in done.stdout
    assert "resized 1 of 11 to 16x16: made/larger/00000.jpg 20x20" in done.stdout
    assert read_json(Path(f"here/{here}_made_faces_pixels.json"))["samples"] == 11


def test_copies_of_training_images_are_found(measured: Here) -> None:
    done = measured("data/faces", "--dataset", "faces", "--space", "pixels")
    assert done.returncode == 0, done.stderr
    figures = read_json(Path("logs/evaluated/data_faces_faces_pixels.json"))["figures"]
    assert figures["duplicates"] == 1
    assert figures["frechet"] == pytest.approx(0, abs=1e-6)
    assert (figures["precision"], figures["recall"]) == (1, 1)


def test_copies_of_test_digits_are_found_too_as_they_are_learned_from(measured: Here) -> None:
    test = load_parts(Path("data/mnist"), Geometry(None, (28, 28)))[1][0]
    np.save("copies.npy", test)
    name = f"{Path.cwd().name}_copies_mnist"
    done = measured("copies.npy", "--dataset", "mnist", *PIXELS)
    assert done.returncode == 0, done.stderr
    assert read_json(Path(f"logs/evaluated/{name}_pixels.json"))["figures"]["duplicates"] == 1
    measured("--floor", "--dataset", "mnist", *PIXELS)
    floor = read_json(Path("logs/evaluated/mnist_floor_pixels.json"))["figures"]
    assert floor["duplicates"] < 1, "those of the floor are held out"


def test_the_folder_one_is_in_is_measured_as_any_other(
    measured: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, data_dir = Path.cwd().name, str(Path("data").resolve())
    write_jpegs(Path("made"), 11, 16, 16)
    monkeypatch.chdir("made")
    done = measured(".", "--dataset", "faces", "--data_dir", data_dir, *PIXELS)
    assert done.returncode == 0, done.stderr
    assert Path(f"logs/evaluated/{here}_made_faces_pixels.json").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to measure: give one of --run RUN, a folder or .npy, --floor"),
        ((*FACES, "--floor"), "--run and --floor to measure: give one of"),
        (("--run", "none"), "none: there is no such folder"),
        (("nowhere.npy",), "nowhere.npy: there is no such folder, and no such .npy file"),
        (("--floor",), "--dataset is missing: the real images to compare with"),
        (("--floor", "--dataset", "faces", "--seed", "1"), "--seed is for --run: leave it out"),
        ((*FACES, "--num", "0"), "--num: 0: it must be a whole number"),
        ((*FACES, "--num", "99", "--seed", str(2**31 - 1)), "seeds from there go beyond the last"),
        (("--floor", "--dataset", "faces", "--sapce", "mnist"), "Did you mean --space?"),
        ((*FACES, "--num", "9"), "--num 9: 10 pictures or more are needed"),
        (("--floor", "--dataset", "faces", "--space", "mnist"), "faces is a folder: take another"),
        (("--floor", "--dataset", "cats", *PIXELS), "there is no folder data/cats"),
        (("bad.npy", "--dataset", "faces"), "bad.npy holds float64 12x8x8x3; it must be uint8"),
        (
            ("grey.npy", "--dataset", "faces", *PIXELS),
            "the pictures are 8x8x1, those of faces 8x8x3",
        ),
        (("none.npy", "--dataset", "mnist"), "none.npy: 0 pictures: 10 or more are needed"),
        (("few", "--dataset", "cats", *PIXELS), "few: 1 picture: 10 or more are needed"),
        (("arrays", "--dataset", "cats"), "no picture in arrays: give arrays/pictures.npy"),
        (("grey.npy", "--dataset", "mnist", "--num", "13"), "--num 13: there are only 12 pictures"),
        ((*DIGITS, *PIXELS), "faces has 3 channels, the run's pictures 1"),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    measured: Here, words: tuple[str, ...], message: str
) -> None:
    np.save("bad.npy", np.zeros((12, 8, 8, 3)))
    write_jpegs(Path("few"), 1, 16, 16)
    Path("arrays").mkdir()
    np.save("arrays/pictures.npy", np.zeros((12, 28, 28, 1), np.uint8))
    np.save("none.npy", np.zeros((0, 28, 28, 1), np.uint8))
    np.save("grey.npy", np.zeros((12, 8, 8, 1), np.uint8))
    assert message in one_error_line(measured(*words), 2)


def test_a_run_with_other_classes_than_the_data_is_refused(measured: Here) -> None:
    line = one_error_line(measured(*DIGITS, "--dataset", "mnist"), 2)
    assert "mnist has other classes than the run" in line


def test_the_command_line_loads_no_tensorflow() -> None:
    code = "import sys, evaluate; print('tensorflow' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
