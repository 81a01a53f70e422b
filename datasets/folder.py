"""A folder of images, decoded once into an array on disk, which later runs map into memory."""

import glob
import hashlib
import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datasets.idx import how_to_fetch
from datasets.image_files import (
    Geometry,
    Loaded,
    UnreadableError,
    is_grey,
    load_image,
    opened,
    quiet_pillow,
)
from datasets.report import Report
from support.console import Say
from support.errors import UserError
from support.files import PICTURE_SUFFIXES, read_json, sweep_asides, write_json, written_aside
from support.parallel import in_parallel
from support.progress import Progress

FETCHED = {"celebA", "lsun", "lsun_val"}  # the folders that download.py makes
ARRAY_FORMAT = 2  # part of the key: raise it when the same files must give another array


class Found(NamedTuple):
    """What matches a pattern, in the order of the names; `folders` are names below the folder.

    others: how many pictures the pattern does not match, by suffix. labels: the class of each file.
    """

    pattern: str
    files: list[Path]
    folders: list[str]
    others: Counter[str]
    labels: list[str] | None = None


def find_images(folder: Path, pattern: str) -> Found:
    """The files below `folder` that match `pattern`.

    Raises:
        UserError: no such folder, or nothing matches (the text says what is there instead); or a
            link leads back to a folder above it.
    """
    if not folder.is_dir():
        above = folder.parent
        there = sorted(path.name for path in above.glob("[!.]*") if path.is_dir())
        fetch = f"{how_to_fetch(folder)}. Or: " if folder.name in FETCHED else ""
        raise UserError(
            f"there is no folder {folder}; {above} holds {', '.join(there) or 'no folder'}. {fetch}"
            "Unpack the images there, or give another --dataset or --data_dir"
        )
    if os.path.isabs(pattern):
        raise UserError(f"--input_fname_pattern={pattern}: give it relative to {folder}")
    names = sorted(filter(None, _matches(folder, pattern)))
    folders = [name for name in names if os.path.isdir(folder / name)]
    files = [folder / name for name in sorted(set(names).difference(folders))]
    if not files:
        raise UserError(f"{folder}: no file matches {pattern}. {_what_is_there(folder)}")
    others = _suffixes_in(folder) - Counter(path.suffix for path in files)
    pictures = {s: count for s, count in others.items() if s.lower() in PICTURE_SUFFIXES}
    return Found(pattern, files, folders, Counter(pictures))


def _suffixes_in(folder: Path) -> Counter[str]:
    """How many files below a folder have each suffix."""
    names = (name for _, _, files in os.walk(folder) for name in files if name[0] != ".")
    return Counter(os.path.splitext(name)[1] for name in names)


def _matches(folder: Path, pattern: str) -> Iterator[str]:
    """The names that glob finds; it would never end on a link to a folder above."""
    seen = set()
    for name in glob.iglob(pattern, root_dir=folder, recursive=True):
        parent = Path(name).parent
        if parent not in seen:
            seen.add(parent)
            chain = [os.path.realpath(folder / above) for above in (parent, *parent.parents)]
            if len(set(chain)) < len(chain):
                raise UserError(
                    f"{folder / parent} is a link to a folder above it, so {pattern} would "
                    "find the same files again: remove the link"
                )
        yield name


class Images(NamedTuple):
    """A folder's images, uint8 [N, H, W, c_dim], mapped from disk, and their classes, if any."""

    pixels: np.ndarray
    labels: list[str] | None


def load_folder(
    folder: Path,
    found: Found,
    geometry: Geometry,
    c_dim: int | None,
    arrays: Path,
    *,
    background: tuple[int, ...] = (255, 255, 255),
    allow_bad: bool = False,
    say: Say,
) -> Images:
    """All images that were found in a folder.

    With c_dim None the images decide: 3 if any has colour, else 1. Transparent pixels show
    `background` (R, G, B). The first call writes the array to the folder `arrays`; later calls take
    it from there as long as files and settings are the same. Files that cannot be read are left
    out, listed in a file beside the array, and counted and named in the lines that `say` gets; too
    many of them are a UserError, as Report.refuse_bad has it.
    """
    arrays = _writable(arrays)
    sweep_asides(arrays)
    settings = [ARRAY_FORMAT, geometry.crop, geometry.output, c_dim, background]
    array = arrays / f"{folder.name}-{_key(folder, found.files, settings)}.u8"
    skipped_list = array.with_suffix(".skipped.txt")
    description = read_json(array.with_suffix(".json"))
    if not _fits(array, description):
        with quiet_pillow():
            form = geometry, c_dim or channels(found.files), background
            description = _scan(folder, found.files, form, array)
        say(f"wrote {array} ({array.stat().st_size / 2**20:.0f} MiB); delete it when not needed")
    report = Report.from_json(description["files"])
    report.write_skipped(skipped_list)
    for line in report.lines(found.folders, skipped_list):
        say(line)
    if found.others:
        kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in found.others.most_common())
        say(f"other pictures, which {found.pattern} does not match: {kinds}")
    report.refuse_bad(folder, skipped_list, allow_bad)
    skipped = {name for name, _ in report.skipped}
    kept = [path.relative_to(folder).as_posix() not in skipped for path in found.files]
    pixels = np.memmap(array, np.uint8, "r", shape=tuple(description["shape"]))
    return Images(pixels, None if found.labels is None else list(compress(found.labels, kept)))


