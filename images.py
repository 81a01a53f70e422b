"""One image file -> one array of the size and channels the networks train on."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

# What Pillow raises for a file that is no image, is cut short, or would fill the memory.
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
ORIENTATION = 0x0112  # the EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
GREY_MODES = {"1", "L", "LA", "La", "I", "F"}


@dataclass(frozen=True)
class Geometry:
    """From the file's size to the network's: (height, width) of the crop and of the output."""

    crop: tuple[int, int] | None
    output: tuple[int, int]


def is_grey(image: Image.Image) -> bool:
    """Whether an opened image has no colour by its mode; nothing is decoded."""
    return image.mode in GREY_MODES or image.mode.startswith("I;16")


def load_image(path: Path, geometry: Geometry, c_dim: int) -> np.ndarray:
    """Read one file: uint8 [height, width, c_dim] in 0 ... 255.

    The first frame is taken, turned as its EXIF data say; transparency is laid over white; 16 bits
    become 8. Raises one of UNREADABLE.
    """
    with Image.open(path) as image:
        turn = TURNS.get(image.getexif().get(ORIENTATION))
        upright = image if turn is None else image.transpose(turn)
        fitted = fit(_converted(upright, "L" if c_dim == 1 else "RGB"), geometry)
    return np.asarray(fitted, np.uint8).reshape(*geometry.output, c_dim)


def fit(image: Image.Image, geometry: Geometry) -> Image.Image:
    """Cut the centre out if asked (images below its size are enlarged first), then resize.

    Bilinear as Pillow's, which averages over all source pixels when it shrinks.
    """
    if geometry.crop:
        image = _centre_crop(_enlarged_to_cover(image, *geometry.crop), *geometry.crop)
    height, width = geometry.output
    return _resized(image, width, height)


def _converted(image: Image.Image, mode: str) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert(mode)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8, where Pillow's own conversion would clip at 255."""
    values = np.asarray(image, np.float64)
    if not 0 <= values.min() <= values.max() <= 65535:
        raise ValueError(f"values from {values.min()} to {values.max()}: neither 8 nor 16 bits")
    if values.max() > 255 or image.mode.startswith("I;16"):
        values /= 257
    return Image.fromarray(values.round().astype(np.uint8))


def _enlarged_to_cover(image: Image.Image, height: int, width: int) -> Image.Image:
    scale = max(height / image.height, width / image.width)
    if scale <= 1:
        return image
    return _resized(
        image, max(width, round(image.width * scale)), max(height, round(image.height * scale))
    )


def _centre_crop(image: Image.Image, height: int, width: int) -> Image.Image:
    top = round((image.height - height) / 2)
    left = round((image.width - width) / 2)
    return image.crop((left, top, left + width, top + height))


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.BILINEAR)
