"""Arrays kept on disk: whole or made again, never run."""

from pathlib import Path

import numpy as np

from metrics.kept import digest_of, read_arrays, write_arrays


def test_what_was_written_is_read(tmp_path: Path) -> None:
    lines: list[str] = []
    path, arrays = tmp_path / "new/a.npz", {"a": np.arange(4), "space": np.array("mnist 1")}
    assert read_arrays(path, lines.append) == {}
    write_arrays(path, arrays, lines.append)
    assert lines[0].startswith(f"wrote {path}")
    found = read_arrays(path, lines.append)
    assert found["a"].tolist() == [0, 1, 2, 3]
    assert str(found["space"]) == "mnist 1"


def test_a_damaged_file_is_named_and_made_again(tmp_path: Path) -> None:
    lines: list[str] = []
    path = tmp_path / "a.npz"
    write_arrays(path, {"a": np.arange(1000)}, lines.append)
    whole = path.read_bytes()
    objects = tmp_path / "objects.npz"
    np.savez(objects, a=np.array([{}], dtype=object))
    flipped = whole[:500] + bytes([whole[500] ^ 1]) + whole[501:]
    for content in (whole[:-9], flipped, b"", b"[]", objects.read_bytes()):
        path.write_bytes(content)
        assert read_arrays(path, lines.append) == {}
        assert f"{path} is damaged" in lines[-1]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    lines: list[str] = []
    (tmp_path / "file").touch()
    write_arrays(tmp_path / "file/a.npz", {"a": np.arange(3)}, lines.append)
    assert lines[0].startswith("not kept for the next time: ")


def test_any_change_gives_another_digest() -> None:
    pixels = np.arange(12, dtype=np.uint8)
    changed = pixels.copy()
    changed[7] += 1
    others = [changed, pixels.reshape(3, 4), pixels.astype(np.int8)]
    digests = {digest_of(array, "mnist") for array in (pixels, *others)}
    assert len(digests | {digest_of(pixels, "pixels")}) == 5
    assert digest_of(pixels, "mnist") == digest_of(pixels[:], "mnist")
