"""Arrays and pictures: value ranges, grids, animations; and visualize, the OPTIONs 0 to 4."""

import math
import time
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from support.errors import RunError
from support.files import written_aside
from support.streams import random_stream
from support.text import name_in_file, printable

if TYPE_CHECKING:
    from model import DCGAN

OPTIONS = range(5)
SWEEP_SECONDS = 2.0
MERGED_SECONDS = 8.0
FRAMES_A_SECOND = 50  # viewers slow down what is faster
NAME_HEIGHT = 12  # pixels
CHANNELS = (1, 3)  # of a picture: grey, or red, green and blue
NAME_SIZE = 10
NAME_GAP = 4  # pixels to the next name
SHEET_SIDE = 96  # pixels that save_sheet gives a tile at least
ENCODINGS: dict[str, dict[str, Any]] = {".jpg": {"quality": 95}, ".webp": {"lossless": True}}
# The sampler always makes so many pictures in one pass: kernels may sum in another order for a
# batch of another size, and a z must give the same picture whatever else is in the batch.
SAMPLED_AT_ONCE = 64


def to_range(pixels: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    """uint8 0 ... 255 -> float32 over `value_range`, as the networks see images.

    [0, 1] is x/255 and [-1, 1] is x/127.5 - 1, each rounded as the original rounds it.

    Raises:
        ValueError: they are not uint8; floats have a range already.
    """
    _refuse_other_type(pixels)
    low, high = value_range
    return pixels.astype(np.float32) / np.float32(255 / (high - low)) + np.float32(low)


def to_pixels(images: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    """Floats over `value_range` -> uint8: the low end is 0 (black), the high end 255 (white).

    Every picture that is shown or written passes here.

    Raises:
        RunError: a value is NaN or infinite: there is no picture of it.
        ValueError: they are uint8 already, or other integers.
    """
    images = np.asarray(images)
    if images.dtype.kind in "iub":
        raise ValueError(f"images are {images.dtype}, not floats in a value range")
    if not np.isfinite(images).all():
        raise RunError("there is no picture of values that are NaN or infinite, as G made here")
    low, high = value_range
    scaled = (images.astype(np.float32) - low) * (255 / (high - low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def one_hot(labels: np.ndarray, y_dim: int) -> np.ndarray:
    """Class numbers [N], 0 ... y_dim - 1 -> float32 [N, y_dim].

    Raises:
        IndexError: a number is none of a class.
    """
    if np.min(labels, initial=0) < 0:  # which NumPy would count from the end
        raise IndexError(f"there is no class {np.min(labels)}: they are 0 to {y_dim - 1}")
    return np.eye(y_dim, dtype=np.float32)[labels]


def grid_size(count: int) -> tuple[int, int]:
    """Rows and columns for any number of tiles: nearly a square, and large enough for all."""
    columns = math.ceil(math.sqrt(count))
    return math.ceil(count / columns), columns


def grid(pixels: np.ndarray, size: tuple[int, int] | None = None) -> np.ndarray:
    """Tiles uint8 [N, H, W, C] -> one picture [rows H, columns W, C]; missing tiles are black.

    Raises:
        ValueError: they are not uint8.
    """
    _refuse_other_type(pixels)
    count, height, width, channels = pixels.shape
    rows, columns = size or grid_size(count)
    tiles = np.zeros((rows * columns, height, width, channels), np.uint8)
    tiles[:count] = pixels
    table = tiles.reshape(rows, columns, height, width, channels)
    return table.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def save_grid(
    pixels: np.ndarray,
    path: Path,
    size: tuple[int, int] | None = None,
    classes: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Path:
    """Write tiles uint8 [N, H, W, C] as one picture of `size` (rows, columns); returns the path.

    names: what to write above the columns. classes: the names of classes that the tiles take turns
    through; without a `size`, if there is a tile for each, every class gets its own columns.
    """
    if size is None and 0 < len(classes) <= len(pixels):
        columns = len(classes) * math.ceil(grid_size(len(pixels))[1] / len(classes))
        size = (math.ceil(len(pixels) / columns), columns)
        names = [classes[column % len(classes)] for column in range(columns)]
    picture = grid(pixels, size)
    if names:
        picture = np.concatenate([_names_line(names, *pixels.shape[2:]), picture])
    return save_picture(picture, path)


def save_picture(picture: np.ndarray, path: Path, flush: bool = True) -> Path:
    """Write a picture uint8 [H, W, C] as .png, .jpg or (lossless) .webp; returns the path."""
    with written_aside(path, flush) as aside:
        image_of(picture).save(aside, **ENCODINGS.get(path.suffix, {}))
    return path


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many items, evenly spread, the first and the last among them."""
    count, last = min(most, len(items)), len(items) - 1
    return [items[round(k * last / max(count - 1, 1))] for k in range(count)]


def _refuse_other_type(pixels: np.ndarray) -> None:
    if pixels.dtype != np.uint8:
        raise ValueError(f"pixels are {pixels.dtype}, not uint8: to_pixels makes them of images")


def image_of(picture: np.ndarray) -> Image.Image:
    """A picture uint8 [H, W, 1 or 3] as Pillow has it.

    Raises:
        ValueError: it is something else.
    """
    _refuse_other_type(picture)
    if picture.ndim != 3 or picture.shape[2] not in CHANNELS:
        raise ValueError(f"a picture is [H, W, 1 or 3], not {list(picture.shape)}")
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def save_sheet(
    pixels: np.ndarray, captions: Sequence[str], path: Path, size: tuple[int, int]
) -> Path:
    """Write tiles uint8 [N, H, W, C] to look at, in `size` (rows, columns); returns the path.

    Small tiles are enlarged, by a whole number, and each has its caption above it ("" for none).
    """
    factor = max(1, math.ceil(SHEET_SIDE / pixels.shape[2]))
    large = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    lines = np.stack([_names_line([caption], *large.shape[2:]) for caption in captions])
    return save_grid(np.concatenate([lines, large], axis=1), path, size)


def _names_line(names: Sequence[str], width: int, channels: int) -> np.ndarray:
    """Names in white on black, each above a column of `width`: uint8 [NAME_HEIGHT, W, C]."""
    cells, font = [], ImageFont.load_default(NAME_SIZE)
    for name in map(printable, names):
        shorter = (f"{name[:letters]}.." for letters in range(len(name), 0, -1))
        fitting = (t for t in chain([name], shorter) if font.getlength(t) <= width - NAME_GAP)
        cell = Image.new("L", (width, NAME_HEIGHT))
        ImageDraw.Draw(cell).text((1, 0), next(fitting, ""), fill=255, font=font)
        cells.append(np.asarray(cell))
    return np.repeat(np.concatenate(cells, axis=1)[..., np.newaxis], channels, axis=2)


def save_animation(frames: Sequence[np.ndarray] | np.ndarray, path: Path, seconds: float) -> Path:
    """Write frames uint8 [H, W, C] as an endless GIF that takes `seconds`.

    More than FRAMES_A_SECOND are thinned out. GIF counts in hundredths of a second, so frames may
    differ by one; the total is exact. A frame equal to the one before only prolongs that one.
    """
    count = min(len(frames), int(seconds * FRAMES_A_SECOND))
    first, *others = [_in_palette(frames[i * len(frames) // count]) for i in range(count)]
    ends = [round(100 * seconds * (i + 1) / count) for i in range(count)]
    durations = [10 * (end - start) for start, end in pairwise([0, *ends])]
    with written_aside(path) as aside:
        # Pillow takes a list of durations only for more than one frame.
        duration = durations if others else durations[0]
        first.save(aside, "GIF", save_all=True, append_images=others, duration=duration, loop=0)
    return path


def _in_palette(frame: np.ndarray) -> Image.Image:
    """A frame in the 256 colours of a GIF; if it has no more than that, they are kept exactly.

    Pillow's own choice of colours takes 20 times as long.
    """
    image = image_of(frame)
    if image.mode == "L":
        return image
    exact = image.getcolors(256) is not None
    method = Image.Quantize.MEDIANCUT if exact else Image.Quantize.FASTOCTREE
    return image.quantize(method=method, dither=Image.Dither.NONE)


def sample_pixels(dcgan: "DCGAN", z: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """Pictures of any number of z: uint8 [N, H, W, C]; each depends on its own z alone.

    labels: class numbers [N], or floats [N, y_dim] to mix classes; None for networks without.

    Raises:
        RunError: z or the pictures are not finite.
        ValueError: as DCGAN.sampler.
    """
    if not np.isfinite(z).all():
        raise RunError("there is no picture of z that are NaN or infinite")
    y = labels
    if labels is not None and labels.ndim == 1 and dcgan.y_dim:
        y = one_hot(labels, dcgan.y_dim)
    parts = []
    for start in range(0, len(z), SAMPLED_AT_ONCE):
        rows = np.arange(start, start + SAMPLED_AT_ONCE) % len(z)  # the last pass is filled up
        images = dcgan.sampler(z[rows], None if y is None else y[rows]).numpy()
        parts.append(to_pixels(images[: len(z) - start], dcgan.value_range))
    return np.concatenate(parts)


def visualize(
    dcgan: "DCGAN",
    option: int,
    folder: Path,
    count: int,
    seed: int,
    written: Callable[[Path], object],
    classes: Sequence[str] = (),
) -> None:
    """The original's utils.visualize: pictures of what a trained generator makes.

    Args:
        dcgan: whose sampler makes them. With labels, tile k of OPTION 0 and 1 has label k mod
            y_dim, and so has animation k of 2 to 4.
        option: 0 random images; 1 a grid for each coordinate of z, swept over random z;
            2 an animation and a grid for each coordinate, each swept over one small z;
            3 the same over z = 0, animations only; 4 as 3, and all sweeps in one animation.
        folder: where the pictures go.
        count: images in a grid and frames in a sweep (the merged one runs forwards and back).
        seed: decides every z.
        written: called with each path once the file is there.
        classes: names of your own classes, by number: written above the columns of OPTION 0 and 1,
            part of the file names of 2 to 4.

    Raises:
        ValueError: there is no such option, no `count`, or another number of `classes`.
    """
    if option not in OPTIONS or count < 1:
        raise ValueError(f"option {option}, count {count}: options are 0 to 4, and count 1 or more")
    if classes and len(classes) != dcgan.y_dim:
        raise ValueError(f"{len(classes)} classes, and the networks have {dcgan.y_dim or 0}")

    def random_z(purpose: str, index: int, most: float, rows: int) -> np.ndarray:
        stream = random_stream(seed, purpose, index)
        return stream.uniform(-most, most, (rows, dcgan.z_dim)).astype(np.float32)

    def save_tiles(z: np.ndarray, name: str) -> None:
        labels = None if dcgan.y_dim is None else np.arange(count) % dcgan.y_dim
        written(save_grid(sample_pixels(dcgan, z, labels), folder / name, classes=classes))

    def save_sweep(z: np.ndarray, idx: int) -> tuple[np.ndarray, Path]:
        labels = None if dcgan.y_dim is None else np.full(count, idx % dcgan.y_dim)
        frames = sample_pixels(dcgan, _swept(np.repeat(z, count, axis=0), idx), labels)
        of_class = f"_{name_in_file(classes[idx % len(classes)])}" if classes else ""
        path = save_animation(frames, folder / f"test_gif_{idx}{of_class}.gif", SWEEP_SECONDS)
        written(path)
        return frames, path

    if option == 0:
        name = f"test_{time.strftime('%Y%m%d%H%M%S')}.png"
        save_tiles(random_z("option 0", 0, 0.5, count), name)
    elif option == 1:
        for idx in range(dcgan.z_dim):
            z = random_z("option 1", idx, 1, count)
            save_tiles(_swept(z, idx), f"test_arange_{idx}.png")
    elif option == 2:
        for idx in random_stream(seed, "option 2").permutation(dcgan.z_dim).tolist():
            frames, path = save_sweep(random_z("option 2 z", idx, 0.2, 1), idx)
            written(save_grid(frames, path.with_suffix(".png")))
    else:
        sweeps = []
        for idx in range(dcgan.z_dim):
            frames, _ = save_sweep(np.zeros((1, dcgan.z_dim)), idx)
            if option == 4:
                sweeps.append(frames)
        if option == 4:
            forward = [grid(np.stack(tiles)) for tiles in zip(*sweeps, strict=True)]
            path = folder / "test_gif_merged.gif"
            written(save_animation(forward + forward[::-1], path, MERGED_SECONDS))


def _swept(z: np.ndarray, idx: int) -> np.ndarray:
    """Z [N, z_dim] as float32, with coordinate idx of row k set to k/N."""
    swept = z.astype(np.float32)
    swept[:, idx] = np.arange(len(z)) / len(z)
    return swept
