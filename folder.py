"""A folder of images, decoded once into one array on disk that later runs map into memory."""

import functools
import glob
import hashlib
import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from errors import UserError
from files import read_json, write_json, written_aside
from images import UNREADABLE, Geometry, is_grey, load_image
from progress import Progress

T = TypeVar("T")
ARRAY_FORMAT = 1  # part of the key: raise it when the same files must give another array
BLOCK = 512  # files decoded between two writes; bounds the memory
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}


def find_images(folder: Path, pattern: str) -> list[Path]:
    """The files of `folder` that match `pattern`, in the order of their names.

    Raises:
        UserError: no such folder, or nothing matches; says what is there instead.
    """
    if not folder.is_dir():
        above = folder.parent
        there = sorted(p.name for p in above.iterdir() if p.is_dir()) if above.is_dir() else []
        named = [name for name in there if not name.startswith(".")]
        raise UserError(
            f"there is no folder {folder}; {above} holds {', '.join(named) or 'no folder'}. "
            "Unpack the images there, or give another --dataset or --data_dir"
        )
    if os.path.isabs(pattern):
        raise UserError(f"--input_fname_pattern={pattern}: it is looked for below {folder}")
    names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    paths = [folder / name for name in names if not (folder / name).is_dir()]
    if not paths:
        raise UserError(f"{folder}: no file matches {pattern}. {_what_is_there(folder)}")
    return paths


def load_folder(
    folder: Path, pattern: str, geometry: Geometry, c_dim: int | None, arrays: Path
) -> np.ndarray:
    """All images of a folder: uint8 [N, H, W, c_dim], mapped from disk.

    c_dim None takes it from the images: 3 if any has colour, else 1. The array is made below
    `arrays` on the first call and found again while files and settings are the same. Files that
    cannot be read are left out, counted and named.

    Raises:
        UserError: as find_images, or no file can be read as an image.
    """
    paths = find_images(folder, pattern)
    key = _key(folder, paths, geometry, c_dim)
    array = _writable(arrays) / f"{folder.name}-{key}.u8"
    description = read_json(array.with_suffix(".json"))
    if not (description and array.is_file() and _fits(array, description)):
        description = _scan(folder, paths, geometry, c_dim, array)
    print("\n".join(_report(len(paths), description["skipped"])))
    return np.memmap(array, np.uint8, "r", shape=tuple(description["shape"]))


def _fits(array: Path, description: dict) -> bool:
    return array.stat().st_size == math.prod(description["shape"])


def _scan(
    folder: Path, paths: Sequence[Path], geometry: Geometry, c_dim: int | None, array: Path
) -> dict:
    """Decode all files into `array`, and describe it in a JSON beside it."""
    used, skipped = 0, []
    c_dim = c_dim or channels(paths)
    decode = functools.partial(_decoded, geometry=geometry, c_dim=c_dim)
    with (
        written_aside(array) as aside,
        aside.open("wb") as out,
        Progress("decoding", len(paths), "images") as progress,
    ):
        for path, result in _in_parallel(decode, paths):
            if isinstance(result, str):
                skipped.append((path.relative_to(folder).as_posix(), result))
            else:
                out.write(result.tobytes())
                used += 1
            progress.update()
        if not used:
            raise UserError(f"{folder}: {'; '.join(_report(len(paths), skipped))}")
    description = {"shape": [used, *geometry.output, c_dim], "skipped": skipped}
    write_json(array.with_suffix(".json"), description)
    print(f"wrote {array} ({array.stat().st_size / 2**20:.0f} MiB); delete it when not needed")
    return description


def _report(found: int, skipped: Sequence[tuple[str, str]]) -> Iterator[str]:
    """One line on the whole, then one for each reason to skip, with the first names."""
    yield f"{found:,} files found, {found - len(skipped):,} used"
    for reason, count in Counter(reason for _, reason in skipped).most_common():
        names = [name for name, why in skipped if why == reason]
        more = ", ..." if count > 3 else ""
        yield f"skipped {count:,} ({reason}): {', '.join(names[:3])}{more}"


def _decoded(path: Path, geometry: Geometry, c_dim: int) -> np.ndarray | str:
    """The image, or why there is none."""
    try:
        return load_image(path, geometry, c_dim)
    except UNREADABLE as error:
        return _reason(path, error)


def _reason(path: Path, error: BaseException) -> str:
    """A reason that is the same for files with the same fault."""
    if not path.exists():
        return "link to nowhere"
    if path.stat().st_size == 0:
        return "empty file"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not an image"
    return "damaged image"


def _in_parallel(function: Callable[[Path], T], paths: Sequence[Path]) -> Iterator[tuple[Path, T]]:
    """(path, function(path)) in order, from a thread for each core; memory is bounded."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), BLOCK):
            block = paths[start : start + BLOCK]
            yield from zip(block, pool.map(function, block), strict=True)


def channels(paths: Sequence[Path]) -> int:
    """What the images' headers ask for: 3 if any has colour, else 1."""
    return 1 if all(grey for _, grey in _in_parallel(_opens_grey, paths)) else 3


def first_header(paths: Sequence[Path]) -> str:
    """Name, height x width and mode of the first file that can be opened.

    Raises:
        UserError: none can.
    """
    for path in paths:
        try:
            with Image.open(path) as image:
                return f"{path.name} is {image.height}x{image.width} {image.mode}"
        except UNREADABLE:
            continue  # the scan counts and names what it skips
    raise UserError(f"{paths[0].parent}: none of {len(paths):,} files is an image")


def _opens_grey(path: Path) -> bool:
    """Whether a file's header tells of grey; true too for files that the scan will skip."""
    try:
        with Image.open(path) as image:
            return is_grey(image)
    except UNREADABLE:
        return True


def _key(folder: Path, paths: Sequence[Path], geometry: Geometry, c_dim: int | None) -> str:
    """Changes when a file (name, size, time) or a setting changes."""
    digest = hashlib.sha256(json.dumps([ARRAY_FORMAT, geometry.crop, geometry.output]).encode())
    digest.update(f"{c_dim}".encode())
    for path in paths:
        status = path.stat() if path.exists() else None
        stamp = (status.st_size, status.st_mtime_ns) if status else None
        digest.update(f"\n{path.relative_to(folder)}\0{stamp}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _writable(arrays: Path) -> Path:
    """`arrays`, or a folder in the system's temporary one where that cannot be written."""
    try:
        arrays.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=arrays):
            return arrays
    except OSError:
        return Path(tempfile.gettempdir()) / "dcgan-arrays"


def _what_is_there(folder: Path) -> str:
    """The kinds of files there are, and the pattern for the most frequent kind of picture."""
    inside = [path for path in folder.rglob("*") if path.is_file()]
    kinds = Counter(path.suffix for path in inside)
    if not kinds:
        return "The folder is empty"
    there = ", ".join(
        f"{count:,} {suffix or '(no suffix)'}" for suffix, count in kinds.most_common(5)
    )
    for suffix, _ in kinds.most_common():
        if suffix.lower() in PICTURE_SUFFIXES:
            deep = not any(path.suffix == suffix for path in folder.iterdir())
            pattern = f"{'**/' if deep else ''}*{suffix}"
            return f'There are {there}; try --input_fname_pattern "{pattern}"'
    return f"There are {there}, no pictures"
