"""Arithmetic on mean z, and the sheet that shows it."""

import numpy as np
from makers import DIGITS, Here, one_error_line, small, written
from PIL import Image

from generation.arithmetic import captions_of, result_of, sheet_of
from generation.inputs import is_sheet
from utils import NAME_HEIGHT, SHEET_SIDE, sample_pixels


def test_means_are_added_and_subtracted_and_stay_in_the_cube() -> None:
    terms = {
        "seeds": np.array([[0.2, 0.5], [0.4, 0.7]]),
        "minus": np.array([[0.1, -0.8]]),
        "plus": np.array([[-0.5, 0.0]]),
    }
    result = result_of(terms, "uniform_signed")
    np.testing.assert_allclose(result, [[-0.3, 1.0]], rtol=1e-6)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result_of({"seeds": terms["seeds"]}, "normal01"), [[0.3, 0.6]])


def test_the_sheet_has_means_and_result_above_what_they_are_of() -> None:
    dcgan = small(y_dim=3)
    stream = np.random.default_rng(0)
    terms = {name: stream.uniform(-1, 1, (n, 5)) for name, n in (("seeds", 2), ("minus", 1))}
    result = result_of(terms, "uniform_signed")
    tiles, size = sheet_of(dcgan, terms, result, np.array([[0, 1, 0]], np.float32))
    assert size == (3, 3)
    table = tiles.reshape(3, 3, *dcgan.image_shape)

    def picture(z: np.ndarray) -> np.ndarray:
        return sample_pixels(dcgan, z.reshape(1, 5).astype(np.float32), np.array([1]))[0]

    assert (table[0, 2] == picture(result)).all()
    assert (table[0, 0] == picture(terms["seeds"].mean(0))).all()
    assert (table[2, 0] == picture(terms["seeds"][1])).all()
    assert (table[1, 1] == picture(terms["minus"][0])).all()
    assert not table[1:, 2].any()
    assert not table[2, 1].any()
    assert captions_of({"seeds": [7, 8], "minus": [9]}) == [
        *("mean of seeds", "- mean of minus", "= result"),
        *("seed 7", "seed 9", ""),
        *("seed 8", "", ""),
    ]


def test_a_sheet_is_written_and_the_z_can_be_used(made: Here) -> None:
    words = ("--seeds", "1,2", "--minus", "3", "--plus", "4-6", "--save_z", "z.npy")
    paths = written(made("arithmetic", *DIGITS, *words, "--label", "1"))
    assert is_sheet(paths[0])
    assert Image.open(paths[0]).size == (4 * SHEET_SIDE, 4 * (SHEET_SIDE + NAME_HEIGHT))
    written(made(*DIGITS, "--z", "z.npy"))
    assert "--seeds is missing" in one_error_line(made("arithmetic", *DIGITS), 2)
