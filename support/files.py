"""How a file comes to stand under its name: whole, or not at all."""

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from support.errors import RunError, UserError
from support.text import in_units


class NoRoomError(RunError):
    """The disk has no room: no other source would help."""


# The names written_aside gives, and those that TensorFlow makes of them for its own working files.
ASIDE = re.compile(r"\..*\.(\d+)(-[0-9a-f]+)?\.part([._].*)?", re.DOTALL)
# Processes of two containers often have the same number and may share a folder.
TOKEN = secrets.token_hex(4)
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
PAUSE = 10.0  # seconds that a process which writes may let a file rest


@contextmanager
def written_aside(path: Path, flush: bool = True) -> Iterator[Path]:
    """Yield a name beside `path` to write to; rename it to `path` if nothing was raised.

    The suffix stays, because image writers choose the format by it. Missing folders are made.
    Without `flush` a kill leaves no half of a file either, but a loss of power may: for the
    thousands of pictures that a command makes again, waiting for the disk is not worth it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}-{TOKEN}.part{path.suffix}")
    try:
        yield aside
        if flush:
            with aside.open("rb+") as written:
                os.fsync(written.fileno())  # the content must be on disk before the name is
        os.replace(aside, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is told without
        raise
    finally:
        aside.unlink(missing_ok=True)


def sweep_asides(folder: Path) -> None:
    """Delete what killed processes left half written in `folder`; a running process' is kept.

    Processes of another machine or container cannot be seen from here. They write without long
    pauses, so what was written to a moment ago is kept too.
    """
    if os.name != "posix" or not folder.is_dir():
        return  # Windows has no harmless way to ask for a process by its number
    for path in folder.iterdir():
        match = ASIDE.fullmatch(path.name)
        with suppress(OSError):  # another process may have been faster
            if (
                match
                and not _is_another_running(int(match[1]))
                and time.time() - path.stat().st_mtime > PAUSE
            ):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_another_running(pid: int) -> bool:
    if pid == os.getpid():
        return False  # of a process that had the same number, as they do in containers
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # another user's, or no number that a process can have
    return True


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write `content` as indented JSON, in one piece."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what write_json wrote; {} where there is no such file.

    Raises:
        UserError: the file is not a JSON object.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}): put back a copy") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object: put back a copy")
    return content


def write_npy(path: Path, dtype: str, shape: tuple[int, ...], blocks: Iterable[np.ndarray]) -> Path:
    """Write one array as NumPy's .npy, its rows a block at a time; returns the path.

    dtype is NumPy's with its byte order, "<f4" or "|u1".
    """
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    with written_aside(path) as aside, aside.open("wb") as out:
        np.lib.format.write_array_header_1_0(out, header)
        for block in blocks:
            out.write(block.astype(dtype).tobytes())
    return path


def check_room(folder: Path, needed: int) -> None:
    """Refuse work that would fill the disk.

    Raises:
        NoRoomError: fewer than `needed` bytes are free where `folder` is.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise NoRoomError(f"{folder} has {in_units(free)} free, {in_units(needed)} are needed")


def sha256_of(path: Path) -> str:
    """The file's sha256, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            digest.update(chunk)
    return digest.hexdigest()
