"""One file to one array: Pillow's resize, every colour mode, the crop."""

import errno
import logging
import os
import struct
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import encoded, png_chunk
from PIL import Image, ImageOps

from datasets import image_files
from datasets.image_files import Geometry, UnreadableError, is_grey

FULL = Geometry(None, (8, 8))
NOISE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


def load_image(path: Path, geometry: Geometry, c_dim: int) -> np.ndarray:
    return image_files.load_image(path, geometry, c_dim).pixels


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
    """As Pillow's own function turns them; 0 and 9 are not orientations."""
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


def test_16_bits_are_scaled_however_dark_they_are(tmp_path: Path) -> None:
    dark = np.full((8, 8), 200, ">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 8 8 65535\n" + dark.tobytes())
    loaded = image_files.load_image(tmp_path / "a.pgm", Geometry(None, (8, 8)), 1)
    assert (loaded.pixels == 1).all()
    assert loaded.done == ("16 bits to 8",)


def test_a_transparent_value_of_16_bits_shows_the_background(tmp_path: Path) -> None:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 0, 0, 0, 0))
    row = zlib.compress(struct.pack(">BHH", 0, 300, 301 * 100))
    chunks = png_chunk(b"tRNS", struct.pack(">H", 300)), png_chunk(b"IDAT", row)
    png = b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    loaded = load_image(tmp_path / "a.png", Geometry(None, (1, 2)), 1)
    assert loaded.ravel().tolist() == [255, 117]


@pytest.mark.parametrize("value", [-1.5, 0.7, 1.0])
def test_other_32_bits_are_refused(value: float, tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), value, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableError, match="neither 8 nor 16 bits"):
        load_image(tmp_path / "a.tif", Geometry(None, (8, 8)), 1)


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (load_image(tmp_path / "a.gif", Geometry(None, (8, 8)), 3) == (255, 0, 0)).all()


def test_the_header_says_whether_an_image_is_grey() -> None:
    assert is_grey(Image.new("L", (1, 1)))
    assert is_grey(Image.new("I;16", (1, 1)))
    assert not is_grey(Image.new("RGB", (1, 1)))


