"""One image file -> one array of the size and channels that the networks train on."""

import errno
import logging
import math
import os
import re
import stat
import struct
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

MAX_PIXELS = 2**26  # 8192 x 8192, 256 MiB as RGBA; larger images are skipped, not decoded
MAX_BYTES = 2**29  # of a file, as Pillow reads some formats whole before it looks at the header
MAX_SCANS = 200  # of a progressive JPEG: 10 are usual, and a few bytes make it decode once more
LARGE = 2**24  # pixels; images above are decoded one at a time, to bound the memory
_LARGE_ONES = threading.Lock()

# What Pillow raises for a file that is not an image, is damaged or asks for too much. Its parsers
# trust what they read, so wrong bytes fail wherever they are used. Fuzzing met all of these except
# the last three, which Pillow's code can raise (short headers, missing frames, numbers too large).
FUZZING_MET = (OSError, ValueError, SyntaxError, TypeError, LookupError, RuntimeError, MemoryError)
PILLOW_RAISES = (*FUZZING_MET, Image.DecompressionBombError, struct.error, EOFError, OverflowError)
SUFFIXES = Image.registered_extensions()  # suffix -> format
# Not all that Pillow knows: some start other programs (EPS), some take any bytes (TGA).
# MPO (several JPEGs in one) comes with JPEG.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000")
SAME_SUFFIX = {"MPO": "JPEG", "DIB": "BMP"}  # formats whose files usually have another's suffix
SCAN = b"\xff\xda"  # the marker that begins each scan of a JPEG
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
TRANSPARENT = "transparency laid over the background"  # a kind of conversion
GREY_MODES = {"1", "L", "LA", "La", "I", "F"}


class UnreadableError(Exception):
    """A file cannot be read as an image. Files with the same fault have the same text."""


@dataclass(frozen=True)
class Geometry:
    """(height, width) of the crop, if any, and of the output that it is resized to.

    keep_ready: an image that has the output's size already, as generated pictures have, is not
    cropped. In training every image is.
    """

    crop: tuple[int, int] | None
    output: tuple[int, int]
    keep_ready: bool = False

    def crop_of(self, seen: tuple[int, int]) -> tuple[int, int] | None:
        """The crop of an image of this height and width, as it is seen; None if it has none."""
        return None if self.keep_ready and seen == self.output else self.crop

    def enlargement(self, image: Image.Image) -> float:
        """By which factor an image must grow to cover the crop; at most 1 if it does."""
        height, width = self.crop_of((image.height, image.width)) or (0, 0)
        return max(height / image.height, width / image.width)


class Loaded(NamedTuple):
    """An image, uint8 [height, width, c_dim], and the kinds of conversion it took.

    seen: its height and width as it is seen, turned by its EXIF data, before any crop.
    """

    pixels: np.ndarray
    done: tuple[str, ...]
    seen: tuple[int, int]


def is_grey(image: Image.Image) -> bool:
    """Whether an opened image is grey by its mode; nothing is decoded."""
    return image.mode in GREY_MODES or image.mode.startswith("I;16")


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep the warnings of Pillow and its libraries off the terminal: the report counts the files.

    It changes the whole process, so put it around the threads, not into them. What C code (libtiff)
    writes to descriptor 2 is thrown away; what Python itself prints to stderr still shows.
    """
    log = logging.getLogger("PIL")
    level = log.level
    sys.stderr.flush()
    try:
        shared = sys.stderr.fileno() == 2
    except OSError:  # stderr is not a file, as in a notebook
        shared = False
    with (
        warnings.catch_warnings(),
        os.fdopen(os.dup(2), "w", 1, sys.stderr.encoding, sys.stderr.errors) as python,
        open(os.devnull, "wb") as nowhere,
    ):
        warnings.simplefilter("ignore")
        log.setLevel(logging.CRITICAL)
        os.dup2(nowhere.fileno(), 2)
        try:
            with redirect_stderr(python if shared else sys.stderr):
                yield
        finally:
            os.dup2(python.fileno(), 2)
            log.setLevel(level)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """An image file with its header read and nothing decoded yet.

    Raises:
        UnreadableError: also if something goes wrong with the image inside the `with` block.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("not a regular file")  # a pipe would be waited for without end
        if not status.st_size:
            raise UnreadableError("empty file")
        if status.st_size > MAX_BYTES:
            raise UnreadableError("too large a file")
        with Image.open(path, formats=FORMATS) as image:
            if math.prod(image.size) > MAX_PIXELS:
                raise UnreadableError("too many pixels")
            if image.info.get("progressive") and path.read_bytes().count(SCAN) > MAX_SCANS:
                raise UnreadableError("too many scans")
            yield image
    except PILLOW_RAISES as error:
        raise UnreadableError(_reason(path, error)) from error


