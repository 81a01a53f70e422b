"""An untrusted zip or tar -> files below one folder, all of them or none.

Every member is checked before it is written. Everything goes into a hidden folder, which is renamed
to its final name at the end.
"""

import bz2
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from support.errors import UserError
from support.files import check_room
from support.progress import Progress
from support.text import in_units

CHUNK_BYTES = 1 << 18
# What zipfile, tarfile and the decompressors raise for damaged input.
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    OverflowError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)
# What file managers add to archives.
CLUTTER = re.compile(r"(^|.*/)(__MACOSX/.*|\.DS_Store|Thumbs\.db|\._[^/]*)$", re.IGNORECASE)
UTF8_FLAG = 0x800
ENCRYPTED_FLAG = 0x1
TAR_BLOCK_BYTES = 512
LARGEST_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Limits:
    """An archive beyond these is not a data set: images hardly shrink when they are packed."""

    times_its_size: int = 100
    members: int = 1_000_000


class Member(NamedTuple):
    """A file in an archive: its name, the size that the archive states, its open content."""

    name: str
    size: int
    content: IO[bytes]


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Yield a new hidden folder next to `folder`, which is deleted at the end unless published.

    Those left over from runs that were killed are deleted first. Only one process at a time may
    work on the same `folder`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    aside.mkdir()
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete the hidden folders next to `folder` that are left over from killed runs."""
    for left in folder.parent.glob(f".{folder.name}.*.part"):
        if re.fullmatch(r"\d+", left.name[len(folder.name) + 2 : -len(".part")]) and left.is_dir():
            shutil.rmtree(left)


def publish(aside: Path, folder: Path) -> None:
    """Give a finished folder its final name, in one step.

    Raises:
        OSError: that name is taken by something other than an empty folder.
    """
    if hasattr(os, "sync"):
        os.sync()  # the contents must be on disk before the name is
    if folder.is_dir():
        folder.rmdir()  # empty, or it raises
    os.rename(aside, folder)


def extract(archive: Path, target: Path, limits: Limits | None = None) -> int:
    """Write the files of a zip or tar below the empty folder `target` -> how many.

    Raises:
        UserError: it is not a zip or tar, is damaged or encrypted, goes beyond the limits, or has
            a member that would not become a plain file of its own below `target`; names the member.
        RunError: the disk has no room for it.
        OSError: a file cannot be written.
    """
    limits = limits or Limits()
    allowed = archive.stat().st_size * limits.times_its_size
    names, written, shown = _Names(archive), 0, 0
    with Progress(f"unpacking {archive.name}", archive.stat().st_size // 1024, "KiB") as progress:
        for count, (member, position) in enumerate(_members(archive, limits, target), 1):
            if CLUTTER.match(member.name):
                continue
            if count > limits.members:
                raise UserError(f"{archive}: more than {limits.members:,} members")
            path = target / names.checked(member.name)
            if written + member.size > allowed:
                raise UserError(
                    f"{archive}: {member.name!r} brings it to {in_units(written + member.size)}, "
                    f"{limits.times_its_size} times its own size: not an archive of a data set"
                )
            check_room(target, member.size)
            path.parent.mkdir(parents=True, exist_ok=True)
            written += _write(archive, member, path)
            progress.update(position // 1024 - shown)
            shown = position // 1024
    if not names.files:
        raise UserError(f"{archive} holds no files")
    return len(names.files)


def without_single_top(folder: Path) -> Path:
    """`folder`, or the folder inside it if there is nothing else."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


@dataclass
class _Names:
    """The names so far, to find those that would be the same file on some systems."""

    archive: Path
    files: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    def checked(self, name: str) -> Path:
        """The relative path of a member.

        Raises:
            UserError: it is absolute, leads out, cannot be a name, or another member has it.
        """
        parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
        if re.match(r"[/\\]|[A-Za-z]:", name):
            raise UserError(f"{self.archive}: {name!r} is an absolute path")
        if ".." in parts:
            raise UserError(f"{self.archive}: {name!r} leads out of the folder")
        if not parts or any(unicodedata.category(letter) == "Cc" for letter in name):
            raise UserError(f"{self.archive}: {name!r} cannot be a file name")
        keys = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        keys = [unicodedata.normalize("NFC", key).casefold() for key in keys]
        taken = [*(self.files.get(key) for key in keys), self.folders.get(keys[-1])]
        if other := next(filter(None, taken), None):
            raise UserError(f"{self.archive}: {other!r} and {name!r} would be one file")
        self.files[keys[-1]] = name
        self.folders.update((key, name) for key in keys[:-1])
        return Path(*parts)


