"""generate.py as it is typed, on a tiny run: every command, every wrong command line."""

import gc
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from makers import PROJECT, Run, one_error_line, small, stretched, write_jpegs, write_mnist
from PIL import Image

import generate
from main import parse
from runs.stored import store_run
from utils import NAME_HEIGHT, SHEET_SIDE

Made = Callable[..., subprocess.CompletedProcess[str]]
DATA = ("--dataset=faces", "--output_height=8", "--crop", "--input_height=20", "--batch_size=4")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs digits (3 labels) and faces (colour), of normal z."""
    above = tmp_path_factory.mktemp("runs")
    for name, c_dim, y_dim in (("digits", 1, 3), ("faces", 3, None)):
        stretched(small(c_dim=c_dim, y_dim=y_dim)).save(above / name, 1)
        store_run(parse([*DATA, "--z_dist=normal01", "--train_size=7"]), 7, above / name)
    return above


@pytest.fixture
def made(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: Path
) -> Made:
    """made("--num", "3") in an empty folder, but for the runs in checkpoint."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(runs, "checkpoint")

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        status = generate.main(words)
        gc.collect()
        return subprocess.CompletedProcess(words, status, *capfd.readouterr())

    return call


DIGITS = ("--run", "checkpoint/digits")
FACES = ("--run", "checkpoint/faces")


def ok(done: subprocess.CompletedProcess[str]) -> list[Path]:
    """The paths that were told, all there."""
    assert done.returncode == 0, done.stderr
    lines = [line[6:] for line in done.stdout.splitlines() if line.startswith("wrote ")]
    paths = [Path(re.split(r", | \(", line)[0]) for line in lines]
    assert all(path.is_file() for path in paths)
    return paths


def test_single_files_by_seed(made: Made) -> None:
    paths = ok(made(*DIGITS, "--num", "12", "--seed", "5"))
    folder = Path("samples/digits/generated")
    assert {path.parent for path in paths} == {folder}
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 12
    assert [name[:9] for name in names] == [f"seed{k:05}" for k in range(5, 17)]
    ok(made(*DIGITS, "--seeds", "16,5-6", "--out", "again"))
    for path in Path("again").iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()
    done = made(*FACES, "--num", "2", "--format", "npy")
    assert np.load(ok(done)[0]).shape == (2, 8, 8, 3)


def test_a_seed_and_a_label_that_are_repeated_count_once(made: Made) -> None:
    done = made(*DIGITS, "--seeds", "3,5,3,3", "--label", "2,0,2", "--format", "npy")
    assert np.load(ok(done)[1]).tolist() == [2, 0, 2, 0]
    assert "--seeds: left out 2 (given more than once)\n" in done.stdout
    assert "--label: left out 1 (given more than once)\n" in done.stdout
    ok(made(*DIGITS, "--seeds", "7,7", "--label", "1,1"))
    assert len(list(Path("samples/digits/generated").glob("*.png"))) == 1
    (path,) = ok(made("interpolate", *FACES, "--seeds", "3,7,3", "--frames", "5"))
    frames = Image.open(path).n_frames  # type: ignore[attr-defined]
    assert frames > 3, "there and back"


def test_pictures_go_to_the_samples_of_the_run_itself(made: Made) -> None:
    for name in ("first", "second"):
        run = Path(name, "checkpoint/faces")
        shutil.copytree("checkpoint/faces", run)
        store_run(parse([*DATA, f"--out_name={name}", "--sample_dir=shown"]), 7, run)
        (path,) = ok(made("--run", str(run), "--num", "1"))
        assert path == Path(name, "shown/faces/generated/seed00000.png")


def test_a_run_file_that_somebody_changed_is_named(made: Made) -> None:
    path = Path("checkpoint/digits/run.json")
    was = path.read_text()
    path.write_text(was.replace('"normal01"', '"cauchy"'))
    line = one_error_line(made(*DIGITS), 2)
    assert line.startswith(f"error: {path}: --z_dist=cauchy: there are")
    for classes in ("[1, 2, 3]", '"abc"', '{"a": 1}'):
        path.write_text(was.replace("{", f'{{\n  "classes": {classes},', 1))
        assert f'{path}: "classes" is no list' in one_error_line(made(*DIGITS), 2)
    path.write_text(was.replace("{", '{\n  "classes": ["a", "b\\u001b", "c"],', 1))
    line = one_error_line(made(*DIGITS, "--label", "7"), 2)
    assert line.endswith("the classes are 0 a, 1 b\\x1b, 2 c")


def test_z_goes_out_and_comes_in_again(made: Made) -> None:
    ok(made(*FACES, "--seeds", "3,9", "--save_z", "z.npy", "--truncation", "0.7"))
    assert np.abs(np.load("z.npy")).max() <= 0.7
    ok(made(*FACES, "--z", "z.npy", "--out", "again"))
    for k, seed in enumerate((3, 9)):
        first = Path(f"samples/faces/generated/seed{seed:05}.png")
        assert Path(f"again/z{k:05}.png").read_bytes() == first.read_bytes()


