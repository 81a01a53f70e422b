"""The nearest training images, of the run or of another data set."""

from pathlib import Path

from makers import DIGITS, FACES, Here, one_error_line, write_jpegs, write_mnist, written
from PIL import Image

from generation.inputs import is_sheet
from support.files import read_json, write_json
from utils import NAME_HEIGHT, SHEET_SIDE


def test_nearest_shows_images_of_the_run_or_of_another_data_set(made: Here) -> None:
    write_jpegs(Path("data/faces"), 7, 24, 24)
    done = made("nearest", *FACES, "--num", "4", "--count", "2")
    path = written(done)[-1]
    assert is_sheet(path)
    sheet = Image.open(path)
    assert sheet.size == (3 * SHEET_SIDE, 4 * (SHEET_SIDE + NAME_HEIGHT))
    assert "from a training image to the nearest other: " in done.stdout
    few = ("--dataset", "few", "--num", "1", "--count", "1")
    write_jpegs(Path("data/few"), 2, 24, 24)
    assert "--count 3: there are 2 images" in made("nearest", *FACES, *few, "--count", "3").stdout
    written(made("nearest", *FACES, *few))  # fewer images than in the run's batch
    write_mnist(Path("data/mnist"), 3, 2)
    done = made("nearest", *FACES, "--num", "1", "--dataset", "mnist")
    assert "--dataset mnist is grey, this run is in colour: give another" in one_error_line(done, 2)
    path = Path("checkpoint/faces/run.json")
    Path("data").rename("other")
    write_json(path, read_json(path) | {"data_dir": "other"})
    line = one_error_line(made("nearest", *FACES, "--num", "1"), 2)
    assert "was trained with --data_dir=other: add that flag" in line, "a stranger's file chose it"
    written(made("nearest", *FACES, "--num", "1", "--data_dir", "other"))
    Path("other").rename("data")
    path.unlink()
    done = made("nearest", *FACES, "--num", "1")
    assert "does not name its data: give --dataset" in one_error_line(done, 2)
    shown = "checkpoint/faces holds no run.json: images are used without --crop, on white\n"
    assert shown in made("nearest", *FACES, "--num", "1", "--dataset", "faces").stdout


def test_images_without_classes_are_not_those_of_a_run_with_classes(made: Here) -> None:
    path = Path("checkpoint/digits/run.json")
    write_json(path, read_json(path) | {"labels": True})
    write_jpegs(Path("data/faces"), 7, 24, 24)
    line = one_error_line(made("nearest", *DIGITS, "--num", "1"), 2)
    assert "trained with a class for each sub-folder, and data/faces has none: give the" in line
    assert "--labels" not in line, "nearest has no such flag"