def _members(archive: Path, limits: Limits, target: Path) -> Iterator[tuple[Member, int]]:
    """The files in an archive, and how many of the archive's bytes have been read by then."""
    with archive.open("rb") as raw, ExitStack() as stack:
        tar = None
        with suppress(*DAMAGED):
            tar = stack.enter_context(tarfile.open(fileobj=_decompressed(raw), mode="r:"))
        if tar is not None:
            yield from _tar_members(archive, raw, tar)
            return
    with _reading(archive):
        is_zip = zipfile.is_zipfile(archive)
    if is_zip:
        yield from _zip_members(archive, limits, target)
    else:
        with archive.open("rb") as file:
            head = file.read(40)
        if head.startswith(b"PK"):
            raise UserError(f"{archive} is a zip whose end is missing: fetch it again")
        raise UserError(f"{archive} is not a complete zip or tar archive; it begins {head!r}")


def _zip_members(archive: Path, limits: Limits, target: Path) -> Iterator[tuple[Member, int]]:
    with _reading(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        infos = [info for info in opened.infolist() if not info.is_dir()]
        _check_total(archive, sum(info.file_size for info in infos), limits, target)
        position = 0
        for info in infos:
            name = _zip_name(info)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise UserError(f"{archive}: {name!r} is {_kind(kind)}")
            if info.flag_bits & ENCRYPTED_FLAG:
                raise UserError(f"{archive}: {name!r} is encrypted: unpack it and pack it anew")
            with _reading(archive, name):
                content = opened.open(info)
            position += info.compress_size
            with content:
                yield Member(name, info.file_size, content), position


def _check_total(archive: Path, total: int, limits: Limits, target: Path) -> None:
    if total > archive.stat().st_size * limits.times_its_size:
        raise UserError(
            f"{archive} would unpack to {in_units(total)}, more than {limits.times_its_size} times "
            "its own size: not an archive of a data set"
        )
    check_room(target, total)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name; if the archive does not state its encoding, as UTF-8 if it can be, else CP437."""
    if info.flag_bits & UTF8_FLAG:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _kind(mode: int) -> str:
    links = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder"}
    return links.get(mode, "a device or the like") + ", not a plain file"


class _Careful(io.BufferedReader):
    """Refuses to read more at once than any header needs.

    tarfile reads a long name in one go, whatever length the archive states: a few kilobytes that
    unpack to gigabytes would take all memory.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= LARGEST_READ_BYTES:
            raise ValueError("a header that is too long")
        return super().read(size)


def _decompressed(raw: io.BufferedReader) -> _Careful:
    """The tar that a file holds, whatever it is compressed with."""
    head = raw.read(6)
    raw.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return _Careful(gzip.GzipFile(fileobj=raw), CHUNK_BYTES)
    if head.startswith(b"BZh"):
        return _Careful(bz2.BZ2File(raw), CHUNK_BYTES)
    if head == b"\xfd7zXZ\0":
        return _Careful(lzma.LZMAFile(raw), CHUNK_BYTES)
    return _Careful(raw, CHUNK_BYTES)


def _tar_members(
    archive: Path, raw: IO[bytes], opened: tarfile.TarFile
) -> Iterator[tuple[Member, int]]:
    if _is_cut_tar(archive):
        raise UserError(f"{archive} is damaged: its end is missing")
    infos = iter(opened)
    while True:
        with _reading(archive):
            info = next(infos, None)
        if info is None:
            break
        if info.isdir():
            continue
        if not info.isreg():
            what = "a link" if info.issym() or info.islnk() else "a device or the like"
            raise UserError(f"{archive}: {info.name!r} is {what}, not a plain file")
        with _reading(archive, info.name):
            content = opened.extractfile(info)
        if content is None:
            raise UserError(f"{archive}: {info.name!r} is not a plain file")
        yield Member(info.name, info.size, content), raw.tell()
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
    with path.open("xb") as file:
        while True:
            with _reading(archive, member.name):
                chunk = member.content.read(CHUNK_BYTES)
            if not chunk:
                break
            written += len(chunk)
            if written > member.size:
                break
            file.write(chunk)
    if written != member.size:
        raise UserError(
            f"{archive}: {member.name!r} does not have the size that the archive states"
        )
    return written


@contextmanager
def _reading(archive: Path, name: str = "") -> Iterator[None]:
    """Name the archive, and the member, in the error if they cannot be read."""
    try:
        yield
    except DAMAGED as error:
        member = f": {name!r}" if name else ""
        raise UserError(f"{archive}{member} is damaged or of an unknown kind ({error})") from error
