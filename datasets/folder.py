"""A folder of images, decoded once into an array on disk, which later runs map into memory."""

import fnmatch
import glob
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datasets.arrays import TICK, array_name, delete_older, described, open_array, stamp, writable
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
from support.errors import RunError, UserError
from support.files import PICTURE_SUFFIXES, sweep_asides, visible_files, written_aside
from support.parallel import in_parallel
from support.progress import Progress
from support.text import counted, first_names, shown

NEIGHBOURS = 20  # names of other folders that are listed where one is missing
FETCHED = {"celebA", "lsun", "lsun_val"}  # the folders that download.py makes


class Found(NamedTuple):
    """What matches a pattern, in the order of the names; `folders` are names below the folder.

    others: how many pictures the pattern does not match, by suffix. elsewhere: pictures that it
    would match if it searched their folders, names below the folder. labels: the class of each
    file. listed_in: the CSV that chose the files, if one did. tags: the names of tags, where the
    labels are of tags: a letter for each, "1" or "0".
    """

    pattern: str
    files: list[Path]
    folders: list[str]
    others: Counter[str]
    elsewhere: tuple[str, ...] = ()
    labels: list[str] | None = None
    listed_in: Path | None = None
    tags: tuple[str, ...] = ()


def find_images(folder: Path, pattern: str) -> Found:
    """The files below `folder` that match `pattern`.

    Raises:
        UserError: no such folder, or nothing matches (the text says what is there instead); or a
            link leads back to a folder above it, or folders are nested too deep.
    """
    if not folder.is_dir():
        raise missing(folder)
    if os.path.isabs(pattern):
        raise UserError(f"--input_fname_pattern={pattern}: give it relative to {folder}")
    try:
        names = sorted(filter(None, _matches(folder, pattern)))
        others, elsewhere = _left_of(folder, pattern, names)
    except RecursionError as error:
        raise UserError(f"{folder}: its folders are nested too deep, about 1,000 times") from error
    folders = [name for name in names if os.path.isdir(folder / name)]
    files = [folder / name for name in sorted(set(names).difference(folders))]
    if not files:
        others.update(os.path.splitext(name)[1] for name in elsewhere)
        raise UserError(f"{folder}: no file matches {pattern}. {_what_is_there(folder, others)}")
    pictures = {s: count for s, count in others.items() if s.lower() in PICTURE_SUFFIXES}
    return Found(pattern, files, folders, Counter(pictures), tuple(sorted(elsewhere)))


def _left_of(folder: Path, pattern: str, names: Sequence[str]) -> tuple[Counter[str], list[str]]:
    """What a pattern does not find: how many files of each suffix, and pictures in sub-folders.

    These, names below `folder`, are those that it would find if it searched all folders.
    """
    matched, of_names = set(map(os.path.normpath, names)), os.path.basename(pattern)
    above = len(str(folder)) + 1
    others, elsewhere = Counter[str](), list[str]()
    for place, name in visible_files(folder):
        suffix, below = os.path.splitext(name)[1], os.path.join(place, name)[above:]
        if below in matched:
            continue
        if suffix.lower() in PICTURE_SUFFIXES and fnmatch.fnmatch(name, of_names):
            elsewhere.append(below)
        else:
            others[suffix] += 1
    return others, elsewhere


