"""A folder becomes an array once; what is skipped is counted and named."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import PROJECT, write_jpegs
from PIL import Image

import download
from datasets import folder, image_files
from datasets.folder import FETCHED, find_images
from datasets.image_files import Geometry, Loaded, UnreadableError, load_image
from support.errors import RunError, UserError
from support.text import printable

GEOMETRY = Geometry((90, 80), (12, 10))


def load(
    data: Path,
    pattern: str = "*.jpg",
    geometry: Geometry = GEOMETRY,
    c_dim: int | None = None,
    say: Callable[[str], object] = print,
    **options: Any,
) -> np.ndarray:
    found = find_images(data, pattern)
    arrays = data.parent / ".arrays"
    return folder.load_folder(data, found, geometry, c_dim, arrays, say=say, **options).pixels


def write_again(path: Path, content: bytes) -> None:
    """Other content of the same size, with the same time as before."""
    before = path.stat()
    path.write_bytes(content[: before.st_size].ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_array_holds_every_image_in_the_order_of_names(tmp_path: Path) -> None:
    paths = write_jpegs(tmp_path / "anime", 5)
    array = load(tmp_path / "anime")
    assert array.shape == (5, 12, 10, 3)
    for row, path in zip(array, paths, strict=True):
        np.testing.assert_array_equal(row, load_image(path, GEOMETRY, 3).pixels)


def test_more_files_than_are_decoded_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    paths = write_jpegs(tmp_path / "anime", 20)
    array = load(tmp_path / "anime")
    np.testing.assert_array_equal(array[19], load_image(paths[19], GEOMETRY, 3).pixels)


def test_grey_images_have_one_channel_and_one_in_colour_makes_three(tmp_path: Path) -> None:
    data = tmp_path / "grey"
    data.mkdir()
    for name in "ab":
        Image.new("L", (20, 20)).save(data / f"{name}.png")
    assert load(data, "*.png").shape == (2, 12, 10, 1)
    Image.new("RGB", (20, 20)).save(data / "c.png")
    assert load(data, "*.png").shape == (3, 12, 10, 3)
    assert load(data, "*.png", c_dim=1).shape == (3, 12, 10, 1)


def test_the_second_time_nothing_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_jpegs(tmp_path / "anime", 3)
    first = np.array(load(tmp_path / "anime"))
    decoded: list[Path] = []

    def counting(path: Path, *form: Any) -> Loaded:
        decoded.append(path)
        return load_image(path, *form)

    monkeypatch.setattr(folder, "load_image", counting)
    again = load(tmp_path / "anime")
    np.testing.assert_array_equal(first, again)
    assert not decoded
    os.utime(paths[1], ns=(1, 1))
    load(tmp_path / "anime")
    assert len(decoded) == 3, "a touched file is read again"
    load(tmp_path / "anime", geometry=Geometry(None, (12, 10)))
    assert len(decoded) == 6, "so is everything for another crop"


def test_what_cannot_be_read_is_counted_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "my ünïcode folder"
    good = write_jpegs(data, 5)
    (data / "empty.jpg").touch()
    (data / "text.jpg").write_text("no image")
    (data / "half.jpg").write_bytes(good[0].read_bytes()[:700])
    (data / "nowhere.jpg").symlink_to(data / "gone")
    (data / "folder.jpg").mkdir()
    for _ in range(2):  # said again when the array is there already
        assert len(load(data)) == 5
        said = capsys.readouterr().out
        assert "9 files found, 5 used, 4 skipped" in said
        assert "skipped 1 (empty file): empty.jpg" in said
        assert "skipped 1 (not an image): text.jpg" in said
        assert "skipped 1 (damaged image): half.jpg" in said
        assert "skipped 1 (link to nowhere): nowhere.jpg" in said


def test_only_unreadable_files_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(
        UserError, match=r"1 of 1 files cannot be used, 1 of them \(not an image\): a\.jpg"
    ):
        load(tmp_path)


def test_images_too_large_for_the_memory_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jpegs(tmp_path, 2, 8, 8)
    Image.new("RGB", (400, 400)).save(tmp_path / "bomb.jpg")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 10_000)
    assert len(load(tmp_path)) == 2
    assert "skipped 1 (too many pixels): bomb.jpg" in capsys.readouterr().out


def test_a_pattern_can_search_below(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data" / "a" / "b", 2)
    write_jpegs(tmp_path / "data" / "c", 1)
    assert len(find_images(tmp_path / "data", "**/*.jpg").files) == 3
    write_jpegs(tmp_path / "data", 1)
    (tmp_path / "data/a/x.png").write_bytes(b"")
    said: list[str] = []
    load(tmp_path / "data", say=said.append)
    assert said[-2:] == [
        "other pictures, which *.jpg does not match: 1 .png",
        "left out 3 (in folders that *.jpg does not search): a/b/00000.jpg, a/b/00001.jpg, "
        'c/00000.jpg; to take them, --input_fname_pattern "**/*.jpg", or --labels, which makes a '
        "class of each sub-folder",
    ]


def test_no_pattern_is_advised_for_hidden_files(tmp_path: Path) -> None:
    """Which glob passes over."""
    write_jpegs(tmp_path / ".thumbnails", 3)
    (tmp_path / "deep").mkdir()
    for name in (".a.png", "deep/b.png"):
        Image.new("L", (8, 8)).save(tmp_path / name)
    with pytest.raises(
        UserError, match=r'There are 1 \.png, in sub-folders; try .*pattern "\*\*/\*\.png"$'
    ):
        find_images(tmp_path, "*.jpg")


def test_a_missing_folder_that_download_py_makes_is_named_with_the_command(tmp_path: Path) -> None:
    assert {
        name for name, of in download.DATA_SETS.items() if isinstance(of, download.ImageSet)
    } == FETCHED
    fetch = rf"Type: python download\.py celebA --data_dir {tmp_path}\. Or unpack"
    with pytest.raises(UserError, match=fetch):
        find_images(tmp_path / "celebA", "*.jpg")


def test_a_missing_folder_is_named_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    with pytest.raises(UserError, match=r"no folder .*anime; .* holds faces"):
        find_images(tmp_path / "anime", "*.jpg")


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("a.PNG", r'1 \.PNG; try --input_fname_pattern "\*\.PNG"'),
        ("deep/er/a.png", r'try --input_fname_pattern "\*\*/\*\.png"'),
        ("a.txt", r"1 \.txt, no pictures"),
    ],
)
def test_without_a_match_the_error_says_what_is_there(tmp_path: Path, file: str, hint: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(UserError, match=hint):
        find_images(tmp_path, "*.jpg")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The folder is empty"):
        find_images(tmp_path, "*.jpg")


def test_patterns_stay_below_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="below"):
        find_images(tmp_path, "/etc/*")


def test_an_array_cut_short_is_made_again(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "anime", 3)
    whole = np.array(load(tmp_path / "anime"))
    (array,) = (tmp_path / ".arrays").glob("*.u8")
    array.write_bytes(array.read_bytes()[:-1])
    np.testing.assert_array_equal(load(tmp_path / "anime"), whole)


def test_an_array_that_cannot_be_written_goes_to_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jpegs(tmp_path / "anime", 3)
    (tmp_path / ".arrays").write_text("in the way")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    assert len(load(tmp_path / "anime")) == 3
    assert list((tmp_path / "temporary" / f"dcgan-arrays-{os.getuid()}").glob("anime-*.u8"))


def nasty(data: Path) -> None:
    """Nine good files, and a file of each kind that is skipped."""
    good = write_jpegs(data, 9, 20, 20)
    (data / "empty.jpg").touch()
    (data / "half.jpg").write_bytes(good[0].read_bytes()[:700])
    (data / "link.jpg").symlink_to(data / "gone")
    (data / "round.jpg").symlink_to(data / "round.jpg")
    os.mkfifo(data / "pipe.jpg")
    (data / "text\n\x1b[31m.jpg").write_text("no image")
    (data / os.fsdecode(b"latin-\xe4.jpg")).write_text("no image")
    (data / "folder.jpg").mkdir()


def test_the_report_names_every_kind_and_is_said_at_every_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nasty(tmp_path / "nasty")
    for first in (True, False):
        said: list[str] = []
        load(tmp_path / "nasty", say=said.append)
        if first:
            assert said.pop(0).startswith("wrote ")
        (listed,) = (tmp_path / ".arrays").glob("*.skipped.txt")
        assert said == [
            "16 files found, 9 used, 7 skipped",
            "skipped 2 (not an image): latin-\\xe4.jpg, text\\n\\x1b[31m.jpg",
            "skipped 2 (link to nowhere): link.jpg, round.jpg",
            "skipped 1 (empty file): empty.jpg",
            "skipped 1 (damaged image): half.jpg",
            "skipped 1 (not a regular file): pipe.jpg",
            f"all skipped files: {listed}",
            "passed over 1 (folders): folder.jpg",
            "converted 9 (enlarged to cover the crop)",
        ]
    assert capsys.readouterr().out == "", "nothing is printed but by `say`"


def test_each_skipped_file_is_a_line_of_the_list(tmp_path: Path) -> None:
    nasty(tmp_path / "nasty")
    load(tmp_path / "nasty")
    (listed,) = (tmp_path / ".arrays").glob("nasty-*.skipped.txt")
    assert listed.read_text().splitlines() == [
        "empty file\tempty.jpg",
        "damaged image\thalf.jpg",
        "not an image\tlatin-\\xe4.jpg",
        "link to nowhere\tlink.jpg",
        "not a regular file\tpipe.jpg",
        "link to nowhere\tround.jpg",
        "not an image\ttext\\n\\x1b[31m.jpg",
    ]
    listed.unlink()
    load(tmp_path / "nasty")
    assert listed.exists(), "written again"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain ünï 名.jpg", "plain ünï 名.jpg"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("back\\slash", "back\\\\slash"),
        ("\udcff\xff\x85\u2028", "\\xff\xff\\u0085\\u2028"),
    ],
)
def test_names_are_printed_on_one_line_and_stay_distinct(name: str, shown: str) -> None:
    assert printable(name) == shown


def test_a_file_that_vanished_since_it_was_listed_is_counted(tmp_path: Path) -> None:
    paths = write_jpegs(tmp_path / "anime", 4)
    found, said = find_images(tmp_path / "anime", "*.jpg"), list[str]()
    paths[2].unlink()
    arrays = tmp_path / ".arrays"
    folder.load_folder(tmp_path / "anime", found, GEOMETRY, None, arrays, say=said.append)
    assert "4 files found, 3 used, 1 skipped" in said
    assert "skipped 1 (vanished since it was listed): 00002.jpg" in said


@pytest.mark.parametrize("change", ["written", "deleted", "forbidden"])
def test_a_file_that_changes_while_it_is_decoded_is_refused_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Else the array would be taken for that of the files as they were before."""
    paths = write_jpegs(tmp_path / "anime", 4)

    def changing(path: Path, *form: Any) -> Loaded:
        loaded = load_image(path, *form)
        if path == paths[2] and change == "written":
            write_again(path, paths[1].read_bytes())
        elif path == paths[2]:
            path.unlink() if change == "deleted" else path.chmod(0)
        return loaded

    monkeypatch.setattr(folder, "load_image", changing)
    with pytest.raises(
        RunError, match=r"00002\.jpg changed while .*anime was decoded: start again"
    ):
        load(tmp_path / "anime")
    assert not list((tmp_path / ".arrays").iterdir())


