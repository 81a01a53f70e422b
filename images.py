"""One image file -> one array of the size and channels the networks train on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# What Pillow raises for a file that is no image, is cut short, or would fill the memory.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
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
        upright = ImageOps.exif_transpose(image)
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
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow's own conversion clips 16 bits at 255 instead of scaling them.
        values = np.asarray(image, np.float64)
        image = Image.fromarray(np.clip(values / 257, 0, 255).round().astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert(mode)


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