def load_image(
    path: Path, geometry: Geometry, c_dim: int, background: tuple[int, ...] = (255, 255, 255)
) -> Loaded:
    """Read one file: uint8 [height, width, c_dim] in 0 ... 255, and what was done to it.

    Of an animation the first frame. Turned as its EXIF data say; transparent pixels show
    `background` (R, G, B); 16 bits become 8. An UnreadableError says why a file cannot be used.
    """
    with opened(path) as image, _LARGE_ONES if math.prod(image.size) > LARGE else nullcontext():
        done = list(_unlike(image, path, c_dim))  # before decoding, which forgets the 16 bits
        image.load()
        opaque = _without_alpha(_eight_bits(image), background, done)
        upright = _turned(_converted(opaque, "L" if c_dim == 1 else "RGB"), image, done)
        if _has_more_frames(image):
            done.append("first of several frames")
    if (scale := geometry.enlargement(upright)) > 1:
        if math.prod(upright.size) * scale**2 > MAX_PIXELS:
            raise UnreadableError("too narrow for the crop")  # 1 pixel wide and 60,000 high, say
        done.append("enlarged to cover the crop")
    pixels = np.asarray(fit(upright, geometry), np.uint8).reshape(*geometry.output, c_dim)
    return Loaded(pixels, tuple(done), (upright.height, upright.width))


def fit(image: Image.Image, geometry: Geometry) -> Image.Image:
    """Crop the centre, if asked (smaller images are enlarged to cover it), then resize.

    With Pillow's bilinear filter, which averages over all source pixels when it shrinks.
    """
    if crop := geometry.crop_of((image.height, image.width)):
        height, width = crop
        if (scale := geometry.enlargement(image)) > 1:
            size = max(width, round(image.width * scale)), max(height, round(image.height * scale))
            image = image.resize(size, Image.Resampling.BILINEAR)
        top, left = round((image.height - height) / 2), round((image.width - width) / 2)
        image = image.crop((left, top, left + width, top + height))
    height, width = geometry.output
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _reason(path: Path, error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        if isinstance(error, PermissionError):
            return "no permission"
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return "link to nowhere" if path.is_symlink() else "vanished since it was listed"
        return f"cannot be read: {error.strerror}"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image"
    if isinstance(error, MemoryError):
        return "asks for too much memory"
    return "damaged image"


def _unlike(image: Image.Image, path: Path, c_dim: int) -> Iterator[str]:
    """What has to be converted in a file before the networks can have it."""
    by_suffix, actual = SUFFIXES.get(path.suffix.lower()), image.format or ""
    if by_suffix and by_suffix not in (actual, SAME_SUFFIX.get(actual)):
        yield "suffix of another format"
    # With several channels, 16 bits show only in Pillow's name for how they are packed.
    packed = str(getattr(image, "tile", [])[:1])
    if _is_16_bits(image) or re.search(r";16[BLNS]", packed):
        yield "16 bits to 8"
    if getattr(image, "tag_v2", {}).get(ORIENTATION) in TURNS:
        yield "turned by EXIF"  # Pillow itself turns a TIFF as it decodes it
    if image.mode in ("P", "PA"):
        yield "from a palette"
    elif not is_grey(image) and not image.mode.startswith("RGB"):
        yield f"from {image.mode}"
    if is_grey(image) != (c_dim == 1):
        yield "colour to grey" if c_dim == 1 else "grey to colour"


def _turned(image: Image.Image, source: Image.Image, done: list[str]) -> Image.Image:
    """`image` turned as the EXIF data of `source` say."""
    try:
        turn = TURNS.get(source.getexif().get(ORIENTATION, 1))
    except PILLOW_RAISES:
        done.append("damaged EXIF data, not used")
        return image
    if turn is None:
        return image
    done.append("turned by EXIF")
    return image.transpose(turn)


def _has_more_frames(image: Image.Image) -> bool:
    """Asked last, as Pillow then moves on in a GIF."""
    try:
        return bool(getattr(image, "is_animated", False))
    except PILLOW_RAISES:
        return True  # there are more, but damaged


def _without_alpha(image: Image.Image, background: tuple[int, ...], done: list[str]) -> Image.Image:
    if not image.has_transparency_data:
        return image
    rgba = _converted(image, "RGBA")
    if rgba.getchannel("A").getextrema()[0] == 255:  # the lowest: all is opaque
        return image
    done.append(TRANSPARENT)
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (*background, 255)), rgba)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8, where Pillow's own conversion would clip at 255."""
    if image.mode not in ("I", "F") and not _is_16_bits(image):
        return image
    values, sixteen = np.asarray(image), _is_16_bits(image)
    low, high = values.min(), values.max()
    if not 0 <= low <= high <= 65535 or (not sixteen and 0 < high <= 1):
        raise UnreadableError("values of neither 8 nor 16 bits")  # floats of 0 to 1, say
    scaled = np.divide(values, 257, dtype=np.float32) if sixteen or high > 255 else values
    grey = Image.fromarray(scaled.round().astype(np.uint8))
    transparent = image.info.get("transparency")  # of a PNG: one value, in 16 bits too
    if transparent is None:
        return grey
    alpha = np.where(values == transparent, 0, 255).astype(np.uint8)
    return Image.merge("LA", (grey, Image.fromarray(alpha)))


def _is_16_bits(image: Image.Image) -> bool:
    """Whether a grey image has 16 bits, however small its values are."""
    # Pillow reads a .pgm of more than 8 bits as 32 and scales it to 16.
    return image.mode.startswith("I;16") or (image.format == "PPM" and image.mode == "I")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)