def test_each_column_of_a_grid_is_a_label_and_each_row_a_seed(made: Made) -> None:
    (sheet,) = ok(made(*DIGITS, "--label", "0-2", "--grid"))
    assert Image.open(sheet).size == (3 * 8, 10 * 8)
    ok(made(*DIGITS, "--label", "0-2", "--num", "6"))
    pixels = np.asarray(Image.open(sheet))
    for seed in (0, 1):
        for label in range(3):
            name = f"samples/digits/generated/seed{seed:05}_label{label}.png"
            tile = pixels[8 * seed : 8 * seed + 8, 8 * label : 8 * label + 8]
            assert (np.asarray(Image.open(name)) == tile).all()
    (sheet,) = ok(made(*FACES, "--grid", "2x3", "--seeds", "0-4"))
    assert Image.open(sheet).size == (24, 16)
    (sheet,) = ok(made(*FACES, "--grid"))
    assert Image.open(sheet).size == (80, 80)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*DIGITS, "--grid", "100000x9"), "100,000 rows and 9 columns are too large a picture: up"),
        ((*DIGITS, "--grid", "--num", "99999999"), "up to 1,250 and 1,250"),
        (("nearest", *FACES, "--num", "99999999"), "99,999,999 rows and 6 columns are too large"),
        (("arithmetic", *FACES, "--seeds", "0-99999"), "100,001 rows and 2 columns are too large"),
        (("interpolate", *FACES, "--seeds", "1,2", "--frames", "99999"), "99,999 are too many"),
    ],
)
def test_what_no_memory_can_hold_is_refused(words: tuple, told: str, made: Made) -> None:
    assert told in one_error_line(made(*words), 2)


def test_interpolate(made: Made) -> None:
    (path,) = ok(made("interpolate", *FACES, "--seeds", "3,7", "--frames", "9", "--loop"))
    assert path.name == "seeds_3-7_slerp.gif", "the run's z are normal"
    assert 1 < Image.open(path).n_frames <= 9  # type: ignore[attr-defined]
    ok(made("interpolate", *DIGITS, "--seeds", "3", "--label", "0,2", "--method", "lerp"))
    for words, told in (
        (("--seeds", "1-3", "--label", "0,1"), "one for each of 3"),
        (("--seeds", "1"), "--seeds 1 is one point: give two or more"),
        (("--seeds", "1-9", "--frames", "8"), "a frame for each"),
    ):
        assert told in one_error_line(made("interpolate", *DIGITS, *words), 2)


def test_arithmetic(made: Made) -> None:
    words = ("--seeds", "1,2", "--minus", "3", "--plus", "4-6", "--save_z", "z.npy")
    paths = ok(made("arithmetic", *DIGITS, *words, "--label", "1"))
    assert Image.open(paths[0]).size == (4 * SHEET_SIDE, 4 * (SHEET_SIDE + NAME_HEIGHT))
    ok(made(*DIGITS, "--z", "z.npy"))
    assert "--seeds is missing" in one_error_line(made("arithmetic", *DIGITS), 2)


def test_project_gives_a_z_that_can_be_used(made: Made) -> None:
    ok(made(*DIGITS, "--seeds", "4", "--out", "own"))
    (image,) = Path("own").iterdir()
    done = made("project", *DIGITS, str(image), "--steps", "60")
    sheet, _ = ok(done)
    assert Image.open(sheet).size == (2 * SHEET_SIDE, SHEET_SIDE + NAME_HEIGHT)
    command = done.stdout.splitlines()[-1].partition("python generate.py ")[2].split()
    ok(made(*command, "--out", "found"))
    (found,) = Path("found").iterdir()
    result = np.asarray(Image.open(sheet))[NAME_HEIGHT::12, SHEET_SIDE::12]
    assert (result == np.asarray(Image.open(found))).all()
    noise = np.random.default_rng(0).integers(0, 2, (8, 8), np.uint8) * 255
    Image.fromarray(noise).save("noise.png")
    done = made("project", *DIGITS, "noise.png", "--steps", "5")
    assert " dB (far off: this run cannot draw it); the picture alone: " in done.stdout
    Path("bad.png").write_text("nothing")
    assert "bad.png: not an image" in one_error_line(made("project", *DIGITS, "bad.png"), 2)