def _fits(array: Path, description: dict) -> bool:
    """Whether a JSON describes an array, and one of this size."""
    shape = description.get("shape")
    return (
        isinstance(shape, list)
        and isinstance(description.get("files"), dict)
        and all(isinstance(length, int) for length in shape)
        and array.is_file()
        and array.stat().st_size == math.prod(shape)
    )


def _scan(
    folder: Path, paths: Sequence[Path], form: tuple[Geometry, int, tuple[int, ...]], array: Path
) -> dict:
    """Decode all files into `array` -> its description, which is also written as a JSON."""
    report, (geometry, c_dim, _) = Report(), form

    def decoded(path: Path) -> Loaded | str:
        try:
            return load_image(path, *form)
        except UnreadableError as reason:
            return str(reason)

    with (
        written_aside(array) as aside,
        aside.open("wb") as out,
        Progress("decoding", len(paths), "images") as progress,
    ):
        for path, result in in_parallel(decoded, paths):
            if isinstance(result, str):
                report.skipped.append((path.relative_to(folder).as_posix(), result))
            else:
                out.write(result.pixels.tobytes())
                report.used += 1
                report.converted.update(result.done)
            progress.update()
    description = {"shape": [report.used, *geometry.output, c_dim], "files": vars(report)}
    write_json(array.with_suffix(".json"), description)
    return description


def channels(paths: Sequence[Path]) -> int:
    """3 if any image has colour, else 1; only the headers are read."""
    with quiet_pillow():
        headers = (header for _, header in in_parallel(_header, paths) if header)
        return 1 if all(grey for _, grey in headers) else 3


def first_header(paths: Sequence[Path]) -> str:
    """Name, height x width and mode of the first file that can be opened; a UserError if none."""
    with quiet_pillow():
        for text, _ in filter(None, map(_header, paths)):
            return text
    raise UserError(f"{paths[0].parent}: none of {len(paths):,} files is an image")


def _header(path: Path) -> tuple[str, bool] | None:
    """The header in words, and whether it is grey; None for a file that a scan will skip."""
    try:
        with opened(path) as image:
            text = f"{path.name} is {image.height}x{image.width} {image.mode}"
            return text, is_grey(image)
    except UnreadableError:
        return None


def _key(folder: Path, paths: Sequence[Path], settings: list) -> str:
    """A hash of the settings and of each file's name, size, time and whether it may be read."""
    digest = hashlib.sha256(json.dumps(settings).encode())
    for path in paths:
        try:
            status = path.stat()
            stamp = f"{status.st_size} {status.st_mtime_ns} {os.access(path, os.R_OK)}"
        except OSError:
            stamp = "none"  # a dangling link, say
        digest.update(os.fsencode(f"\n{path.relative_to(folder)}\0{stamp}"))
    return digest.hexdigest()[:16]


def _writable(arrays: Path) -> Path:
    """`arrays`, or a temporary folder if that cannot be written."""
    with suppress(OSError):
        arrays.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=arrays):
            return arrays
    # One that nobody else can write to, as the arrays in it are trusted.
    user = os.getuid() if hasattr(os, "getuid") else 0  # Windows has a temporary folder a user
    folder = Path(tempfile.gettempdir()) / f"dcgan-arrays-{user}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if hasattr(os, "getuid") and (status.st_uid != user or status.st_mode & 0o022):
        raise UserError(f"others can write to {folder}: delete it, or set TMPDIR to one of yours")
    return folder


def _what_is_there(folder: Path) -> str:
    """The kinds of files there are, and the pattern for the most frequent kind of picture."""
    kinds = _suffixes_in(folder)
    if not kinds:
        return "The folder is empty"
    there = ", ".join(f"{n:,} {suffix or '(no suffix)'}" for suffix, n in kinds.most_common(5))
    for suffix, _ in kinds.most_common():
        if suffix.lower() in PICTURE_SUFFIXES:
            deep = not any(path.suffix == suffix for path in folder.iterdir())
            pattern = f"{'**/' if deep else ''}*{suffix}"
            return f'There are {there}; try --input_fname_pattern "{pattern}"'
    return f"There are {there}, no pictures"