def test_transparency_is_laid_over_the_background_before_greying(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.png")
    for c_dim, wanted in ((3, (0, 0, 255)), (1, (29,))):
        loaded = image_files.load_image(tmp_path / "a.png", FULL, c_dim, background=(0, 0, 255))
        assert (loaded.pixels == wanted).all()
        assert "transparency laid over the background" in loaded.done
    Image.new("RGBA", (8, 8), (255, 0, 0, 255)).save(tmp_path / "a.png")
    assert not image_files.load_image(tmp_path / "a.png", FULL, 3).done, "all opaque"


def save(path: Path, kind: str) -> None:
    rgb = Image.fromarray(NOISE)
    turned = Image.Exif()
    turned[0x0112] = 6
    if kind == "turned by EXIF":
        rgb.save(path.with_suffix(".jpg"), exif=turned)
    elif kind == "damaged EXIF data, not used":
        rgb.save(path.with_suffix(".png"), exif=b"damaged header")
    elif kind == "first of several frames":
        rgb.save(path.with_suffix(".webp"), save_all=True, append_images=[rgb.rotate(180)])
    elif kind == "suffix of another format":
        rgb.save(path.with_suffix(".jpg"), "PNG")
    elif kind == "from a palette":
        rgb.quantize(8).save(path.with_suffix(".png"))
    elif kind == "from CMYK":
        rgb.convert("CMYK").save(path.with_suffix(".jpg"))
    elif kind == "grey to colour":
        rgb.convert("L").save(path.with_suffix(".png"))
    elif kind == "16 bits to 8":
        header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
        rows = png_chunk(b"IDAT", zlib.compress(bytes(13)))
        content = b"\x89PNG\r\n\x1a\n" + header + rows + png_chunk(b"IEND", b"")
        path.with_suffix(".png").write_bytes(content)
    elif kind == "enlarged to cover the crop":
        rgb.resize((20, 20)).save(path.with_suffix(".png"))
    else:
        rgb.save(path.with_suffix(".bmp"))


@pytest.mark.parametrize(
    "kind",
    [
        *("turned by EXIF", "damaged EXIF data, not used", "first of several frames"),
        *("suffix of another format", "from a palette", "from CMYK", "grey to colour"),
        *("16 bits to 8", "enlarged to cover the crop", ""),
    ],
)
def test_conversions_are_named(tmp_path: Path, kind: str) -> None:
    save(tmp_path / "a", kind)
    (path,) = tmp_path.iterdir()
    crop = (25, 25) if kind.startswith("enlarged") else None
    loaded = image_files.load_image(path, Geometry(crop, (8, 8)), 3)
    assert loaded.done == ((kind,) if kind else ())


def test_a_turned_tiff_is_named_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(NOISE).save(tmp_path / "a.tif", exif=exif)
    loaded = image_files.load_image(tmp_path / "a.tif", Geometry(None, (30, 40)), 3)
    np.testing.assert_array_equal(loaded.pixels, np.rot90(NOISE, -1))
    assert loaded.done == ("turned by EXIF",)


def test_colour_is_made_grey(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    assert image_files.load_image(tmp_path / "a.png", FULL, 1).done == ("colour to grey",)


def gif_of_65535_squared() -> bytes:
    content = encoded(Image.new("P", (24, 20)), "GIF")
    return content[:6] + b"\xff" * 4 + content[10:]


def webp_with_a_large_canvas() -> bytes:
    content = encoded(Image.new("RGBA", (24, 20), (1, 2, 3, 99)), "WEBP")
    at = content.index(b"VP8X") + 12
    return content[:at] + b"\xfe\x3f\0" * 2 + content[at + 6 :]


def png_with(name: bytes, content: bytes) -> bytes:
    """A small PNG with another chunk."""
    plain = encoded(Image.new("RGB", (8, 8)), "PNG")
    return plain[:33] + png_chunk(name, content) + plain[33:]


def jpeg_of_many_scans() -> bytes:
    """The last scan again and again: a few bytes each, and work for all pixels."""
    content = encoded(Image.fromarray(NOISE), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last * 300 + content[-2:]


BOMBS = {
    "pixels.gif": (gif_of_65535_squared, "too many pixels"),
    # Some versions of Pillow ask for the memory first, and fail.
    "pixels.webp": (webp_with_a_large_canvas, "too many pixels|damaged image"),
    "pixels.ppm": (lambda: b"P6 100000 100000 255 ", "too many pixels"),
    "text.png": (
        lambda: png_with(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**24))),
        "damaged image",
    ),
    "profile.png": (
        lambda: png_with(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**24))),
        "damaged image",
    ),
    "scans.jpg": (jpeg_of_many_scans, "too many scans"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_fill_the_memory_is_not_decoded(tmp_path: Path, name: str) -> None:
    content, reason = BOMBS[name]
    (tmp_path / name).write_bytes(content())
    with image_files.quiet_pillow(), pytest.raises(UnreadableError, match=reason):
        image_files.load_image(tmp_path / name, FULL, 3)


def test_a_line_of_pixels_is_not_enlarged_to_fill_the_memory(tmp_path: Path) -> None:
    Image.new("L", (60_000, 1)).save(tmp_path / "a.png")
    assert image_files.load_image(tmp_path / "a.png", FULL, 1).pixels.shape == (8, 8, 1)
    with pytest.raises(UnreadableError, match="too narrow for the crop"):
        image_files.load_image(tmp_path / "a.png", Geometry((108, 108), (8, 8)), 1)


def test_files_without_end_are_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "a.webp").open("wb") as file:
        file.truncate(image_files.MAX_BYTES + 1)
    with pytest.raises(UnreadableError, match="too large a file"):
        image_files.load_image(tmp_path / "a.webp", FULL, 3)


def test_a_long_animation_costs_one_frame(tmp_path: Path) -> None:
    """The frames after the second are never looked at: here they are damaged."""
    frames = [Image.fromarray(np.roll(NOISE, k)) for k in range(50)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    (tmp_path / "a.gif").write_bytes(content[: len(content) // 10] + b"damage")
    assert image_files.load_image(tmp_path / "a.gif", FULL, 3).done == (
        "from a palette",
        "first of several frames",
    )


def test_programs_are_not_started_for_an_image(tmp_path: Path) -> None:
    """Pillow would have PostScript drawn by another program."""
    (tmp_path / "a.jpg").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    )
    with pytest.raises(UnreadableError, match="not an image"):
        image_files.load_image(tmp_path / "a.jpg", FULL, 3)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "no permission"),
        (OSError(errno.EIO, "Input/output error"), "cannot be read: Input/output error"),
        (MemoryError(), "asks for too much memory"),
        (KeyError("mode"), "damaged image"),
    ],
)
def test_what_fails_while_reading_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    Image.fromarray(NOISE).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", fails)
    with pytest.raises(UnreadableError, match=reason):
        image_files.load_image(tmp_path / "a.png", FULL, 3)


def test_libraries_do_not_write_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with image_files.quiet_pillow():
        os.write(2, b"TIFFFillStrip: Read error on strip 0\n")
        warnings.warn("Truncated File Read", stacklevel=1)
        logging.getLogger("PIL.TiffImagePlugin").error("More samples per pixel")
        print("what Python says", file=sys.stderr)
    os.write(2, b"and later\n")
    assert capfd.readouterr().err == "what Python says\nand later\n"