def test_score_and_nearest(made: Made) -> None:
    paths = write_jpegs(Path("data/faces"), 7, 24, 24)
    paths[3].write_text("nothing")
    done = made("score", *FACES, "data/faces", "--features", "f.npy")
    assert [path.name for path in ok(done)] == ["scores.csv", "scores.png", "f.npy"]
    assert "7 files found, 6 used, 1 skipped" in done.stdout
    assert len(Path("samples/faces/scored/scores.csv").read_text().splitlines()) == 7
    assert "holds no run.json" not in done.stdout
    done = made("nearest", *FACES, "--num", "4", "--count", "2")
    sheet = Image.open(ok(done)[-1])
    assert sheet.size == (3 * SHEET_SIDE, 4 * (SHEET_SIDE + NAME_HEIGHT))
    assert "from a training image to the nearest other: " in done.stdout
    few = ("--dataset", "few", "--num", "1", "--count", "1")
    write_jpegs(Path("data/few"), 2, 24, 24)
    ok(made("nearest", *FACES, *few))  # fewer images than in the run's batch
    write_mnist(Path("data/mnist"), 3, 2)
    done = made("nearest", *FACES, "--num", "1", "--dataset", "mnist")
    assert "--dataset mnist is grey, this run is in colour: give another" in one_error_line(done, 2)
    Path("checkpoint/faces/run.json").unlink()
    told = "checkpoint/faces holds no run.json: images are taken without --crop, on white\n"
    assert told in made("score", *FACES, "data/faces").stdout
    assert told in made("project", *FACES, str(paths[0]), "--steps", "1").stdout
    assert told in made("nearest", *FACES, "--num", "1", "--dataset", "faces").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--num", "3"), "--run is missing"),
        (("--run", "none"), "none: there is no such folder"),
        ((*FACES, "--gird", "2x2"), "--gird. Did you mean --grid?"),
        ((*FACES, "interpolate"), "It comes first: python generate.py interpolate"),
        ((*FACES, "--num", "0"), "--num: 0: it must be a whole number"),
        ((*FACES, "--seeds", "5-1"), "--seeds 5-1"),
        ((*FACES, "--seeds", "5", "--num", "2"), "--seeds and --num"),
        ((*FACES, "--seeds", "5", "--seed", "2"), "--seed says nothing of what --seeds gives"),
        ((*FACES, "--z", "z.npy", "--seed", "0"), "--seed says nothing of what --z gives"),
        ((*FACES, "--z", "z.npy", "--truncation", "1"), "--truncation says nothing of what --z"),
        ((*FACES, "--truncation", "-1"), "--truncation"),
        ((*FACES, "--truncation", "0"), "--truncation: 0: it must be"),
        ((*FACES, "--z_dist", "cauchy"), "uniform_signed"),
        ((*FACES, "--grid", "3"), "--grid: 3: give rows and columns, such as 10x10"),
        ((*FACES, "--grid", "3x"), "--grid: 3x: give rows and columns"),
        ((*FACES, "--grid", "0x3"), "--grid: 0x3: give rows and columns"),
        (("interpolat", *FACES), "interpolat. Did you mean interpolate?"),
        (("paint", *FACES), "paint. The commands are interpolate, arithmetic,"),
        (
            ("--run", "checkpoint/faces/DCGAN.model-1"),
            "it is a checkpoint: give --run checkpoint/faces --step 1",
        ),
        ((*FACES, "--out", "checkpoint/faces/run.json"), "run.json: it is a file. Give a folder"),
        ((*FACES, "--save_z", "checkpoint"), "--save_z checkpoint: it is a folder. Give a file"),
        ((*FACES, "--grid", "--format", "npy"), "--format npy"),
        (("interpolate", *FACES, "--seconds", "nan"), "--seconds"),
    ],
)
def test_a_wrong_command_line_is_told_before_tensorflow_is_loaded(
    made: Made, words: tuple[str, ...], told: str
) -> None:
    done = made(*words)
    assert told in one_error_line(done, 2)
    assert "TensorFlow" not in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--run", "checkpoint"), "there are checkpoint/digits, checkpoint/faces"),
        ((*FACES, "--label", "1"), "trained without labels"),
        ((*DIGITS, "--label", "3"), "the classes are 0 to 2"),
        ((*DIGITS, "--label", "cat"), "the classes are 0 to 2"),
        ((*DIGITS, "--label", "0-2", "--grid", "2x4"), "--grid 2x3"),
        ((*DIGITS, "--seeds", "0-4", "--grid", "2x2"), "no room for 5"),
        ((*DIGITS, "--z", "none.npy"), "none.npy"),
        ((*DIGITS, "--label", "2,"), "--label 2,: the classes are 0 to 2"),
        ((*DIGITS, "--output_height", "64"), "makes images of 8. Leave the flag away"),
        ((*DIGITS, "--step", "2"), "has no checkpoint of step 2: there are 1"),
        ((*DIGITS, "--z_dist", "uniform_signed", "--truncation", "2"), "Give 1 or less"),
    ],
)
def test_what_does_not_fit_the_run_is_told(made: Made, words: tuple[str, ...], told: str) -> None:
    assert told in one_error_line(made(*words), 2)


