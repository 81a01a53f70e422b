"""A file is there complete or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.errors import UserError, one_line
from support.files import open_regular, read_json, sweep_asides, write_json, written_aside


def test_what_fails_halfway_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with written_aside(path) as aside:
        aside.write_text("old")
    with pytest.raises(ZeroDivisionError), written_aside(path) as aside:
        aside.write_text(f"half {1 / 0}")
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_what_cannot_be_written_is_called_by_its_final_name(tmp_path: Path) -> None:
    (tmp_path / "history.csv").mkdir()  # in the way of the rename
    with (
        pytest.raises(IsADirectoryError) as caught,
        written_aside(tmp_path / "history.csv") as aside,
    ):
        aside.write_text("rows")
    assert one_line(caught.value).startswith(f"{tmp_path / 'history.csv'}: ")
    path = tmp_path / "deleted" / "b.csv"
    with pytest.raises(FileNotFoundError) as gone, written_aside(path):
        path.parent.rmdir()  # nothing was written, which is found out when it is flushed
    assert one_line(gone.value).startswith(f"{path}: ")


def test_json_comes_back(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") == {}
    write_json(tmp_path / "a.json", {"a": [1, None, "ü"]})
    assert read_json(tmp_path / "a.json") == {"a": [1, None, "ü"]}


@pytest.mark.parametrize("content", ["{half", "[1]", "", "[" * 200_000, '{"a": ' + "9" * 5000])
def test_a_file_that_is_not_a_json_object_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_what_would_be_read_for_ever_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    for path in (tmp_path / "a.json", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            open_regular(path)
    with pytest.raises(UserError, match=r"a\.json is not a file"):
        read_json(tmp_path / "a.json")


@pytest.fixture
def dead_pid() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def made(folder: Path, name: str, seconds_ago: float = 60) -> Path:
    path = folder / name
    path.write_bytes(b"half")
    written = path.stat().st_mtime - seconds_ago
    os.utime(path, (written, written))
    return path


@pytest.mark.parametrize(
    "name",
    [
        ".faces-0a.{}.part.u8",
        ".run.{}.part.json",
        ".x\n.{}.part",
        ".DCGAN.model-5.{}.part.index.tempstate123",
    ],
)
def test_what_a_killed_process_left_is_swept(tmp_path: Path, name: str, dead_pid: int) -> None:
    left = made(tmp_path, name.format(dead_pid))
    sweep_asides(tmp_path)
    assert not left.exists()


def test_the_sweep_knows_the_names_that_are_written_aside(tmp_path: Path, dead_pid: int) -> None:
    with written_aside(tmp_path / "array.u8") as aside:
        left = made(tmp_path, aside.name.replace(str(os.getpid()), str(dead_pid)))
        aside.write_bytes(b"half")
        sweep_asides(tmp_path)
        assert aside.exists(), "this process runs"
    assert not left.exists()


@pytest.mark.parametrize(
    "name",
    [
        "a.{}.part.u8",
        ".a.part.u8",
        ".a.{}.u8",
        ".a.{}x.part.u8",
        ".a.{}.partly",
        ".a.9" + 99 * "9" + ".part.u8",
    ],
)
def test_files_with_other_names_are_kept(tmp_path: Path, name: str, dead_pid: int) -> None:
    other = made(tmp_path, name.format(dead_pid))
    sweep_asides(tmp_path)
    assert other.exists()


def test_files_written_a_moment_ago_are_kept(tmp_path: Path, dead_pid: int) -> None:
    """Their process may run in another container, where this one cannot see it."""
    fresh = made(tmp_path, f".a.{dead_pid}.part.u8", seconds_ago=0)
    sweep_asides(tmp_path)
    assert fresh.exists()


def test_folders_are_swept_with_what_is_in_them(tmp_path: Path, dead_pid: int) -> None:
    left = tmp_path / f".DCGAN.model-5.{dead_pid}.part_temp"
    left.mkdir()
    made(left, "part-00000-of-00001.index")
    os.utime(left, (1, 1))
    sweep_asides(tmp_path)
    assert not left.exists()


def test_files_of_an_earlier_process_with_our_number_are_swept(tmp_path: Path) -> None:
    left = made(tmp_path, f".a.{os.getpid()}.part.u8")
    sweep_asides(tmp_path)
    assert not left.exists()


def test_a_missing_folder_needs_no_sweep(tmp_path: Path) -> None:
    sweep_asides(tmp_path / "none")
