"""One file to one array: Pillow's resize, every colour mode, the crop."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import images
from images import Geometry, UnreadableError, is_grey

NOISE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


def load_image(path: Path, geometry: Geometry, c_dim: int) -> np.ndarray:
    return images.load_image(path, geometry, c_dim).pixels


def test_resizing_is_pillows_to_the_bit(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    wanted = Image.fromarray(NOISE).resize((9, 16), Image.Resampling.BILINEAR)
    loaded = load_image(tmp_path / "a.png", Geometry(None, (16, 9)), 3)
    np.testing.assert_array_equal(loaded, np.asarray(wanted))


def test_shrinking_averages(tmp_path: Path) -> None:
    board = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "a.png")
    loaded = load_image(tmp_path / "a.png", Geometry(None, (4, 4)), 1)
    assert loaded.min() > 120
    assert loaded.max() < 135


def test_the_crop_is_the_centre(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    loaded = load_image(tmp_path / "a.png", Geometry((20, 10), (20, 10)), 3)
    np.testing.assert_array_equal(loaded, NOISE[10:30, 10:20])


def test_images_below_the_crop_are_enlarged_to_cover_it(tmp_path: Path) -> None:
    Image.new("RGB", (10, 8), (9, 99, 199)).save(tmp_path / "a.png")
    loaded = load_image(tmp_path / "a.png", Geometry((32, 32), (32, 32)), 3)
    assert (loaded == (9, 99, 199)).all(), "no black borders"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
@pytest.mark.parametrize("c_dim", [1, 3])
def test_every_mode_is_read(tmp_path: Path, mode: str, c_dim: int) -> None:
    """A mid-grey stays about mid-grey, whatever it is stored as."""
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "YCbCr") else "a.png")
    if mode == "I;16":
        Image.fromarray(np.full((8, 8), 128 * 257, np.uint16)).save(path)
    else:
        grey = Image.new("RGB", (8, 8), (128, 128, 128))
        grey.convert(mode, palette=Image.Palette.ADAPTIVE).save(path)
    loaded = load_image(path, Geometry(None, (8, 8)), c_dim)
    assert loaded.shape == (8, 8, c_dim)
    if mode == "1":
        assert set(np.unique(loaded)) == {0, 255}, "dithered"
    else:
        assert np.abs(loaded.astype(int) - 128).max() <= 3


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert (load_image(tmp_path / "a.png", Geometry(None, (8, 8)), 3) == 255).all()


def test_a_palette_with_a_transparent_entry_too(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 200, 10, 10])
    image.save(tmp_path / "a.png", transparency=1)
    assert (load_image(tmp_path / "a.png", Geometry(None, (8, 8)), 3) == 255).all()


@pytest.mark.parametrize("orientation", range(10))
def test_images_stand_upright(tmp_path: Path, orientation: int) -> None:
    """As Pillow's own function turns them; 0 and 9 are no orientations."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(NOISE)
    image.save(tmp_path / "a.png", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(tmp_path / "a.png"))
    loaded = load_image(tmp_path / "a.png", Geometry(None, (wanted.height, wanted.width)), 3)
    np.testing.assert_array_equal(loaded, np.asarray(wanted))


@pytest.mark.parametrize(("value", "grey"), [(200, 200), (200 * 257, 200)])
def test_32_bits_hold_8_or_16(tmp_path: Path, value: int, grey: int) -> None:
    Image.fromarray(np.full((8, 8), value, np.int32)).save(tmp_path / "a.tif")
    assert (load_image(tmp_path / "a.tif", Geometry(None, (8, 8)), 1) == grey).all()


def test_other_32_bits_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), -1.5, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableError, match="neither 8 nor 16 bits"):
        load_image(tmp_path / "a.tif", Geometry(None, (8, 8)), 1)


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (load_image(tmp_path / "a.gif", Geometry(None, (8, 8)), 3) == (255, 0, 0)).all()


def test_grey_is_told_by_the_header() -> None:
    assert is_grey(Image.new("L", (1, 1)))
    assert is_grey(Image.new("I;16", (1, 1)))
    assert not is_grey(Image.new("RGB", (1, 1)))