def test_classes_go_by_their_names(made: Made) -> None:
    path = Path("checkpoint/digits/run.json")
    names = '{\n  "classes": ["dark hair", "fair, long", "2-3"],'
    path.write_text(path.read_text().replace("{", names, 1))
    (path_of_one,) = ok(made(*DIGITS, "--label", "fair, long", "--num", "1"))
    assert path_of_one.name == "seed00000_label1_fair-long.png"
    paths = ok(made(*DIGITS, "--label", "dark hair,2-3", "--num", "2"))
    assert [path.name for path in paths] == [
        "seed00000_label0_dark-hair.png",
        "seed00000_label2_2-3.png",
    ]
    (sheet,) = ok(made(*DIGITS, "--label", "dark hair,2-3", "--grid", "2x4"))
    assert Image.open(sheet).size == (4 * 8, 2 * 8 + NAME_HEIGHT), "the columns have names"
    (path,) = ok(made("interpolate", *DIGITS, "--seeds", "3", "--label", "2-3,dark hair"))
    assert path.name == "seeds_3_slerp_label_2-0_2-3-dark-hair.gif"
    assert sheet.name == "grid_2x4_seed00000_label_0-2_dark-hair-2-3.png"
    done = made(*DIGITS, "--label", "dark hare")
    assert "Did you mean dark hair?" in one_error_line(done, 2)


def test_the_command_that_project_prints_has_what_it_was_typed_with(made: Made) -> None:
    ok(made(*DIGITS, "--seeds", "4", "--out", "own"))
    (image,) = Path("own").iterdir()
    sizes = ("--step", "1", "--output_height", "8", "--output_width", "8")
    done = made("project", *DIGITS, str(image), "--steps", "1", *sizes)
    assert f"_z.npy {' '.join(sizes)} --label" in done.stdout


def test_an_image_given_twice_counts_once_and_a_large_one_is_said_to_be_cut(made: Made) -> None:
    paths = write_jpegs(Path("some"), 2, 24, 30)
    done = made("score", *FACES, "some", str(paths[0]), "./some")
    assert "2 files found, 2 used" in done.stdout
    assert "cut to the centre 20x20" in done.stdout
    done = made("project", *FACES, str(paths[0]), "--steps", "1")
    assert f"projecting {paths[0]} (cut to the centre 20x20)" in done.stdout
    ok(made(*FACES, "--num", "1", "--out", "made"))
    again = made("project", *FACES, "made", "--steps", "1")
    assert "projecting made/seed00000.png\n" in again.stdout


def test_an_earlier_checkpoint_is_used_if_asked(made: Made) -> None:
    small(c_dim=3).save("checkpoint/faces", 9)
    newest, first, same = (
        ok(made(*FACES, "--num", "1", "--out", out, *words))[0].read_bytes()
        for out, words in (("a", ()), ("b", ("--step", "1")), ("c", ("--step", "9")))
    )
    assert newest == same != first


def test_what_a_file_of_z_does_not_hold_is_said(made: Made) -> None:
    done = made(*DIGITS, "--seeds", "3,4", "--save_z", "z.npy")
    assert "that is z alone: with --z, give the labels again" in done.stdout
    lacks = "--z holds no labels: they are drawn from the rows' numbers"
    for command in ((), ("interpolate",)):
        assert lacks in made(*command, *DIGITS, "--z", "z.npy").stdout
        assert lacks not in made(*command, *DIGITS, "--z", "z.npy", "--label", "1").stdout
    np.save("far.npy", np.full((1, 5), 50.0))
    far = made(*FACES, "--z", "far.npy", "--z_dist", "uniform_signed")
    assert "warning: --z reaches from 50 to 50, but this run was trained with z in -1 ..." in (
        far.stdout
    )
    assert "warning" not in made(*FACES, "--z", "far.npy").stdout, "normal z have no end"


def test_a_checkpoint_of_the_original_is_used(made: Made) -> None:
    folder = str(PROJECT / "tests/data/tf1_checkpoint_color")
    sizes = ("--output_height", "48", "--output_width", "48")
    (path,) = ok(made("--run", folder, "--num", "1", *sizes))
    assert Image.open(path).size == (48, 48)


def test_what_training_needs_is_not_loaded() -> None:
    code = "import sys, failures, making; print({'loop', 'watching', 'history'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_command_line_loads_no_tensorflow() -> None:
    code = "import sys, generate; print('tensorflow' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_help_answers_at_once(run: Run) -> None:
    done = run("generate.py", "interpolate", "--help")
    assert done.returncode == 0
    assert "--loop" in done.stdout
    assert "--frames" in done.stdout
