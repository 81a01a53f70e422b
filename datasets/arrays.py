"""The arrays that folders are decoded into: which one belongs to which files, and the older ones.

An array is one file: the pixels, then what is known of them as JSON, then the length of that JSON.
So pixels and description are never those of two different scans.
"""

import glob
import hashlib
import json
import math
import os
import stat
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from datasets.image_files import MAX_BYTES
from support.errors import UserError
from support.files import open_regular
from support.text import name_in_file

ARRAY_FORMAT = 3  # part of the name: raise it when the same files must give another array
COARSE_NS = 10_000_000  # the finest step of times on FAT; sshfs and read-only images have seconds
# After this many seconds a change of a file gives it another ctime. Linux counts in steps of 1 to
# 10 ms, other systems in finer ones.
TICK = 0.05
LENGTH_BYTES = 8


def stamp(path: Path) -> str:
    """What becomes another when the content of a file does; "none" if there is no such file.

    The system sets the ctime to now at every change and lets nobody set it back, as the mtime can
    be. With the inode it also tells apart two files that were written at the same moment. Where it
    is no such time the content is read instead: on Windows it is when the file was created, and
    where it has no fine steps (FAT, sshfs, read-only images of a disk) it may be a copy of the
    mtime. Inodes may be new at every start there.
    """
    try:
        status = path.stat()  # of what a link leads to
        known = f"{status.st_size} {status.st_mtime_ns} {os.access(path, os.R_OK)}"
        if os.name == "posix" and status.st_ctime_ns % COARSE_NS:
            return f"{known} {status.st_ino} {status.st_ctime_ns}"
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return known  # it will be skipped
    except OSError:
        return "none"  # a dangling link, say
    try:
        return f"{known} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    except OSError:
        return known  # it will be skipped


def array_name(folder: Path, files: Sequence[Path], stamps: Iterable[str], settings: list) -> str:
    """NAME-SETTINGS-FILES.u8: the folder's name, a hash of where it is and of the settings, and one
    of the names and stamps of its files."""
    place = json.dumps([ARRAY_FORMAT, os.path.realpath(folder), *settings])
    digest = hashlib.sha256()
    for path, of_file in zip(files, stamps, strict=True):
        digest.update(os.fsencode(f"\n{path.relative_to(folder)}\0{of_file}"))
    hashes = hashlib.sha256(place.encode()).hexdigest()[:16], digest.hexdigest()[:16]
    return "-".join((name_in_file(folder.name), *hashes)) + ".u8"


def described(description: dict[str, Any]) -> bytes:
    """What follows the pixels in an array's file; `description` has their "shape"."""
    text = json.dumps(description).encode()
    return text + len(text).to_bytes(LENGTH_BYTES, "little")


def open_array(path: Path) -> tuple[np.ndarray, dict[str, Any]] | None:
    """An array, mapped from disk, and its description; None if it is not there, or not whole."""
    try:
        with open_regular(path) as file:
            end = file.seek(-LENGTH_BYTES, os.SEEK_END)
            length = int.from_bytes(file.read(), "little")
            pixels = file.seek(end - length)
            description = json.loads(file.read(length))
            shape = tuple(description["shape"])
            if math.prod(shape) != pixels:
                return None
            if not pixels:  # nothing can be mapped
                return np.empty(shape, np.uint8), description
            return np.memmap(file, np.uint8, "r", shape=shape), description
    except (OSError, ValueError, LookupError, TypeError):
        return None


def delete_older(array: Path) -> str:
    """Delete other arrays of the same folder and settings -> a line that says so, or "".

    A training that has one of them mapped keeps it; Windows does not let it be deleted then.
    """
    deleted = size = 0
    settings = array.stem.rpartition("-")[0]
    for path in array.parent.glob(f"{glob.escape(settings)}-*"):
        if path.stem.removesuffix(".skipped") == array.stem:
            continue
        with suppress(OSError):
            bytes_in_it = path.stat().st_size
            path.unlink()
            deleted, size = deleted + (path.suffix == ".u8"), size + bytes_in_it
    what = "array" if deleted == 1 else "arrays"
    freed = f"{size / 2**20:.0f} MiB"
    return f"deleted {deleted:,} older {what} of the same folder ({freed})" if deleted else ""


def writable(arrays: Path) -> Path:
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
