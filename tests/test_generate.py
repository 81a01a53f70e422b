"""generate.py as it is typed: its command line, the run it opens, and what it loads."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from makers import DIGITS, FACES, PROJECT, Here, Run, one_error_line, small, written
from PIL import Image

from generation import arithmetic, sampling, score, search
from support.files import read_json, write_json


def test_pictures_go_beside_the_run_not_where_its_file_says(made: Here) -> None:
    for name in ("first", "second"):
        run = Path(name, "checkpoint/faces")
        shutil.copytree("checkpoint/faces", run)
        stored = read_json(run / "run.json")
        write_json(run / "run.json", stored | {"out_dir": "/somewhere", "sample_dir": "../shown"})
        (path,) = written(made("--run", str(run), "--num", "1"))
        assert path == Path(name, "samples/faces/generated/seed00000.png")


@pytest.mark.parametrize(
    ("module", "words", "array"),
    [
        (sampling, (*FACES, "--num", "1", "--save_z", "z.npy"), "z.npy"),
        (sampling, (*FACES, "--grid", "1x1", "--save_z", "z.npy"), "z.npy"),
        (arithmetic, ("arithmetic", *FACES, "--seeds", "1", "--save_z", "z.npy"), "z.npy"),
        (search, ("project", *FACES, "own.png", "--steps", "1", "--out", "."), "own_z.npy"),
        (score, ("score", *FACES, "own.png", "--features", "f.npy"), "f.npy"),
    ],
)
def test_no_array_is_left_beside_pictures_of_a_later_call(
    module: ModuleType,
    words: tuple[str, ...],
    array: str,
    made: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call that ends before it writes its array leaves none of an earlier call."""
    Image.new("RGB", (8, 8)).save("own.png")
    assert Path(array) in written(made(*words))

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_npy", interrupted)
    assert made(*words).returncode == 130
    assert not Path(array).exists()


def test_a_bad_run_file_is_named(made: Here) -> None:
    path = Path("checkpoint/digits/run.json")
    was = path.read_text()
    path.write_text(was.replace('"normal01"', '"cauchy"'))
    line = one_error_line(made(*DIGITS), 2)
    assert line.startswith(f"error: {path}: z_dist is 'cauchy': there are")
    for classes in ("[1, 2, 3]", '"abc"', '{"a": 1}'):
        path.write_text(was.replace("{", f'{{\n  "classes": {classes},', 1))
        assert f'{path}: "classes" is not a list' in one_error_line(made(*DIGITS), 2)
    path.write_text(was.replace("{", '{\n  "classes": ["a", "b\\u001b", "c"],', 1))
    line = one_error_line(made(*DIGITS, "--label", "7"), 2)
    assert line.endswith("the classes are 0 a, 1 b\\x1b, 2 c")


