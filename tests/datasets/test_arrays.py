"""An array is taken only for the files that it was decoded from, and older ones are deleted."""

import os
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import PROJECT
from PIL import Image

from datasets import arrays, folder, image_files
from datasets.arrays import TICK, described, open_array, stamp
from datasets.folder import find_images, load_folder
from datasets.image_files import Geometry
from datasets.report import Report

LONG_AGO = (1_500_000_000, 1_500_000_000)


def write_greys(folder: Path, grey: int, count: int = 3) -> None:
    """BMPs of one grey. Those of two greys have the same names, sizes and times."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number}.bmp"
        Image.new("L", (8, 8), grey).save(path)
        os.utime(path, LONG_AGO)


def load(
    data: Path, pattern: str = "*.bmp", size: int = 8, at: Path | None = None
) -> tuple[np.ndarray, list[str]]:
    """The pixels, and the lines that were said."""
    said: list[str] = []
    found, geometry = find_images(data, pattern), Geometry(None, (size, size))
    at = at or data.parent / ".arrays"
    return load_folder(data, found, geometry, None, at, say=said.append).pixels, said


def test_two_sets_of_the_same_names_sizes_and_times_are_two_arrays(tmp_path: Path) -> None:
    for name, grey in (("a", 40), ("b", 200)):
        write_greys(tmp_path / name / "train", grey)
    for name, grey in (("a", 40), ("b", 200), ("a", 40)):
        data = tmp_path / name / "train"
        assert (load(data, at=tmp_path / ".arrays")[0] == grey).all()
    assert len(list((tmp_path / ".arrays").glob("train-*.u8"))) == 2


@pytest.mark.parametrize("by", ["writing", "renaming files", "renaming folders", "a link"])
def test_other_content_of_the_same_size_and_time_is_decoded(tmp_path: Path, by: str) -> None:
    write_greys(tmp_path / "faces", 40)
    write_greys(tmp_path / "others", 200)
    data = tmp_path / "faces"
    if by == "a link":
        data = tmp_path / "link"
        data.symlink_to(tmp_path / "faces")
    assert (load(data)[0] == 40).all()
    if by == "writing":
        write_greys(tmp_path / "faces", 200)
    elif by == "renaming files":
        for path in (tmp_path / "others").iterdir():
            path.rename(tmp_path / "faces" / path.name)
    elif by == "renaming folders":
        data.rename(tmp_path / "away")
        (tmp_path / "others").rename(data)
    else:
        data.unlink()
        data.symlink_to(tmp_path / "others")
    assert (load(data)[0] == 200).all()


def test_a_change_after_a_tick_gives_another_stamp(tmp_path: Path) -> None:
    """The clock of a file system stands still for some milliseconds."""
    for round_ in range(5):
        write_greys(tmp_path, round_, 1)
        before = stamp(tmp_path / "0.bmp")
        time.sleep(TICK)
        write_greys(tmp_path, 200 + round_, 1)
        assert stamp(tmp_path / "0.bmp") != before


def test_a_scan_waits_for_a_tick_after_the_stamps_and_before_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written in between, perhaps with the same ctime, is what is decoded then."""
    write_greys(tmp_path / "faces", 40, 1)
    done: list[object] = []

    def stamped(path: Path) -> str:
        done.append("stamp")
        return "same"

    def read(*form: Any) -> image_files.Loaded:
        done.append("read")
        return image_files.load_image(*form)

    monkeypatch.setattr(folder, "stamp", stamped)
    monkeypatch.setattr(time, "sleep", done.append)
    monkeypatch.setattr(folder, "load_image", read)
    load(tmp_path / "faces")
    assert done == ["stamp", TICK, "read", "stamp"]


