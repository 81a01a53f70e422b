"""Archives of images become folders of images, from hosts and by hand."""

from pathlib import Path

import pytest
from hosts import Host, cut_after, in_turn, status
from hosts import Request as Req
from makers import Fails, write_jpegs
from tiny_sets import ARCHIVE, IMAGES, change, files_in, visible, zipped

import download
from download import main


def files_in_and_below(folder: str) -> list[str]:
    """The names of all files except the lock and the note of how many there are."""
    names = (p.name for p in Path(folder).rglob("*") if p.is_file())
    return [name for name in names if name not in (".celebA.lock", ".celebA.json")]


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
def test_files_that_others_put_there_are_not_touched(
    host: Host, tmp_path: Path, fails: Fails, by_hand: bool
) -> None:
    (tmp_path / "b.zip").write_bytes(ARCHIVE)
    write_jpegs(tmp_path / "data" / "celebA", 3)
    before = files_in("data/celebA")
    line = fails(2, "celebA", *(["--from", "b.zip"] if by_hand else []))
    assert "data/celebA holds 3 files that download.py did not put there" in line
    assert files_in("data/celebA") == before
    assert host.paths == []


def test_a_complete_folder_placed_by_hand_is_accepted(host: Host, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data" / "celebA", 5)
    assert main(["celebA"]) == 0
    assert host.paths == []


def test_an_empty_folder_of_that_name_is_replaced(host: Host) -> None:
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


def test_a_failure_says_how_to_do_it_by_hand(host: Host, fails: Fails) -> None:
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


def test_a_cut_connection_is_resumed(host: Host) -> None:
    host.manner = cut_after(2000)
    assert main(["celebA"]) == 0
    assert files_in("data/celebA") == IMAGES


def test_images_by_hand_must_be_the_known_archive(host: Host, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "b.zip").write_bytes(ARCHIVE)
    assert main(["celebA", "--from", "b.zip"]) == 0
    assert files_in("data/celebA") == IMAGES
    assert (tmp_path / "b.zip").exists()
    (tmp_path / "c.zip").write_bytes(ARCHIVE + b" ")
    Path("data/celebA").rename("data/away")
    assert "c.zip is not a.zip: wrong content: its sha256 begins" in fails(
        2, "celebA", "--from", "c.zip"
    )
    assert not Path("data/celebA").exists()


PNG = ' --input_fname_pattern "*.png"'


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        (IMAGES, ""),
        ({"a.png": b"1", "b.png": b"2", "c.jpg": b"3"}, PNG),
        ({"x/a.jpg": b"1", "y/a.jpg": b"2"}, ' --input_fname_pattern "**/*.jpg"'),
        ({".x/a.jpg": b"1", ".x/b.jpg": b"2", ".c.jpg": b"3", "d.png": b"4"}, PNG),
        ({"A.JPG": b"1"}, ' --input_fname_pattern "*.JPG"'),
    ],
)
def test_any_archive_of_images_becomes_a_data_set(
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
        (b"<!DOCTYPE html><title>Quota</title>", "is not a complete zip or tar archive"),
        (zipped(IMAGES)[:-200], "is a zip whose end is missing: fetch it again"),
    ],
)
def test_an_unusable_archive_is_named_and_leaves_nothing(
    host: Host, tmp_path: Path, fails: Fails, content: bytes, message: str
) -> None:
    (tmp_path / "faces.zip").write_bytes(content)
    assert message in fails(2, "anime", "--from", "faces.zip")
    assert visible("data") == []
    assert not list(tmp_path.rglob("*.jpg"))