def missing(folder: Path, meant: str = "") -> UserError:
    """What to say where a data set's folder is not there; `meant`: the flags for a likely other."""
    above = next((path for path in folder.parents if path.is_dir()), folder.parent)
    there = sorted(path.name for path in above.glob("[!.]*") if path.is_dir())
    fetch = f"{how_to_fetch(folder)}. Or unpack" if folder.name in FETCHED else "Unpack"
    return UserError(
        f"there is no folder {folder}; {above} holds "
        f"{first_names(there, NEIGHBOURS) or 'no folder'}. "
        f"{f'Did you mean {meant}? ' if meant else ''}{fetch} the images there, or give another "
        "--dataset or --data_dir"
    )


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
    out, listed in a file beside the array, and counted and named in the lines that `say` gets.

    Raises:
        UserError: too many files cannot be read, as Report.refuse_bad has it.
        RunError: a file changes while it is decoded.
    """
    stamps = [stamp(path) for path in found.files]
    listed_in = found.listed_in and os.path.realpath(found.listed_in)
    settings = [geometry.crop, geometry.output, c_dim, background, found.pattern, listed_in]
    name = array_name(folder, found.files, stamps, settings)
    own = writable(arrays)
    sweep_asides(own)
    stored = open_array(arrays / name) or open_array(own / name)
    if not stored:
        array = own / name
        time.sleep(TICK)
        with quiet_pillow():
            form = geometry, c_dim or channels(found.files), background
            _scan(folder, found.files, stamps, form, array)
        say(f"wrote {array} ({array.stat().st_size / 2**20:.0f} MiB); delete it when not needed")
        if line := delete_older(array):
            say(line)
        stored = open_array(array)
    if not stored:
        raise RunError(f"{own / name} was deleted as soon as it was written: start again")
    pixels, description = stored
    report = Report.from_json(description["files"])
    skipped_list = (own / name).with_suffix(".skipped.txt")
    report.write_skipped(skipped_list)
    for line in report.lines(found.folders, skipped_list):
        say(line)
    if found.others:
        kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in found.others.most_common())
        say(f"other pictures, which {found.pattern} does not match: {kinds}")
    if found.elsewhere and (found.labels or "/" not in found.pattern):  # else it was meant so
        names = first_names(found.elsewhere)
        classes = "" if found.labels else ", or --labels, which makes a class of each sub-folder"
        say(
            f"left out {len(found.elsewhere):,} (in folders that {found.pattern} does not search): "
            f'{names}; to take them, --input_fname_pattern "**/{os.path.basename(found.pattern)}"'
            f"{classes}"
        )
    report.refuse_bad(folder, skipped_list, allow_bad)
    skipped = {name for name, _ in report.skipped}
    kept = [path.relative_to(folder).as_posix() not in skipped for path in found.files]
    return Images(pixels, None if found.labels is None else list(compress(found.labels, kept)))


def _scan(
    folder: Path,
    paths: Sequence[Path],
    stamps: Sequence[str],
    form: tuple[Geometry, int, tuple[int, ...]],
    array: Path,
) -> None:
    """Decode all files into `array`.

    Raises:
        RunError: a file does not have its stamp any more, so the array would not be what its name
            says.
    """
    report, (geometry, c_dim, _) = Report(), form

    def decoded(item: tuple[Path, str]) -> Loaded | str:
        path, before = item
        result: Loaded | str
        try:
            result = load_image(path, *form)
        except UnreadableError as reason:
            result = str(reason)
        if stamp(path) != before:
            raise RunError(
                f"{shown(str(path))} changed while {folder} was decoded: start "
                "again when nothing writes to it"
            )
        return result

    with (
        written_aside(array) as aside,
        aside.open("wb") as out,
        Progress("decoding", len(paths), "images") as progress,
    ):
        for (path, _), result in in_parallel(decoded, zip(paths, stamps, strict=True)):
            report.add(path.relative_to(folder).as_posix(), result)
            if not isinstance(result, str):
                out.write(result.pixels.tobytes())
            progress.update()
        shape = [report.used, *geometry.output, c_dim]
        out.write(described({"shape": shape, "files": vars(report)}))


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
    raise UserError(f"{paths[0].parent}: {counted(len(paths), 'file')}, and none is an image")


def _header(path: Path) -> tuple[str, bool] | None:
    """The header in words, and whether it is grey; None for a file that a scan will skip."""
    try:
        with opened(path) as image:
            text = f"{shown(path.name)} is {image.height}x{image.width} {image.mode}"
            return text, is_grey(image)
    except UnreadableError:
        return None


def _what_is_there(folder: Path, kinds: Counter[str]) -> str:
    """The kinds of files there are, and the pattern for the most frequent kind of picture."""
    if not kinds:
        return "The folder is empty"
    there = ", ".join(
        f"{n:,} {shown(suffix) or '(no suffix)'}" for suffix, n in kinds.most_common(5)
    )
    for suffix, _ in kinds.most_common():
        if suffix.lower() in PICTURE_SUFFIXES:
            deep = not any(path.suffix == suffix for path in folder.glob("[!.]*"))
            pattern = f"{'**/' if deep else ''}*{suffix}"
            below = ", in sub-folders" if deep else ""
            return f'There are {there}{below}; try --input_fname_pattern "{pattern}"'
    return f"There are {there}, no pictures"