def test_only_a_flag_that_was_typed_is_to_be_left_out(made: Here) -> None:
    path = Path("checkpoint/digits/run.json")
    write_json(path, read_json(path) | {"output_height": 64})
    (picture,) = written(made(*DIGITS, "--num", "1"))
    assert Image.open(picture).size == (8, 8)
    line = one_error_line(made(*DIGITS, "--output_height", "64"), 2)
    assert "checkpoint/digits have another shape: output_height is 8, not 64. Leave out" in line
    line = one_error_line(made(*DIGITS, "--z_dist", "normal01", "--dataset=", "--num", "1"), 2)
    assert "run.json" not in line, "what was typed is to blame"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*DIGITS, "--grid", "100000x9"), "100,000 rows and 9 columns are too large a picture: up"),
        ((*DIGITS, "--grid", "--num", "99999999"), "up to 1,250 and 1,250"),
        (("nearest", *FACES, "--num", "99999999"), "99,999,999 rows and 6 columns are too large"),
        (("arithmetic", *FACES, "--seeds", "0-99999"), "100,001 rows and 2 columns are too large"),
        (("interpolate", *FACES, "--seeds", "1,2", "--frames", "99999"), "99,999 are too many"),
    ],
)
def test_what_no_memory_can_hold_is_refused(words: tuple, message: str, made: Here) -> None:
    assert message in one_error_line(made(*words), 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--num", "3"), "--run is missing"),
        (("--run", "none"), "none: there is no such folder"),
        ((*FACES, "--gird", "2x2"), "--gird. Did you mean --grid?"),
        ((*FACES, "interpolate"), "interpolate comes first: python generate.py interpolate"),
        (("--run=checkpoint/faces", "score"), "score comes first: python generate.py score"),
        ((*FACES, "--num", "0"), "--num: 0: it must be a whole number"),
        ((*FACES, "--seeds", "5-1"), "--seeds 5-1"),
        ((*FACES, "--seeds", "5", "--num", "2"), "--seeds and --num"),
        ((*FACES, "--seeds", "5", "--seed", "2"), "--seed does not apply to --seeds"),
        ((*FACES, "--num", "2", "--seed", str(2**31 - 1)), "2 seeds from there go beyond the last"),
        ((*FACES, "--z", "z.npy", "--seed", "0"), "--seed does not apply to --z"),
        ((*FACES, "--z", "z.npy", "--truncation", "1"), "--truncation does not apply to --z"),
        ((*FACES, "--z", "none.npy"), "--z none.npy: there is no such file"),
        (("directions", *FACES, "--z", "checkpoint/faces/run.json"), "it cannot be read as .npy"),
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
            "it is a checkpoint: give --run checkpoint/faces --which 1",
        ),
        ((*FACES, "--out", "checkpoint/faces/run.json"), "run.json is a file. Give a folder"),
        ((*FACES, "--out", "checkpoint/faces/run.json/x"), "run.json is a file. Give a folder"),
        ((*FACES, "--save_z", "checkpoint/faces/run.json/z.npy"), "run.json is a file. Give a"),
        ((*FACES, "--save_z", "checkpoint"), "--save_z: checkpoint is a folder. Give the name of"),
        (("score", *FACES, ".", "--features", "."), "--features: . is a folder. Give the name of"),
        (("score", *FACES, "none.png"), "there is no file and no folder none.png"),
        (("project", *FACES, "checkpoint"), "no picture in checkpoint"),
        (("arithmetic", *FACES), "--seeds is missing"),
        (("arithmetic", *FACES, "--seeds", "1", "--plus", "5-1"), "--plus 5-1: give numbers and"),
        ((*FACES, "--grid", "--format", "npy"), "--format npy"),
        (("interpolate", *FACES, "--seconds", "nan"), "--seconds"),
    ],
)
def test_a_wrong_command_line_is_refused_before_tensorflow_is_loaded(
    made: Here, words: tuple[str, ...], message: str
) -> None:
    done = made(*words)
    assert message in one_error_line(done, 2)
    assert "TensorFlow" not in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--run", "checkpoint"), "there are checkpoint/digits, checkpoint/faces"),
        ((*FACES, "--label", "1"), "trained without labels"),
        ((*DIGITS, "--label", "3"), "the classes are 0 to 2"),
        ((*DIGITS, "--label", "cat"), "the classes are 0 to 2"),
        ((*DIGITS, "--label", "0-2", "--grid", "2x4"), "--grid 2x3"),
        ((*DIGITS, "--seeds", "0-4", "--grid", "2x2"), "no room for 5"),
        ((*DIGITS, "--z", "other.npy"), "--z other.npy holds float32 2x4; it must be floats Nx5"),
        ((*DIGITS, "--label", "2,"), "--label 2,: the classes are 0 to 2"),
        ((*DIGITS, "--output_height", "64"), "output_height is 8, not 64. Leave out what differs"),
        ((*DIGITS, "--which", "2"), "has no checkpoint of step 2: there is step 1"),
        ((*DIGITS, "--z_dist", "uniform_signed", "--truncation", "2"), "Give 1 or less"),
    ],
)
def test_what_does_not_fit_the_run_is_refused(
    made: Here, words: tuple[str, ...], message: str
) -> None:
    np.save("other.npy", np.zeros((2, 4), np.float32))
    assert message in one_error_line(made(*words), 2)


def test_an_earlier_checkpoint_is_used_if_asked(made: Here) -> None:
    small(c_dim=3).save("checkpoint/faces", 9)
    newest, first, same = (
        written(made(*FACES, "--num", "1", "--out", out, *words))[0].read_bytes()
        for out, words in (("a", ()), ("b", ("--which", "1")), ("c", ("--which", "9")))
    )
    assert newest == same != first


def test_a_checkpoint_of_the_original_is_used(made: Here) -> None:
    folder = str(PROJECT / "tests/data/tf1_checkpoint_color")
    sizes = ("--output_height", "48", "--output_width", "48")
    (path,) = written(made("--run", folder, "--num", "1", *sizes))
    assert Image.open(path).size == (48, 48)


def test_what_training_needs_is_not_loaded() -> None:
    code = (
        "import sys, generate, runs.opened; loaded = set(sys.modules); "
        "training = {'training.loop', 'training.monitor', 'training.history'}; "
        "print('tensorflow' in loaded, loaded & training)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "True set()\n"


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
