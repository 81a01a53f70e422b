"""archives.py: files below one folder, all of them or none, also from malicious archives."""

import contextlib
import errno
import gzip
import io
import random
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import unicodedata
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from makers import PROJECT

from downloads.archives import extract, publish, sweep, without_single_top
from support.errors import RunError, UserError
from support.files import folder_aside

NOISE = random.Random(0).randbytes(5000)  # does not shrink
Files = list[tuple[str, bytes]]
Pack = Callable[[Path, Files], Path]


def pack_zip(folder: Path, files: Files) -> Path:
    path = folder / "a.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in files:
            archive.writestr(name, content)
    return path


TarMode = Literal["w", "w:gz", "w:bz2", "w:xz"]


def pack_tar(folder: Path, files: Files, mode: TarMode = "w:gz") -> Path:
    path = folder / "a.tar"
    with tarfile.open(path, mode) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(params=[pack_zip, pack_tar], ids=["zip", "tar"])
def pack(request: pytest.FixtureRequest) -> Pack:
    return request.param


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "below" / "target"
    path.mkdir(parents=True)
    return path


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_files_come_out_as_they_went_in(pack: Pack, tmp_path: Path, target: Path) -> None:
    files = {"top/a.jpg": NOISE, "top/sub/b.jpg": b"", "./c.jpg": b"c"}
    assert extract(pack(tmp_path, list(files.items())), target) == 3
    assert files_in(target) == {name.removeprefix("./"): files[name] for name in files}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_may_be_compressed_in_any_way(tmp_path: Path, target: Path, mode: TarMode) -> None:
    assert extract(pack_tar(tmp_path, [("a.jpg", NOISE)], mode), target) == 1
    assert files_in(target) == {"a.jpg": NOISE}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../a.jpg", "leads out of the folder"),
        ("top/../../a.jpg", "leads out of the folder"),
        ("top\\..\\..\\a.jpg", "leads out of the folder"),
        ("/tmp/a.jpg", "is an absolute path"),
        ("\\a.jpg", "is an absolute path"),
        ("\\\\host\\share\\a.jpg", "is an absolute path"),
        ("C:\\a.jpg", "is an absolute path"),
        ("c:a.jpg", "is an absolute path"),
        ("a\n.jpg", "cannot be a file name"),
        ("./.", "cannot be a file name"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(
    pack: Pack, tmp_path: Path, target: Path, name: str, message: str
) -> None:
    archive = pack(tmp_path, [("good.jpg", b"g"), (name, b"bad")])
    before = sorted(tmp_path.rglob("a.jpg"))
    with pytest.raises(UserError, match=message) as caught:
        extract(archive, target)
    assert repr(name) in str(caught.value), "the member is named"
    assert sorted(tmp_path.rglob("a.jpg")) == before == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.jpg", "a.jpg"),
        ("a.jpg", "A.JPG"),
        ("ä.jpg", unicodedata.normalize("NFD", "ä.jpg")),
        ("a", "a/b.jpg"),
        ("a/b.jpg", "A"),
        ("a/b.jpg", "a//./b.jpg"),
    ],
)
def test_members_that_would_be_one_file_are_named(
    pack: Pack, tmp_path: Path, target: Path, first: str, second: str
) -> None:
    with pytest.raises(UserError, match="would be one file") as caught:
        extract(pack(tmp_path, [(first, b"1"), (second, b"2")]), target)
    assert repr(second) in str(caught.value)


def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, target: Path) -> None:
    for kind, words in ((stat.S_IFLNK, "a link"), (stat.S_IFCHR, "a device")):
        info = zipfile.ZipInfo("evil.jpg")
        info.external_attr = (kind | 0o777) << 16
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(info, "/etc/passwd")
        with pytest.raises(UserError, match=f"'evil.jpg' is {words}"):
            extract(tmp_path / "a.zip", target)
    assert not list(target.iterdir())


@pytest.mark.parametrize(
    "name",
    [
        "d/" * 1500 + "a.jpg",
        "d/" * 500 + "a.jpg",
        "a" * 300 + ".jpg",
        "a" * 5000,
        ("d" * 200 + "/") * 25 + "a.jpg",
    ],
    ids=["1500 deep", "500 deep", "300 letters", "5000 letters", "5000 letters in folders"],
)
def test_paths_that_are_too_long_are_refused_in_a_short_line(
    pack: Pack, tmp_path: Path, target: Path, name: str
) -> None:
    with pytest.raises(UserError, match=r"a\.(zip|tar): '.*' is too long a path$") as caught:
        extract(pack(tmp_path, [(name, b"x")]), target)
    assert len(str(caught.value)) < 200 + len(str(tmp_path))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, target: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("evil.jpg")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(info)
    with pytest.raises(UserError, match=r"'evil.jpg' is a (link|device)"):
        extract(tmp_path / "a.tar", target)
    assert not list(target.iterdir())