def test_where_times_are_coarse_the_content_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on FAT and on Windows, where inodes and ctimes say nothing of the content."""
    monkeypatch.setattr(arrays, "COARSE_NS", 1)
    write_greys(tmp_path / "faces", 40)
    load(tmp_path / "faces")
    for path in (tmp_path / "faces").iterdir():
        path.chmod(0o640)
    assert not any(line.startswith("wrote") for line in load(tmp_path / "faces")[1])
    write_greys(tmp_path / "faces", 200)
    assert (load(tmp_path / "faces")[0] == 200).all()
    os.mkfifo(tmp_path / "pipe")
    modified = (tmp_path / "pipe").stat().st_mtime_ns
    assert stamp(tmp_path / "pipe") == f"0 {modified} True", "it is not opened: that would not end"


def test_older_arrays_of_the_same_folder_and_settings_are_deleted_and_others_are_not(
    tmp_path: Path,
) -> None:
    write_greys(tmp_path / "faces", 40)
    write_greys(tmp_path / "faces-2", 99)
    (tmp_path / "faces" / "bad.bmp").touch()
    for name, pattern, size in (("faces-2", "*.bmp", 8), ("faces", "[01].bmp", 8)):
        load(tmp_path / name, pattern, size)
    mapped, _ = load(tmp_path / "faces")
    load(tmp_path / "faces", size=4)
    before = set((tmp_path / ".arrays").iterdir())
    assert len(before) == 4 + 2, "two of them with a list of skipped files"
    (tmp_path / "faces" / "0.bmp").chmod(0o640)
    _, said = load(tmp_path / "faces")
    assert said[1] == "deleted 1 older array of the same folder (0 MiB)"
    assert (mapped == 40).all(), "who has it mapped keeps it"
    left = set((tmp_path / ".arrays").iterdir())
    assert (len(left - before), len(before - left)) == (2, 2)


def test_two_files_of_one_size_and_the_same_times_have_other_stamps(tmp_path: Path) -> None:
    """As where two are written within a step of the clock: their inodes tell them apart."""
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    real = (tmp_path / "a").stat()
    times = {"st_mtime_ns": real.st_mtime_ns, "st_ctime_ns": 1_500_000_000_000_000_001}

    class Fixed(type(tmp_path)):  # type: ignore[misc]
        def stat(self, **_: Any) -> Any:
            of_itself = os.stat(self)
            known = {"st_size": 1, "st_mode": of_itself.st_mode, "st_ino": of_itself.st_ino}
            return types.SimpleNamespace(**known, **times)

    assert stamp(Fixed(tmp_path / "a")) == stamp(Fixed(tmp_path / "a"))
    assert stamp(Fixed(tmp_path / "a")) != stamp(Fixed(tmp_path / "b"))


def test_each_csv_that_chooses_files_has_an_array_of_its_own(tmp_path: Path) -> None:
    """A run by one CSV does not delete the array of a run by another."""
    write_greys(tmp_path / "faces", 40)
    found = find_images(tmp_path / "faces", "*.bmp")
    for _ in range(2):
        for name, count in (("a.csv", 2), ("b.csv", 3)):
            chosen = found._replace(files=found.files[:count], listed_in=tmp_path / name)
            form, arrays = Geometry(None, (8, 8)), tmp_path / ".arrays"
            said: list[str] = []
            load_folder(tmp_path / "faces", chosen, form, None, arrays, say=said.append)
    assert not any(line.startswith("wrote") for line in said)
    assert len(list((tmp_path / ".arrays").glob("*.u8"))) == 2


SCAN = """
from pathlib import Path
from datasets import folder, image_files
data = Path({!r}) / "faces"
found, form = folder.find_images(data, "*.bmp"), image_files.Geometry(None, (8, 8))
pixels = folder.load_folder(data, found, form, 1, data.parent / ".arrays", say=print).pixels
assert pixels.shape == (200, 8, 8, 1)
assert (pixels == 40).all()
"""


def test_two_scans_at_once_both_get_their_images(tmp_path: Path) -> None:
    write_greys(tmp_path / "faces", 40, 200)
    with ThreadPoolExecutor(4) as pool:
        script = SCAN.format(str(tmp_path))
        runs = [
            pool.submit(subprocess.run, [sys.executable, "-c", script], cwd=PROJECT, check=True)
            for _ in range(4)
        ]
    assert [run.result().returncode for run in runs] == [0] * 4
    assert len(list((tmp_path / ".arrays").iterdir())) == 1


def test_pixels_and_description_are_of_one_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two scans that end at the same time, one had no memory for an image: the other must not
    take its pixels for an array that has that image."""
    write_greys(tmp_path / "faces", 40)
    shorter = {"shape": [2, 8, 8, 1], "files": vars(Report(2, [("1.bmp", "no memory")]))}
    real = folder.delete_older

    def replaced(path: Path) -> str:
        path.write_bytes(bytes(2 * 64) + described(shorter))
        return real(path)

    monkeypatch.setattr(folder, "delete_older", replaced)
    pixels, said = load(tmp_path / "faces")
    assert len(pixels) == 2
    assert "3 files found, 2 used, 1 skipped" in said


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        bytes(8),
        b"\xff" * 8,
        b"[]" + (2).to_bytes(8, "little"),
        b"{}" + (2).to_bytes(8, "little"),
        b"\xff\xff" + (2).to_bytes(8, "little"),
        b"12" + described({"shape": [3]}),
        b"12" + described({"shape": [2.0]}),
        b"12" + described({"shape": 2}),
        b"12" + described({"shape": [2]})[1:],
    ],
)
def test_what_is_not_a_whole_array_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.u8").write_bytes(content)
    assert open_array(tmp_path / "a.u8") is None
    assert open_array(tmp_path / "b.u8") is None
    os.mkfifo(tmp_path / "c.u8")
    assert open_array(tmp_path / "c.u8") is None
    assert open_array(tmp_path) is None


def test_a_folder_with_the_longest_name_has_an_array(tmp_path: Path) -> None:
    data = tmp_path / ("n" * 255)
    write_greys(data, 40)
    load(data)
    assert not any(line.startswith("wrote") for line in load(data)[1])


def test_a_read_only_folder_of_arrays_still_gives_the_array_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_greys(tmp_path / "faces", 40)
    (tmp_path / "faces" / "bad.bmp").touch()
    load(tmp_path / "faces")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(folder, "writable", lambda _: temporary)
    pixels, said = load(tmp_path / "faces")
    assert len(pixels) == 3
    assert not any(line.startswith("wrote") for line in said)
    (listed,) = temporary.iterdir()
    assert f"all skipped files: {listed}" in said
