"""Writing files so that each is complete under its name or not there at all, and reading them."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from support.errors import NoRoomError, UserError
from support.text import in_units

# The names that written_aside gives, and what TensorFlow adds to them for its working files.
ASIDE = re.compile(r"\..*\.(\d+)(-[0-9a-f]+)?\.part([._].*)?", re.DOTALL)
# Processes in two containers often have the same number and may share a folder.
TOKEN = secrets.token_hex(4)
DATA_DIR, PATTERN = Path("data"), "*.jpg"  # where data sets are, and which of their files count
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
PAUSE = 10.0  # seconds without a write after which a file counts as abandoned


@contextmanager
def written_aside(path: Path, flush: bool = True) -> Iterator[Path]:
    """Yield a temporary name next to `path` to write to; rename it to `path` if nothing is raised.

    The suffix stays, because image writers choose the format by it. Missing folders are made.
    Without `flush`, which takes time, a power cut (but no killed process) may leave half a file.
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
        if error.filename is None or Path(error.filename) == aside:  # a full disk's has none
            error.filename = str(path)
        raise
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Yield a new hidden folder next to `folder`, of this process alone.

    It is deleted at the end, unless it was given the final name.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}-{TOKEN}.part")
    aside.mkdir()
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def file_in_the_way(folder: Path) -> Path | None:
    """What is no folder where `folder` is to be made: itself, or one above; None if it may be."""
    return next((p for p in (folder, *folder.parents) if p.exists() and not p.is_dir()), None)


def refuse_to_replace(path: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse to write a file where something stands that must stay.

    Raises:
        UserError: a link, a pipe, a device or a folder is there, or one of the `inputs`, the files
            that the command reads; or a file where its folder would be.
    """
    if file := file_in_the_way(path.parent):
        raise UserError(f"{path}: {file} is a file. Give a folder")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UserError(
            f"{path} is a link, a pipe, a device or a folder, which would be replaced. "
            "Give another name"
        )
    if path.exists() and any(one.exists() and path.samefile(one) for one in inputs):
        raise UserError(f"{path} is also read by this command: give another name or folder")


def remove_old(*paths: Path | None) -> None:
    """Delete what an earlier command wrote under names that this one is about to write.

    Files that belong together take their names one after the other. Whatever stops the command in
    between, none of them is left beside files of another command.
    """
    for path in paths:
        if path is not None:
            path.unlink(missing_ok=True)


def sweep_asides(folder: Path) -> None:
    """Delete half-written files left over from killed processes, not those of running ones.

    Processes on another machine or in another container cannot be seen from here. They write
    without long pauses, so files written to a moment ago are kept too.
    """
    if os.name != "posix" or not folder.is_dir():
        return  # Windows has no harmless way to look up a process by its number
    for path in folder.iterdir():
        match = ASIDE.fullmatch(path.name)
        if match is None or _is_another_running(int(match[1])):
            continue
        with suppress(OSError):  # another process may have been faster
            if time.time() - path.stat().st_mtime > PAUSE:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_another_running(pid: int) -> bool:
    if pid == os.getpid():
        return False  # an earlier process had the same number, as is common in containers
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # another user's process, or a number that no process can have
    return True


def refuse_pattern(folder: Path) -> None:
    """Refuse a name that TensorFlow takes for a pattern when it loads a checkpoint, or cannot hold.

    Raises:
        UserError: names the folder.
    """
    name = folder.as_posix()  # on Windows a backslash is between folders, not in their names
    if re.search(r"[*?\[\]\\]", name):
        raise UserError(
            f"{folder}: TensorFlow cannot find checkpoints in folders whose names have * ? [ ] or "
            "\\: give another name"
        )
    if any("\udc80" <= letter <= "\udcff" for letter in name):  # how Python holds such a byte
        raise UserError(f"{folder}: TensorFlow takes no names that are not UTF-8: give another")


def visible_files(
    folder: Path, fault: Callable[[OSError], object] | None = None
) -> Iterator[tuple[str, str]]:
    """Each file below a folder, as its folder and its name; what is hidden is left out.

    fault: is called for a folder that cannot be read, and may raise; None passes over it.
    """
    for place, folders, files in os.walk(folder, onerror=fault):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from ((place, name) for name in files if not name.startswith("."))


def open_regular(path: Path) -> BufferedReader:
    """Open a file to read its bytes, unless it is a pipe or a device, which may never end.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.open("rb")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write `content` as indented JSON."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what write_json wrote; {} if there is no such file, UserError if it is damaged."""
    if not path.exists():
        return {}
    if not path.is_file():
        raise UserError(f"{path} is not a file: put back a copy")
    try:
        with open_regular(path) as file:
            content = json.loads(file.read().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}): put back a copy") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a JSON object: put back a copy")
    return content


def check_room(folder: Path, needed: int) -> None:
    """Raise NoRoomError if fewer than `needed` bytes are free on the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise NoRoomError(f"{folder} has {in_units(free)} free, {in_units(needed)} are needed")


def sha256_of(path: Path) -> str:
    """The file's sha256, in hex."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(1 << 18):
            digest.update(chunk)
    return digest.hexdigest()