def test_a_link_to_a_folder_cannot_be_written_through(tmp_path: Path, target: Path) -> None:
    link = tarfile.TarInfo("sub")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("sub/evil.jpg"))
    with pytest.raises(UserError, match="'sub' is a link"):
        extract(tmp_path / "a.tar", target)
    assert not (tmp_path / "evil.jpg").exists()


def test_encrypted_members_are_named(tmp_path: Path, target: Path) -> None:
    archive = pack_zip(tmp_path, [("a.jpg", NOISE)])
    content = bytearray(archive.read_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags_at] |= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"'a.jpg' is encrypted"):
        extract(archive, target)


def test_an_archive_of_a_thousand_times_its_size_is_refused(
    pack: Pack, tmp_path: Path, target: Path
) -> None:
    bomb = pack(tmp_path, [("good.jpg", b"g"), ("bomb.jpg", bytes(30_000_000))])
    assert bomb.stat().st_size < 50_000
    with pytest.raises(UserError, match="100 times its own size"):
        extract(bomb, target)
    assert sum(map(len, files_in(target).values())) <= 1


def test_the_sizes_of_many_small_members_add_up(pack: Pack, tmp_path: Path, target: Path) -> None:
    many = pack(tmp_path, [(f"{k}.jpg", bytes(100_000)) for k in range(100)])
    with pytest.raises(UserError, match="100 times its own size"):
        extract(many, target)


def test_a_member_bigger_than_it_says_is_not_written(tmp_path: Path, target: Path) -> None:
    archive = pack_zip(tmp_path, [("a.jpg", NOISE)])
    content = archive.read_bytes()
    archive.write_bytes(content.replace(struct.pack("<I", 5000), struct.pack("<I", 10)))
    with pytest.raises(UserError, match=r"'a\.jpg' is damaged"):
        extract(archive, target)
    assert sum(map(len, files_in(target).values())) <= 10


def test_a_sparse_tar_does_not_fill_the_disk(tmp_path: Path, target: Path) -> None:
    """A few bytes of archive that stand for 8 GB of zeros."""
    info = tarfile.TarInfo("hole.jpg")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "hole.jpg",
        "GNU.sparse.size": str(8 << 30),
        "GNU.sparse.map": f"{8 << 30},0",
    }
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    with pytest.raises(UserError, match=r"'hole.jpg' would unpack to 8.6 GB"):
        extract(tmp_path / "a.tar", target)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
@pytest.mark.parametrize("first", [True, False])
def test_a_name_of_gigabytes_does_not_use_up_the_memory(
    tmp_path: Path, target: Path, kind: bytes, first: bool
) -> None:
    name, good = tarfile.TarInfo("long"), tarfile.TarInfo("good.jpg")
    name.type, name.size = kind, 1 << 33
    with gzip.open(tmp_path / "a.tgz", "wb") as stream:
        for info in [name] if first else [good, name]:
            stream.write(info.tobuf(tarfile.GNU_FORMAT))
        stream.write(bytes(3 << 20))
    with pytest.raises(UserError, match=r"a.tgz (is not a complete zip or tar|is damaged or of)"):
        extract(tmp_path / "a.tgz", target)


def test_too_many_members_are_refused(pack: Pack, tmp_path: Path, target: Path) -> None:
    archive = pack(tmp_path, [(f"{k}.jpg", b"x") for k in range(4)])
    with pytest.raises(UserError, match="more than 3 members"):
        extract(archive, target, most_members=3)


def test_an_archive_too_large_for_the_disk_is_not_begun(
    pack: Pack, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 4999))
    with pytest.raises(RunError, match=r"5\.0 kB free, 5\.0 kB are needed"):
        extract(pack(tmp_path, [("a.jpg", NOISE)]), target)
    assert files_in(target) == {}


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_archive_is_named(pack: Pack, tmp_path: Path, target: Path, part: float) -> None:
    archive = pack(tmp_path, [(f"{k}.jpg", NOISE) for k in range(9)])
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UserError, match=f"{archive}"):
        extract(archive, target)


def test_a_plain_tar_cut_between_members_is_named(tmp_path: Path, target: Path) -> None:
    archive = pack_tar(tmp_path, [("a.jpg", bytes([1]) * 512), ("b.jpg", NOISE)], "w")
    archive.write_bytes(archive.read_bytes()[:1024])
    with pytest.raises(UserError, match="its end is missing"):
        extract(archive, target)


