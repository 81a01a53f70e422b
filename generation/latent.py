"""Latent vectors: from seeds and from files, truncated, interpolated, kept where z is drawn."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from runs.settings import LARGEST_SEED
from support.errors import UserError
from support.npy import read_npy
from support.streams import FARTHEST_Z, draw_z, random_stream
from support.text import shortened

MOST_NUMBERS = 10_000_000
LEAST_UNIFORM = {"uniform_signed": -1, "uniform_unsigned": 0}  # where they begin; both end at 1
ROWS_AT_ONCE = 4096
NEARLY_PARALLEL = 1e-4  # radians; below, slerp would divide by almost 0


def numbers_of(text: str, flag: str) -> list[int]:
    """The numbers in a list of ranges, "0-99,300", in the order given.

    Raises:
        UserError: it is not such a list, or too long; names the flag.
    """
    numbers: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,20})(?:-(\d{1,20}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= LARGEST_SEED:
            raise UserError(
                f"{flag} {shortened(text)}: give numbers and ranges from small to large: 0-99,300"
            )
        if len(numbers) + last - first >= MOST_NUMBERS:
            raise UserError(f"{flag} {shortened(text)}: more than {MOST_NUMBERS:,} at once")
        numbers += range(first, last + 1)
    return numbers


def seeds_from(first: int, count: int) -> range:
    """`count` seeds, the first of them given by --seed.

    Raises:
        UserError: they go beyond the last that there is.
    """
    if first + count - 1 > LARGEST_SEED:
        fault = f"{count:,} seeds from there go beyond the last, {LARGEST_SEED}"
        raise UserError(f"--seed {first}: {fault}")
    return range(first, first + count)


def z_of_seeds(
    seeds: Sequence[int], z_dist: str, z_dim: int, truncation: float | None = None
) -> np.ndarray:
    """The z of each seed, float32 [N, z_dim], which does not depend on the other seeds.

    `truncation` t gives less variety and more typical pictures. Of normal z, coordinates beyond
    -t ... t are drawn again (the truncation trick, Brock et al. 2019, section 3.1). Uniform z are
    scaled by t about their centre.

    Raises:
        UserError: `truncation` would stretch uniform z beyond what G was trained with.
    """
    if truncation and truncation > 1 and z_dist in LEAST_UNIFORM:
        raise UserError(
            f"--truncation {truncation:g} scales uniform z ({z_dist}), and beyond 1 G has learnt "
            "nothing. Give 1 or less"
        )
    z = np.empty((len(seeds), z_dim), np.float32)
    for row, seed in zip(z, seeds, strict=True):
        stream = random_stream(seed, "generate")
        row[:] = draw_z(stream, z_dist, 1, z_dim)[0]
        if truncation and z_dist == "normal01":
            while (beyond := np.abs(row) > truncation).any():
                row[beyond] = draw_z(stream, z_dist, 1, int(beyond.sum()))[0]
    if truncation and z_dist != "normal01":
        centre = np.float32(0.5 if z_dist == "uniform_unsigned" else 0)
        z = centre + np.float32(truncation) * (z - centre)
    return z


def labels_of_seeds(seeds: Sequence[int], y_dim: int) -> np.ndarray:
    """The label of each seed where none is given, drawn from the seed: int [N]."""
    drawn = (random_stream(seed, "generate label").integers(y_dim) for seed in seeds)
    return np.fromiter(drawn, int)


def read_z(path: Path, z_dim: int) -> np.ndarray:
    """The z in a .npy file, floats [N, z_dim], mapped from disk.

    Raises:
        UserError: the file is missing or holds something else, or numbers that are no z.
    """
    z = read_npy(path, lambda dtype, shape: _is_z(dtype, shape, z_dim), f"floats Nx{z_dim}", "--z ")
    for start in range(0, len(z), ROWS_AT_ONCE):
        with np.errstate(over="ignore", invalid="ignore"):  # too large for float32, or NaN
            rows = z[start : start + ROWS_AT_ONCE].astype(np.float32)
            near = (np.abs(rows) <= FARTHEST_Z).all(1)
        if not near.all():
            row = start + int(near.argmin())
            raise UserError(f"--z {path}: row {row} has NaN, or a number beyond {FARTHEST_Z:,.0f}")
    return z


def refuse_no_z(path: Path) -> None:
    """Refuse what is no file of z, of whatever length: as read_z does, without a run.

    Raises:
        UserError: the file is missing or holds something else.
    """
    read_npy(path, _is_z, "floats [N, z_dim]", "--z ")


def _is_z(dtype: np.dtype, shape: tuple[int, ...], z_dim: int | None = None) -> bool:
    return len(shape) == 2 and z_dim in (None, shape[1]) and shape[0] > 0 and dtype.kind == "f"


def within(z: np.ndarray, z_dist: str) -> np.ndarray:
    """Z [N, z_dim] moved to the nearest point that `z_dist` draws from.

    Uniform z fill a cube. Normal z lie about sqrt(z_dim) from 0, and all but one in 400 less than
    2 beyond that.
    """
    if z_dist in LEAST_UNIFORM:
        return np.clip(z, LEAST_UNIFORM[z_dist], 1)
    farthest = math.sqrt(z.shape[1]) + 2
    lengths = np.linalg.norm(z, axis=1, keepdims=True)
    return z * (farthest / np.maximum(lengths, farthest))


def lerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The point at t in 0 ... 1 of the straight line from a to b."""
    return (1 - t) * a + t * b


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The point at t in 0 ... 1 of the arc about 0 from a to b (Shoemake 1985).

    Where a and b are parallel no arc is defined, and the line is used.
    """
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    angle = math.acos(np.clip(np.dot(a, b) / lengths, -1, 1)) if lengths else 0.0
    if math.sin(angle) < NEARLY_PARALLEL:
        return lerp(a, b, t)
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


METHODS = {"lerp": lerp, "slerp": slerp}


def suiting(z_dist: str) -> str:
    """The method that stays where z is drawn: in the cube, or as far from 0 as normal z are."""
    return "slerp" if z_dist == "normal01" else "lerp"


def along(points: np.ndarray, frames: int, loop: bool, method: str) -> np.ndarray:
    """`frames` points [frames, D] on the way through `points` [N, D], equally many on each leg.

    With `loop` the way leads back to the first point, which is not repeated: the frame after the
    last is the first.
    """
    legs = len(points) - (0 if loop else 1)
    way = []
    for position in np.linspace(0, legs, frames, endpoint=not loop):
        leg = min(int(position), legs - 1)
        following = points[(leg + 1) % len(points)]
        way.append(METHODS[method](points[leg], following, float(position - leg)))
    return np.array(way, np.float32)
