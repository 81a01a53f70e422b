"""How a file comes to stand under its name: whole, or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from errors import RunError, UserError


class NoRoomError(RunError):
    """The disk has no room: no other source would help."""


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to; rename it to `path` if nothing was raised.

    The suffix stays, because image writers choose the format by it. Missing folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())  # the content must be on disk before the name is
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


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
        raise UserError(f"{path} is not valid JSON ({error}): mend it or delete it") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object: mend it or delete it")
    return content


def check_room(folder: Path, needed: int) -> None:
    """Refuse work that would fill the disk.

    Raises:
        NoRoomError: fewer than `needed` bytes are free where `folder` is.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise NoRoomError(f"{folder} has {in_units(free)} free, {in_units(needed)} are needed")


def in_units(count: int) -> str:
    """A number of bytes for people: 999 bytes, 43.2 GB."""
    if count < 1000:
        return f"{count} bytes"
    power = min((len(str(count)) - 1) // 3, 4)
    return f"{count / 1000**power:.1f} {' kMGT'[power]}B"


def sha256_of(path: Path) -> str:
    """The file's sha256, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            digest.update(chunk)
    return digest.hexdigest()