def test_more_than_half_bad_is_refused_in_one_line_unless_allowed(tmp_path: Path) -> None:
    data = tmp_path / "bad"
    write_jpegs(data, 2)
    for name in "abcde":
        (data / f"{name}.jpg").write_text("no image")
    (data / "empty.jpg").touch()
    for _ in range(2):  # also when the array is there
        with pytest.raises(UserError) as caught:
            load(data)
        (listed,) = (tmp_path / ".arrays").glob("*.skipped.txt")
        assert str(caught.value) == (
            f"{data}: 6 of 8 files cannot be used, 5 of them (not an image): a.jpg, b.jpg, "
            f"c.jpg, ...; all are listed in {listed}; --allow_bad trains on the other 2"
        )
    assert len(load(data, allow_bad=True)) == 2
    write_jpegs(data, 6)
    assert len(load(data)) == 6, "half bad is not more than half"


def test_nothing_left_is_refused_even_if_allowed(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_text("no image")
    for _ in range(2):
        with pytest.raises(UserError, match=r"1 of 1 files cannot be used.*skipped\.txt$"):
            load(tmp_path / "bad", allow_bad=True)


def test_another_background_is_another_array(tmp_path: Path) -> None:
    data = tmp_path / "faces"
    data.mkdir()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(data / "a.png")
    for colour in ((255, 255, 255), (0, 99, 0), (255, 255, 255)):
        assert (load(data, "*.png", background=colour) == colour).all()
    assert len(list((tmp_path / ".arrays").glob("*.u8"))) == 2


def test_a_file_that_may_now_be_read_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights change without the time of the file."""
    paths = write_jpegs(tmp_path / "anime", 3)

    def refusing(path: Path, *form: Any) -> Loaded:
        if path == paths[1]:
            raise UnreadableError("no permission")
        return load_image(path, *form)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "load_image", refusing)
        patch.setattr(os, "access", lambda path, _: path != paths[1])
        assert len(load(tmp_path / "anime")) == 2
    assert len(load(tmp_path / "anime")) == 3


def test_a_link_that_leads_back_is_refused(tmp_path: Path) -> None:
    """Below it, ** would find each file forty times, and with two such links never end."""
    write_jpegs(tmp_path / "a", 2)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "a" / "other").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="is a link to a folder above it"):
        find_images(tmp_path, "**/*.jpg")


def test_folders_nested_too_deep_are_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    deep = os.open(data, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=deep)
        deeper = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    try:
        for pattern in ("**/*.jpg", "*.jpg"):
            with pytest.raises(UserError, match="data: its folders are nested too deep"):
                find_images(data, pattern)
    finally:
        subprocess.run(["rm", "-r", str(data)], check=True)  # Python's rmtree fails there too


def test_links_to_other_folders_are_followed(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "elsewhere", 2)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "part").symlink_to(tmp_path / "elsewhere")
    assert len(find_images(tmp_path / "data", "**/*.jpg").files) == 2


SCAN = """
import sys, pathlib, time
from datasets import folder, image_files
load_image = folder.load_image
folder.load_image = lambda *form: (time.sleep(0.05), load_image(*form))[1]
data = pathlib.Path(sys.argv[1])
found = folder.find_images(data, "*.jpg")
folder.load_folder(
    data, found, image_files.Geometry(None, (8, 8)), 3, data.parent / ".arrays", say=print
)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_scan_that_is_killed_leaves_nothing_that_is_taken_for_whole(
    tmp_path: Path, number: signal.Signals
) -> None:
    write_jpegs(tmp_path / "anime", 400, 8, 8)
    arrays = tmp_path / ".arrays"
    with subprocess.Popen(
        [sys.executable, "-c", SCAN, str(tmp_path / "anime")], cwd=PROJECT
    ) as process:
        while not list(arrays.glob(".anime-*.part.u8")):
            time.sleep(0.01)
            assert process.poll() is None
        process.send_signal(number)
    (left,) = arrays.iterdir()
    assert left.name.startswith(".")
    os.utime(left, (1, 1))
    load(tmp_path / "anime")
    assert not left.exists(), "swept at the next start"
