"""How a file comes to stand under its name: whole, or not at all."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from errors import UserError

ASIDE = re.compile(r"\..+\.(\d+)\.part")  # .NAME.PID.part..., as written_aside makes it


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
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is told without
        raise
    finally:
        aside.unlink(missing_ok=True)


def sweep_asides(folder: Path) -> None:
    """Delete what killed processes left of written_aside in `folder`.

    Names whose process still runs are kept, but for this process's: call it while none is open.
    """
    for path in folder.iterdir():
        found = ASIDE.match(path.name)
        if found and not _is_another_running(int(found[1])):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_another_running(pid: int) -> bool:
    if pid == os.getpid():
        return False
    if os.name != "posix":  # Windows' os.kill would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
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
        raise UserError(f"{path} is not valid JSON ({error}): mend it or delete it") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object: mend it or delete it")
    return content
