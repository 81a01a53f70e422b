"""download.py as a command: its words, how it is stopped, and how failures end."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest
from hosts import Host, in_turn, status
from hosts import Request as Req
from makers import PROJECT, Fails, Run, one_error_line
from tiny_sets import ARCHIVE, IMAGES, PLAIN, files_in, sha256, visible, zipped

import download
from download import ImageSet, main

HASHES = "3bf8ef177fcbaf5a97750bc3a7cef8668e262d75d31f9f3807003f4a546b4677"  # of all hashes, sorted
# download.py with a host of ours. Given a number, it sends itself this signal at the third image.
PROGRAM = """
import os, sys
sys.path.insert(0, {project!r})
import download
from downloads import archives
download.DATA_SETS["celebA"] = download.ImageSet("a.zip", ({address!r},), {sha256!r}, images=5)
check_room, calls = archives.check_room, []  # called for each image
def stop_at_the_third(*arguments):
    calls.append(arguments)
    if len(calls) == 3:
        os.kill(os.getpid(), int(sys.argv[1]))
    check_room(*arguments)
if sys.argv[1:]:
    archives.check_room = stop_at_the_third
sys.exit(download.main(["celebA"]))
"""


def started(host: Host, *arguments: str) -> subprocess.Popen[str]:
    address = f"{host.address}a.zip"
    program = PROGRAM.format(project=str(PROJECT), address=address, sha256=sha256(ARCHIVE))
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_while_unpacking_it_tidies_up(host: Host, number: signal.Signals) -> None:
    program = started(host, str(int(number)))
    _, said = program.communicate(timeout=60)
    assert program.returncode == 128 + number
    assert said == f"stopped by {number.name}; type the same command to go on\n"
    assert visible("data") == []
    assert not list(Path("data").glob(".celebA.*.part"))
    assert started(host).wait(60) == 0
    assert files_in("data/celebA") == IMAGES
    assert len(host.paths) == 1, "fetched once"


def test_killed_while_unpacking_nothing_has_the_final_name(host: Host) -> None:
    assert started(host, str(int(signal.SIGKILL))).wait(60) == -signal.SIGKILL
    assert visible("data") == []
    (left,) = Path("data").glob(".celebA.*.part")
    assert len(list(left.rglob("*.jpg"))) == 2, "in the middle of it"
    assert started(host).wait(60) == 0
    assert files_in("data/celebA") == IMAGES
    assert not list(Path("data").glob(".celebA.*.part")), "swept"
    assert len(host.paths) == 1, "fetched once"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_fetching_it_keeps_the_unfinished_download(
    host: Host, number: signal.Signals
) -> None:
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
    program.send_signal(number)
    _, said = program.communicate(timeout=30)
    assert program.returncode == 128 + number
    assert said.endswith(f"stopped by {number.name}; type the same command to go on\n")
    assert main(["celebA"]) == 0
    assert host.ranges == [None, "bytes=5000-"]


def test_two_at_once_do_not_mix(host: Host, fails: Fails) -> None:
    Path("data").mkdir()
    with filelock.FileLock("data/.celebA.lock"):
        assert "another download.py is at work on data/celebA" in fails(1, "celebA")


@pytest.mark.parametrize("name", ["../x", "/x", ".x", "a/b", "a\\b", "", "x.", "a\nb", ".."])
def test_a_data_set_stays_below_the_data_folder(host: Host, fails: Fails, name: str) -> None:
    Path("faces.zip").write_bytes(ARCHIVE)
    assert "cannot name a folder: use letters" in fails(2, name, "--from", "faces.zip")
    assert not Path("data").exists()


def test_an_archive_by_hand_must_be_there(host: Host, tmp_path: Path, fails: Fails) -> None:
    assert "nope.zip: there is no such file" in fails(2, "celebA", "--from", "nope.zip")
    assert "is not a file: give the archive" in fails(2, "celebA", "--from", str(tmp_path))


def test_a_disk_that_fills_up_ends_in_one_line(run: Run, tmp_path: Path) -> None:
    """A limit on the size of files takes the place of a full disk."""
    (tmp_path / "faces.zip").write_bytes(ARCHIVE)
    done = run("download.py", "anime", "--from", "faces.zip", largest_file=1000)
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
def test_a_full_disk_is_not_blamed_on_the_hosts(
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
    line = fails(2, "celebA")
    assert "error: --data_dir data: data is a file. Give a folder. By hand: fetch" in line


def test_an_unknown_name_is_refused(run: Run) -> None:
    line = one_error_line(run("download.py", "cifar"), 2)
    assert "cifar is not a known data set. There are mnist, fashion_mnist, celebA, lsun" in line
    line = one_error_line(run("download.py", "celeba"), 2)
    assert "celeba is not a known data set. Did you mean celebA? There are" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the following arguments are required: NAME. All flags: python download.py --help"),
        (("a", "b", "--from", "c.zip"), "--from c.zip is for one NAME, not 2"),
        (("mnist", "--dat_dir=x"), "not understood: --dat_dir=x. Did you mean --data_dir?"),
    ],
)
def test_words_that_make_no_sense_are_named(run: Run, words: tuple[str, ...], message: str) -> None:
    assert message in one_error_line(run("download.py", *words), 2)


def test_help_shows_the_usage(run: Run) -> None:
    done = run("download.py", "--help")
    assert done.returncode == 0
    assert "usage: download.py" in done.stdout
    assert "python download.py celebA --from FILE" in done.stdout


def test_pasted_words_are_understood(host: Host) -> None:
    Path("b.zip").write_bytes(ARCHIVE)
    assert main(["celebA", "–from", "“b.zip”"]) == 0
    assert files_in("data/celebA") == IMAGES


def test_one_failure_does_not_stop_the_others(host: Host) -> None:
    assert main(["nonsense", "mnist", "lsun"]) == 2
    assert files_in("data/mnist") == PLAIN


def test_the_tables_are_as_published() -> None:
    """A typing error in a hash would otherwise show up only much later."""
    known = json.dumps({name: vars(known) for name, known in download.DATA_SETS.items()})
    assert sha256(b"") not in known
    assert sha256("".join(sorted(re.findall(r"\b[0-9a-f]{64}\b", known))).encode()) == HASHES
    celeba = download.DATA_SETS["celebA"]
    assert isinstance(celeba, ImageSet)
    assert celeba.sha256 == "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74"
    assert celeba.addresses[1].endswith("uc?id=0B7EVK8r0v71pZjFTYXZWM3FlRnM")
    assert celeba.bytes == 1_443_490_838
