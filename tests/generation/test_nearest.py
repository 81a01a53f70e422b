"""The nearest training images: found exactly, a block at a time."""

from pathlib import Path

import numpy as np
import pytest
from makers import FACES, Here, one_error_line, write_jpegs, write_mnist, written
from PIL import Image

from generation import nearest
from generation.nearest import closest, sheet_of
from support.files import read_json, write_json
from utils import NAME_HEIGHT, SHEET_SIDE


def test_the_nearest_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = np.random.default_rng(0)
    images = stream.integers(0, 256, (50, 4, 5, 3), np.uint8)
    pixels = stream.integers(0, 256, (7, 4, 5, 3), np.uint8)
    pixels[3] = images[17]
    plain = np.sqrt(((pixels[:, None].astype(float) - images[None]) ** 2).mean((2, 3, 4)))
    for values in (60 * 1, 60 * 7, 2**24):
        monkeypatch.setattr(nearest, "BLOCK_VALUES", values)
        found, distances = closest(pixels, images, 4)
        assert (found == np.argsort(plain, axis=1)[:, :4]).all()
        np.testing.assert_allclose(distances, np.sort(plain, axis=1)[:, :4])
    assert found[3, 0] == 17
    assert distances[3, 0] == 0
    tiles = sheet_of(pixels, images, found)
    assert (tiles[0] == pixels[0]).all()
    assert (tiles[5 * 3 + 1] == images[17]).all()


def test_nearest_shows_images_of_the_run_or_of_another_data_set(made: Here) -> None:
    write_jpegs(Path("data/faces"), 7, 24, 24)
    done = made("nearest", *FACES, "--num", "4", "--count", "2")
    sheet = Image.open(written(done)[-1])
    assert sheet.size == (3 * SHEET_SIDE, 4 * (SHEET_SIDE + NAME_HEIGHT))
    assert "from a training image to the nearest other: " in done.stdout
    few = ("--dataset", "few", "--num", "1", "--count", "1")
    write_jpegs(Path("data/few"), 2, 24, 24)
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