def test_damaged_archives_end_in_one_line(pack: Pack, tmp_path: Path) -> None:
    """Bytes flipped at random: the right files, or a UserError, and nothing else."""
    archive = pack(tmp_path, [(f"{k}.jpg", NOISE[:300]) for k in range(5)])
    content, stream = archive.read_bytes(), random.Random(1)
    for trial in range(150):
        spoilt = bytearray(content)
        for _ in range(3):
            spoilt[stream.randrange(len(spoilt))] = stream.randrange(256)
        archive.write_bytes(spoilt)
        target = tmp_path / f"target{trial}"
        target.mkdir()
        with contextlib.suppress(UserError, RunError):
            extract(archive, target, most_times=10)


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html>quota", b"\x1f\x8bnonsense", gzip.compress(b"no tar", mtime=0)],
    ids=["nothing", "a web page", "half a gzip", "no tar in it"],
)
def test_a_file_that_is_not_an_archive_is_named(
    tmp_path: Path, target: Path, content: bytes
) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"a.zip is not a complete zip or tar archive; it begins"):
        extract(tmp_path / "a.zip", target)


def test_an_empty_archive_is_named(pack: Pack, tmp_path: Path, target: Path) -> None:
    with pytest.raises(UserError, match="holds no files"):
        extract(pack(tmp_path, []), target)


def test_files_added_by_file_managers_are_left_out(
    pack: Pack, tmp_path: Path, target: Path
) -> None:
    files = ["top/a.jpg", "__MACOSX/top/._a.jpg", "top/.DS_Store", "top/Thumbs.db", "top/._b.jpg"]
    assert extract(pack(tmp_path, [(name, b"x") for name in files]), target) == 1
    assert files_in(without_single_top(target)) == {"a.jpg": b"x"}


@pytest.mark.parametrize("name", ["日本語.jpg", "été.jpg", "a b.jpg", "emoji 🎉.jpg", "-rf.jpg"])
def test_names_of_any_language_work(pack: Pack, tmp_path: Path, target: Path, name: str) -> None:
    extract(pack(tmp_path, [(name, b"x")]), target)
    assert files_in(target) == {name: b"x"}


def test_utf8_names_that_are_not_marked_as_such_are_understood(
    tmp_path: Path, target: Path
) -> None:
    """As macOS and some websites pack them."""
    archive = pack_zip(tmp_path, [("日本.jpg", b"x")])
    content = archive.read_bytes()
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        flags = content.index(signature) + at
        content = content[:flags] + b"\0\0" + content[flags + 2 :]
    archive.write_bytes(content)
    extract(archive, target)
    assert files_in(target) == {"日本.jpg": b"x"}


def test_latin1_names_in_a_tar_are_written(tmp_path: Path, target: Path) -> None:
    with tarfile.open(
        tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1"
    ) as archive:
        archive.addfile(tarfile.TarInfo("été.jpg"))
    assert extract(tmp_path / "a.tar", target) == 1


def test_only_a_single_top_folder_is_stripped(tmp_path: Path) -> None:
    (tmp_path / "one" / "top" / "sub").mkdir(parents=True)
    assert without_single_top(tmp_path / "one") == tmp_path / "one" / "top"
    (tmp_path / "one" / "a.jpg").touch()
    assert without_single_top(tmp_path / "one") == tmp_path / "one"


def test_a_hidden_folder_is_deleted_if_it_is_not_published(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "anime"
    with contextlib.suppress(KeyboardInterrupt), folder_aside(folder) as aside:
        (aside / "a.jpg").touch()
        raise KeyboardInterrupt
    assert not list(folder.parent.iterdir())


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    program = (
        f"import os, sys; sys.path.insert(0, {str(PROJECT)!r})\n"
        "from pathlib import Path; from support.files import folder_aside\n"
        f"with folder_aside(Path({str(tmp_path)!r}) / 'anime') as aside:\n"
        "    (aside / 'a.jpg').touch(); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    left = list(tmp_path.iterdir())
    assert len(left) == 1
    assert left[0].name.startswith(".anime.")
    (tmp_path / ".anime.zip.part").touch()
    (tmp_path / ".animes.1.part").mkdir()
    sweep(tmp_path / "anime")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".anime.zip.part", ".animes.1.part"]


def test_a_folder_is_published_whole_and_never_over_another(tmp_path: Path) -> None:
    folder = tmp_path / "anime"
    with folder_aside(folder) as aside:
        (aside / "a.jpg").write_bytes(b"new")
        folder.mkdir()
        (folder / "old.jpg").touch()
        with pytest.raises(OSError, match="not empty"):
            publish(aside, folder)
        (folder / "old.jpg").unlink()
        publish(aside, folder)
    assert files_in(folder) == {"a.jpg": b"new"}


def unpack_aside(archive: Path, folder: Path) -> None:
    with folder_aside(folder) as aside:
        extract(archive, aside)


def test_a_disk_that_fills_up_is_left_empty(
    pack: Pack, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack(tmp_path, [(f"{k}.jpg", NOISE * 3) for k in range(9)])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1 << 40))
    with pytest.raises(OSError, match="No space left") as caught:
        unpack_aside(archive, small_disk / "anime")
    assert caught.value.errno == errno.ENOSPC
    assert not list(small_disk.iterdir())
