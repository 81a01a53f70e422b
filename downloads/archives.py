"""An untrusted zip or tar -> files below one folder, all of them or none.

Every member is checked before it is written, in a hidden folder that gets its name at the end.
"""

import bz2
import errno
import gzip
import io
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from support.errors import UserError
from support.files import check_room, open_regular
from support.progress import Progress
from support.text import in_units, shortened

CHUNK_BYTES = 1 << 18
# What zipfile, tarfile and the decompressors raise for damaged input.
OF_FORMATS = (struct.error, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
DAMAGED = (OSError, EOFError, ValueError, RuntimeError, OverflowError, *OF_FORMATS)
# What file managers add to archives.
CLUTTER = re.compile(r"(^|.*/)(__MACOSX/.*|\.DS_Store|Thumbs\.db|\._[^/]*)$", re.IGNORECASE)
UTF8_FLAG = 0x800
ENCRYPTED_FLAG = 0x1
TAR_BLOCK_BYTES = 512
LARGEST_READ_BYTES = 1 << 20
MOST_FOLDERS = 64  # one in another; Python itself fails at about 1,000
LONGEST_PATH = 4096  # letters; no system takes more, most of them less
# How a compressed tar begins -> what reads it.
OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    size: int  # as the archive states it
    content: IO[bytes]
    position: int  # how many bytes of the archive have been read when it has
    total: int = 0  # the sizes of all files, where the archive states them


def sweep(folder: Path) -> None:
    """Delete the hidden folders next to `folder` that are left over from killed runs."""
    for left in folder.parent.glob(f".{folder.name}.*.part"):
        mark = left.name[len(folder.name) + 2 : -len(".part")]
        if re.fullmatch(r"\d+(-[0-9a-f]+)?", mark) and left.is_dir():
            shutil.rmtree(left)


def publish(aside: Path, folder: Path) -> None:
    """Give a finished folder its final name; OSError if anything but an empty folder has it."""
    if hasattr(os, "sync"):
        os.sync()  # the contents must be on disk before the name is
    if folder.is_dir():
        folder.rmdir()  # empty, or it raises
    os.rename(aside, folder)


def extract(
    archive: Path, target: Path, most_times: int = 100, most_members: int = 1_000_000
) -> int:
    """Write the files of a zip or tar below the empty folder `target` -> how many.

    One that holds more than `most_times` its own size is not a data set: images hardly shrink.

    Raises:
        UserError: it is not a zip or tar, is damaged or encrypted, goes beyond the limits, or has
            a member that would not become a plain file of its own below `target`; names the member.
        RunError: the disk has no room for it.
        OSError: a file cannot be written.
    """
    packed, files, written = archive.stat().st_size, 0, 0
    names: dict[str, str] = {}
    with Progress(f"unpacking {archive.name}", packed // 1024, "KiB") as progress:
        for count, member in enumerate(_members(archive), 1):
            if CLUTTER.match(member.name):
                continue
            if count > most_members:
                raise UserError(f"{archive}: more than {most_members:,} members")
            path = target / _checked_name(archive, member.name, names)
            total = max(member.total, written + member.size)
            if total > packed * most_times:
                raise UserError(
                    f"{archive} with {shortened(member.name)!r} would unpack to "
                    f"{in_units(total)}, more than {most_times} times its own size: not an "
                    "archive of a data set"
                )
            check_room(target, total - written)
            written += _write(archive, member, path)
            files += 1
            progress.reach(member.position // 1024)
    if not files:
        raise UserError(f"{archive} holds no files")
    return files


def without_single_top(folder: Path) -> Path:
    """`folder`, or the folder inside it if there is nothing else."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _checked_name(archive: Path, name: str, names: dict[str, str]) -> Path:
    """The relative path of a member, which must lead to a file of its own.

    `names` are those so far, by what some systems make of them; folders end with /.
    """
    member = repr(shortened(name))
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    if re.match(r"[/\\]|[A-Za-z]:", name):
        raise UserError(f"{archive}: {member} is an absolute path")
    if ".." in parts:
        raise UserError(f"{archive}: {member} leads out of the folder")
    if not parts or any(unicodedata.category(letter) == "Cc" for letter in name):
        raise UserError(f"{archive}: {member} cannot be a file name")
    if len(parts) > MOST_FOLDERS or len(name) > LONGEST_PATH:
        raise UserError(f"{archive}: {member} is too long a path")
    paths = ("/".join(parts[: depth + 1]) for depth in range(len(parts)))
    *folders, file = [unicodedata.normalize("NFC", path).casefold() for path in paths]
    for taken in (*folders, file, f"{file}/"):
        if taken in names:
            raise UserError(
                f"{archive}: {shortened(names[taken])!r} and {member} would be one file"
            )
    names[file] = name
    names.update((f"{folder}/", name) for folder in folders)
    return Path(*parts)


def _members(archive: Path) -> Iterator[Member]:
    with open_regular(archive) as raw:
        head, tar = raw.peek()[:40], None
        openings = (opener(raw) for magic, opener in OPENERS.items() if head.startswith(magic))
        with suppress(*DAMAGED):
            tar = tarfile.TarFile(fileobj=_Careful(next(openings, raw), CHUNK_BYTES))
        if tar is not None:
            yield from _tar_members(archive, raw, tar)
            return
    with _reading(archive):
        is_zip = zipfile.is_zipfile(archive)
    if is_zip:
        yield from _zip_members(archive)
    elif head.startswith(b"PK"):
        raise UserError(f"{archive} is a zip whose end is missing: fetch it again")
    else:
        raise UserError(f"{archive} is not a complete zip or tar archive; it begins {head!r}")


def _zip_members(archive: Path) -> Iterator[Member]:
    with _reading(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
        total, position = sum(info.file_size for info in infos), 0
        for info in infos:
            name = _zip_name(info)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                what = "a link" if kind == stat.S_IFLNK else "a device or the like"
                raise UserError(f"{archive}: {shortened(name)!r} is {what}, not a plain file")
            if info.flag_bits & ENCRYPTED_FLAG:
                raise UserError(
                    f"{archive}: {shortened(name)!r} is encrypted: unpack it and pack it anew"
                )
            with _reading(archive, name):
                content = opened.open(info)
            position += info.compress_size
            with content:
                yield Member(name, info.file_size, content, position, total)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name; if the archive does not state its encoding, as UTF-8 if it can be, else CP437."""
    if not info.flag_bits & UTF8_FLAG:
        with suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


class _Careful(io.BufferedReader):
    """Refuses to read more at once than any header needs.

    tarfile reads a long name in one go, whatever length the archive states: a few kilobytes that
    unpack to gigabytes would take all memory.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= LARGEST_READ_BYTES:
            raise ValueError("a header that is too long")
        return super().read(size)


def _tar_members(archive: Path, raw: IO[bytes], opened: tarfile.TarFile) -> Iterator[Member]:
    if _is_cut_tar(archive):
        raise UserError(f"{archive} is damaged: its end is missing")
    while True:
        with _reading(archive):
            info = opened.next()
        if info is None:
            break
        if info.isdir():
            continue
        with _reading(archive, info.name):
            content = opened.extractfile(info) if info.isreg() else None
        if content is None:
            what = "a link" if info.issym() or info.islnk() else "a device or the like"
            raise UserError(f"{archive}: {shortened(info.name)!r} is {what}, not a plain file")
        yield Member(info.name, info.size, content, raw.tell())
    with _reading(archive):  # to the end, where the checksum of the compression is
        while opened.fileobj and opened.fileobj.read(CHUNK_BYTES):
            pass


def _is_cut_tar(archive: Path) -> bool:
    """Whether an uncompressed tar lacks the zeros at its end, which tarfile does not notice."""
    with archive.open("rb") as file:
        plain = file.read(TAR_BLOCK_BYTES)[257:262] == b"ustar"
        file.seek(max(archive.stat().st_size - TAR_BLOCK_BYTES, 0))
        return plain and file.read().strip(b"\0") != b""


def _write(archive: Path, member: Member, path: Path) -> int:
    """Write one member -> its size, which must be the one that the archive states."""
    written = 0
    with _created(archive, member.name, path) as file:
        while True:
            with _reading(archive, member.name):  # one byte more shows that it is too long
                chunk = member.content.read(min(CHUNK_BYTES, member.size + 1 - written))
            if not chunk:
                break
            written += file.write(chunk)
    if written != member.size:
        raise UserError(
            f"{archive}: {shortened(member.name)!r} is not of the size that the archive states"
        )
    return written


def _created(archive: Path, name: str, path: Path) -> IO[bytes]:
    """A new file, in folders that are made if need be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise UserError(f"{archive}: {shortened(name)!r} is too long a path") from error


@contextmanager
def _reading(archive: Path, name: str = "") -> Iterator[None]:
    """Name the archive, and the member, in the error if they cannot be read."""
    try:
        yield
    except DAMAGED as error:
        member = f": {shortened(name)!r}" if name else ""
        fault = f"damaged or of an unknown kind ({shortened(str(error))})"
        raise UserError(f"{archive}{member} is {fault}") from error
