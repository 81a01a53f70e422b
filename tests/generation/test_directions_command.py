"""Pictures moved along the directions that change them most."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from makers import DIGITS, FACES, Here, one_error_line, written
from PIL import Image

from gan.directions import telling_directions
from generation.directions import moved
from generation.inputs import is_sheet
from generation.selection import selected
from runs.opened import open_run
from support.streams import DEVIATIONS, draw_z, random_stream
from utils import NAME_HEIGHT, SHEET_SIDE, sample_pixels


@pytest.mark.parametrize("z_dist", DEVIATIONS)
def test_the_reach_is_counted_in_deviations_of_z(z_dist: str) -> None:
    drawn = draw_z(random_stream(0, "test"), z_dist, 1000, 100)
    assert drawn.std() == pytest.approx(DEVIATIONS[z_dist], rel=0.01)


def test_a_sheet_for_each_z_and_a_gif_for_each_direction(made: Here) -> None:
    done = made("directions", *FACES, "--seeds", "3,7", "--count", "2")
    files = written(done)
    assert [path.name for path in files] == [
        "directions_seed00003.png",
        "directions_seed00007.png",
        "direction_1_seed00003_2.gif",
        "direction_2_seed00003_2.gif",
    ]
    assert files[0].parent == Path("samples/faces/directions")
    assert all(is_sheet(path) for path in files)
    sheet = Image.open(files[1])
    assert sheet.size == (7 * SHEET_SIDE, 2 * (SHEET_SIDE + NAME_HEIGHT))
    (itself,) = written(made(*FACES, "--seeds", "7", "--out", "itself"))
    rows = np.split(np.asarray(sheet), 2)
    tiles = [np.split(row[NAME_HEIGHT::12, ::12], 7, axis=1) for row in rows]
    for row in tiles:
        assert (row[3] == np.asarray(Image.open(itself))).all(), "the middle is not moved"
        assert (row[0] != row[6]).any()
    gif = Image.open(files[2])
    assert gif.size == (16, 8)
    assert "direction 2: a step of 1 moves a pixel by " in done.stdout


def test_pictures_move_along_the_direction_with_their_label_and_stay_where_z_is_drawn(
    made: Here,
) -> None:
    trained = open_run(Path(DIGITS[1]), {"z_dist": "uniform_signed"})
    dcgan = trained.dcgan
    arguments = argparse.Namespace(seeds=[4, 9], z=None, truncation=None)
    selection = selected(trained, arguments, [2, 1], 2, print)
    y = np.eye(3, dtype=np.float32)
    found = telling_directions(dcgan.sampler, dcgan.value_range, "uniform_signed", dcgan.z_dim, y)
    vector = found.vectors[0]
    tiles = moved(dcgan, selection, slice(1, 3), vector, 0.7, "uniform_signed", 3)
    z = selection.z()[1:3]
    for k, end in enumerate((-0.7, 0, 0.7)):
        wanted = np.clip(z + end * vector, -1, 1).astype(np.float32)
        assert (tiles[k] == sample_pixels(dcgan, wanted, np.array([1, 2]))).all()


def test_directions_are_those_of_the_label_that_is_asked_for(made: Here) -> None:
    def changes(*label: str) -> list[str]:
        out = made("directions", *DIGITS, "--seeds", "3", "--count", "2", *label).stdout
        return [line for line in out.splitlines() if line.startswith("direction ")]

    of_each = [changes("--label", str(label)) for label in range(3)]
    assert len({tuple(lines) for lines in of_each}) == 3
    few = ("directions", *DIGITS, "--seeds", "3")
    assert (
        "--count 6: there are 5, as many as z has coordinates" in made(*few, "--count", "6").stdout
    )
    assert "--count" not in made(*few).stdout, "nobody asked for 8"
    assert changes("--label", "0-2") == changes() != of_each[0]


def test_too_many_pictures_and_flags_against_each_other_are_refused(made: Here) -> None:
    done = made("directions", *FACES, "--num", "65")
    assert "65 pictures to move are too many: up to 64" in one_error_line(done, 2)
    done = made("directions", *FACES, "--num", "2", "--seeds", "1")
    assert "--seeds and --num" in one_error_line(done, 2)
    done = made("directions", *FACES, "--reach", "0")
    assert "--reach: 0: it must be a number" in one_error_line(done, 2)
