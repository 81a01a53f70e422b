"""What is hidden of an image, and what the pixels beside it count."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.image_files import Geometry, load_image
from generation.masks import NAMES, mask_for, named_mask, weights_of
from support.errors import UserError

HOLE = np.zeros((20, 30), bool)
HOLE[4:10, 10:20] = True


@pytest.mark.parametrize("name", NAMES)
def test_a_named_mask_hides_its_share(name: str) -> None:
    hidden = named_mask(name, (40, 60), seed=1)
    share = {"centre": 0.25, "random": 0.8}.get(name, 0.5)
    assert hidden.mean() == pytest.approx(share, abs=0.03)
    assert (hidden == named_mask(name, (40, 60), seed=1)).all()
    if name in ("left", "top"):
        assert hidden[0, 0]
        assert not hidden[-1, -1]
    if name in ("right", "bottom"):
        assert hidden[-1, -1]
        assert not hidden[0, 0]


def test_known_pixels_count_by_the_share_of_hidden_ones_around_them() -> None:
    hidden = np.zeros((9, 9), bool)
    hidden[4, 4] = True
    weights = weights_of(hidden, 7)
    assert weights[4, 4] == 0
    assert weights[4, 5] == pytest.approx(1 / 48)
    assert weights[1, 1] == pytest.approx(1 / 24), "its window ends at the edge"
    assert weights[4, 0] == weights[0, 4] == 0, "4 pixels away"
    corner = np.zeros((9, 9), bool)
    corner[0, :2] = True
    assert weights_of(corner, 3)[1, 0] == pytest.approx(2 / 5), "pixels beyond the edge are none"
    everywhere = weights_of(hidden, 1)
    assert (everywhere == ~hidden).all()
    largest = weights_of(hidden, 10**9 + 1)
    assert (largest == weights_of(hidden, 17)).all(), "there are no more pixels"
    assert largest[0, 0] == pytest.approx(1 / 80)


def saved(path: str, array: np.ndarray) -> Path:
    Image.fromarray(array).save(path)
    return Path(path)


def hidden_by(
    mask: Path, image: Path, size: tuple[int, int], crop: tuple[int, int] | None
) -> np.ndarray:
    """What complete hides of an image, which it reads first."""
    geometry = Geometry(crop, size, keep_ready=True)
    return mask_for(mask, image, load_image(image, geometry, c_dim=1).seen, geometry)


def test_white_is_hidden_and_where_there_is_transparency_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    image = saved("image.png", np.full((20, 30, 3), 255, np.uint8))
    white = saved("white.png", np.where(HOLE, 255, 0).astype(np.uint8))
    holed = np.full((20, 30, 4), 255, np.uint8)
    holed[..., 3] = np.where(HOLE, 0, 255)
    for mask in (white, saved("holed.png", holed)):
        assert (hidden_by(mask, image, (20, 30), None) == HOLE).all()
    noisy = saved("noisy.jpg", np.where(HOLE, 255, 0).astype(np.uint8))
    wrong = hidden_by(noisy, image, (20, 30), None) ^ HOLE
    assert wrong.mean() < 0.02, "what a JPEG blurs does not count"


def test_a_mask_is_cropped_and_resized_as_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    image = saved("image.png", np.zeros((20, 30), np.uint8))
    mask = saved("mask.png", np.where(HOLE, 255, 0).astype(np.uint8))
    expected = HOLE[:, 5:25].reshape(10, 2, 10, 2).any((1, 3))
    assert (hidden_by(mask, image, (10, 10), (20, 20)) == expected).all()
    ready = saved("ready.png", np.where(HOLE[:10, :10], 255, 0).astype(np.uint8))
    assert (hidden_by(ready, image, (10, 10), (20, 20)) == HOLE[:10, :10]).all()
    other = saved("other.png", np.zeros((21, 30), np.uint8))
    with pytest.raises(UserError, match=r"other.png is 30x21, image.png is 30x20: draw .* 10x10"):
        hidden_by(other, image, (10, 10), (20, 20))
    with pytest.raises(UserError, match=r"--mask none.png: vanished"):
        hidden_by(Path("none.png"), image, (10, 10), None)


@pytest.mark.parametrize("form", ["jpg", "tif"])  # Pillow turns a TIFF by itself
def test_a_mask_belongs_to_a_photo_as_it_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    photo = Path(f"photo.{form}")
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (20, 30)).save(photo, exif=exif)
    mask = saved("mask.png", np.where(HOLE, 255, 0).astype(np.uint8))
    assert (hidden_by(mask, photo, (20, 30), None) == HOLE).all()
    lying = saved("lying.png", np.where(HOLE.T, 255, 0).astype(np.uint8))
    with pytest.raises(UserError, match=rf"lying.png is 20x30, photo.{form} is 30x20"):
        hidden_by(lying, photo, (40, 40), None)


def test_transparency_is_turned_as_the_photo_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image with holes can be its own mask: they are where one sees them."""
    monkeypatch.chdir(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6  # seen, the top is on the right
    pixels = np.full((40, 20, 4), 255, np.uint8)
    pixels[:10, :, 3] = 0
    Image.fromarray(pixels).save("photo.png", exif=exif)
    hidden = hidden_by(Path("photo.png"), Path("photo.png"), (20, 40), None)
    assert hidden[:, 30:].all()
    assert not hidden[:, :30].any()


def test_what_shows_the_background_in_part_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an image has holes, the rest of it is known as it is."""
    monkeypatch.chdir(tmp_path)
    pixels = np.zeros((100, 100, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[33:61, 20:47, 3] = 0
    image = saved("image.png", pixels)
    hidden = hidden_by(image, image, (16, 16), None)
    shown = load_image(image, Geometry(None, (16, 16)), c_dim=3).pixels
    assert 0 < hidden.mean() < 0.2
    assert shown[~hidden].max() == 0
    assert shown[hidden].max() == 255
