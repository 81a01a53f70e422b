"""A folder becomes an array once; what is skipped is counted and named."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import write_jpegs
from PIL import Image

import folder
import images
from errors import UserError
from folder import find_images
from images import Geometry, Loaded, load_image

GEOMETRY = Geometry((90, 80), (12, 10))


def load(
    data: Path, pattern: str = "*.jpg", geometry: Geometry = GEOMETRY, c_dim: int | None = None
) -> np.ndarray:
    return folder.load_folder(data, pattern, geometry, c_dim, data.parent / ".arrays")


def test_the_array_holds_every_image_in_the_order_of_names(tmp_path: Path) -> None:
    paths = write_jpegs(tmp_path / "anime", 5)
    array = load(tmp_path / "anime")
    assert array.shape == (5, 12, 10, 3)
    for row, path in zip(array, paths, strict=True):
        np.testing.assert_array_equal(row, load_image(path, GEOMETRY, 3).pixels)


def test_more_files_than_are_decoded_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "AHEAD", 1)
    paths = write_jpegs(tmp_path / "anime", 5)
    array = load(tmp_path / "anime")
    np.testing.assert_array_equal(array[4], load_image(paths[4], GEOMETRY, 3).pixels)


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
    monkeypatch.setattr(images, "MAX_PIXELS", 10_000)
    assert len(load(tmp_path)) == 2
    assert "skipped 1 (too many pixels): bomb.jpg" in capsys.readouterr().out


def test_a_pattern_can_search_below(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "a" / "b", 2)
    write_jpegs(tmp_path / "c", 1)
    assert len(find_images(tmp_path, "**/*.jpg").files) == 3


def test_a_missing_folder_is_told_with_its_neighbours(tmp_path: Path) -> None:
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
def test_no_match_tells_what_is_there(tmp_path: Path, file: str, hint: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(UserError, match=hint):
        find_images(tmp_path, "*.jpg")


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
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


def test_data_that_cannot_be_written_beside_go_to_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jpegs(tmp_path / "anime", 3)
    (tmp_path / ".arrays").write_text("in the way")
    monkeypatch.setattr(folder.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    assert len(load(tmp_path / "anime")) == 3
    assert list((tmp_path / "temporary" / "dcgan-arrays").glob("anime-*.u8"))
