"""A file on Google Drive, which asks for confirmation of large ones; gdown knows how to answer."""

import os
from pathlib import Path

import requests

from downloads.http import Patience, problem_with
from support.errors import RunError
from support.files import check_room
from support.progress import Progress


def fetch_from_drive(
    address: str,
    path: Path,
    sha256: str | None = None,
    size: int | None = None,
    copies: int = 1,
    patience: Patience | None = None,
) -> None:
    """As http.fetch, but an unfinished download is kept in `.NAME.driveXXXXXXXX.part`.

    A host that is very slow, but never pauses, is not given up.
    """
    try:
        import gdown
    except ImportError as error:
        raise RunError(f"{address}: {error}: pip install gdown") from error
    patience = patience or Patience()
    path.parent.mkdir(parents=True, exist_ok=True)
    check_room(path.parent, (size or 0) * copies)
    aside = path.with_name(f".{path.name.lstrip('.')}.drive")
    aside.unlink(missing_ok=True)
    with Progress(path.name.lstrip("."), (size or 0) // 1024, "KiB") as progress:
        done = 0

        def show(received: int, total: int | None) -> None:
            nonlocal done
            progress.update(received // 1024 - done)
            done = received // 1024

        try:
            gdown.download(
                address,
                str(aside),
                quiet=True,
                use_cookies=False,
                resume=True,
                progress=show,
                timeout=patience.window_seconds,
                retries=patience.tries,
            )
        except (gdown.exceptions.DownloadError, requests.RequestException, KeyError) as error:
            # KeyError: the answer lacks the headers that Google Drive sends.
            raise RunError(f"{address}: {' '.join(str(error).split())}") from error
    problem = problem_with(aside, sha256, size)
    if problem:
        aside.unlink(missing_ok=True)
        raise RunError(f"{address}: {problem}")
    os.replace(aside, path)
