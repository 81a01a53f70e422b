"""LSUN's database becomes image files."""

import io
import os
import sys
from pathlib import Path

import pytest
from hosts import Host
from makers import Fails
from PIL import Image
from tiny_sets import ARCHIVE, files_in, visible, zipped

from download import main


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


def test_a_database_without_images_is_named(host: Host, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "l.zip").write_bytes(database(tmp_path / "lmdb", {b"a": b"RIFF but no WebP"}))
    assert "the value of b'a' is not JPEG, PNG or WebP" in fails(2, "lsun", "--from", "l.zip")
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
