"""Arrays kept beside the decoded images, so that they are computed once."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from support.console import Say
from support.errors import one_line
from support.files import written_aside

DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)


def digest_of(*parts: np.ndarray | str) -> str:
    """16 hex digits for arrays, by their shapes, types and values, and for words."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode() + b"\0")
        else:
            digest.update(f"{part.dtype.str} {part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:16]


def read_arrays(path: Path, say: Say) -> dict[str, np.ndarray]:
    """The arrays in a file of write_arrays; {} where there is none, or with a line if damaged."""
    if not path.is_file():
        return {}
    try:
        with np.load(path) as file:  # which refuses objects: numbers and words only
            return {name: file[name] for name in file.files}
    except DAMAGED as error:
        say(f"{path} is damaged ({one_line(error)}): it is made again")
        return {}


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], say: Say) -> None:
    """Write them, and say where; where they cannot be written, say that they are not kept."""
    try:
        with written_aside(path) as aside, aside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        say(f"not kept for the next time: {one_line(error)}")
    else:
        say(f"wrote {path} ({path.stat().st_size / 2**20:.0f} MiB); delete it when not needed")
