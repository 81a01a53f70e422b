"""LSUN's database of images (LMDB) -> image files.

Only this needs the package lmdb: pip install lmdb. It maps the file into memory without checking
it, so a malicious database could crash it: trust only LSUN's own.
"""

import importlib
import re
from pathlib import Path

from support.errors import RunError, UserError
from support.progress import Progress

DATABASE = "data.mdb"
KEY_LETTERS = 80
# How an image's bytes begin -> the suffix of its file. RIFF is WebP's container.
SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png", b"RIFF": ".webp"}


def check_lmdb() -> None:
    """Raise RunError, before 43 GB are fetched, if the package lmdb is not installed."""
    try:
        importlib.import_module("lmdb")
    except ImportError as error:
        raise RunError(f"to read LSUN's LMDB database: pip install lmdb ({error})") from error


def write_images(database: Path, folder: Path) -> None:
    """Write every image of the database found below `database` as a file into the new `folder`.

    A file is named after its number in the database and the letters and digits of its key.

    Raises:
        UserError: there is no such database, or a value is not an image.
    """
    import lmdb

    found = next(iter(sorted(database.rglob(DATABASE))), None)
    if found is None:
        raise UserError(f"the archive holds no {DATABASE}: it is not from LSUN")
    folder.mkdir()
    try:
        with (
            lmdb.open(str(found.parent), readonly=True, lock=False, readahead=False) as opened,
            opened.begin() as transaction,
            Progress("writing images", transaction.stat()["entries"], "images") as progress,
        ):
            for number, (key, image) in enumerate(transaction.cursor()):
                letters = re.sub(r"[^0-9A-Za-z]", "-", key[:KEY_LETTERS].decode("latin-1"))
                (folder / f"{number:07}_{letters}{_suffix(key, image)}").write_bytes(image)
                progress.update()
    except lmdb.Error as error:
        raise UserError(f"{DATABASE} is damaged ({error})") from error


def _suffix(key: bytes, image: bytes) -> str:
    for head, suffix in SUFFIXES.items():
        if image.startswith(head) and (suffix != ".webp" or image[8:12] == b"WEBP"):
            return suffix
    raise UserError(f"{DATABASE}: the value of {key[:KEY_LETTERS]!r} is not JPEG, PNG or WebP")
