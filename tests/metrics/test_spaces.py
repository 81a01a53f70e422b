"""The spaces: which data they are for, and what they make of pictures."""

from pathlib import Path

import numpy as np
import pytest
from makers import write_mnist
from PIL import Image

from main import parse
from metrics import spaces
from metrics.spaces import features_of, in_colour, open_space, resized, suiting
from support.errors import UserError


def test_idx_sets_have_their_classifier_and_folders_imagenets() -> None:
    assert suiting(parse(["--dataset=fashion_mnist"])) == "mnist"
    assert suiting(parse(["--dataset=anime"])) == "efficientnet"
    # evaluate.py's flag is --space, main.py's --eval_space: the words go with both
    said = "^the space mnist is .* labels, and anime is a folder: take another, or leave it out$"
    with pytest.raises(UserError, match=said):
        open_space("mnist", parse(["--dataset=anime"]), Path(), print)


def test_the_classifier_is_trained_once_for_the_data(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    settings = parse(["--dataset=mnist", f"--data_dir={tmp_path}"])
    lines: list[str] = []
    arrays = tmp_path / ".arrays"
    first = open_space("mnist", settings, arrays, lines.append)
    (kept,) = arrays.iterdir()
    assert f"it is trained now, once, and kept as {kept}" in lines[0]
    assert "of 16 test images" in lines[1]
    assert lines[2].startswith(f"wrote {kept}")
    second = open_space("mnist", settings, arrays, lines.append)
    assert len(lines) == 3
    pictures = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)
    assert (first.features(pictures) == second.features(pictures)).all()
    assert first.identity == second.identity
    larger = resized(pictures, (56, 56), Image.Resampling.NEAREST)
    assert first.features(larger).shape == (5, 128)
    with pytest.raises(UserError, match="the space mnist is for grey pictures, these are in c"):
        first.features(in_colour(pictures))
    write_mnist(tmp_path / "fashion_mnist", train=100)
    fashion = parse(["--dataset=fashion_mnist", f"--data_dir={tmp_path}"])
    other = open_space("mnist", fashion, arrays, lines.append)
    assert other.identity != first.identity
    assert (first.name, other.name) == ("mnist", "fashion_mnist"), "they have two scales"


def test_pixels_are_averaged_where_pictures_are_large() -> None:
    space = open_space("pixels", parse([]), Path(), print)
    small = np.array([[[[0], [255]]]], np.uint8)
    assert space.features(small).tolist() == [[0, 1]]
    large = np.zeros((1, 64, 96, 3), np.uint8)
    large[:, :2, :3] = (255, 0, 51)
    found = space.features(large)
    assert found.shape == (1, 32 * 32 * 3)
    assert found[0, :4] == pytest.approx([1, 0, 0.2, 0])


def test_features_come_in_the_order_of_the_pictures() -> None:
    space = spaces.Space("ones", "ones 1", lambda pictures: pictures[:, 0, 0].astype("f4"), 3)
    images = np.arange(16, dtype=np.uint8).reshape(16, 1, 1, 1)
    found = features_of(space, spaces.blocks_of(images, 5), 16)
    assert found.space == "ones 1"
    assert (found.values == images[:, 0, 0]).all()


def test_pictures_are_resized_whole_and_keep_their_channels() -> None:
    colour = np.zeros((2, 4, 6, 3), np.uint8)
    colour[1, ..., 1] = 200
    found = resized(colour, (8, 3), Image.Resampling.BICUBIC)
    assert found.shape == (2, 8, 3, 3)
    assert (found[1] == (0, 200, 0)).all()
    assert resized(colour, (4, 6), Image.Resampling.BOX) is colour
    assert in_colour(colour[..., :1]).shape == colour.shape
