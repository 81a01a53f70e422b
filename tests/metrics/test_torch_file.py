"""PyTorch's older files are read without running them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from metrics.torch_file import read_weights
from support.errors import RunError

MAGIC = b"\x80\x02\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."
NOTHING = b"\x80\x02}."
ORDERED = b"ccollections\nOrderedDict\n)R"


def word(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"


def tensor(name: str, key: str, count: int, shape: tuple, strides: tuple, kind: str) -> bytes:
    """A line of a state_dict, as PyTorch writes it."""
    storage = f"ctorch\n{kind}\n".encode()
    storage = b"(" + word("storage") + storage + word(key) + word("cpu") + b"K" + bytes([count])
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"NtQK\x00"
    return word(name) + call + numbers(shape) + numbers(strides) + b"\x89" + ORDERED + b"tRs"


def write(path: Path, described: bytes, keys: list[str], content: bytes) -> Path:
    listed = b"\x80\x02](" + b"".join(map(word, keys)) + b"e."
    path.write_bytes(MAGIC + NOTHING * 2 + b"\x80\x02" + described + b"." + listed + content)
    return path


def stored(values: np.ndarray) -> bytes:
    return struct.pack("<q", len(values)) + values.tobytes()


def test_each_tensor_has_its_own_shape_whatever_its_strides(tmp_path: Path) -> None:
    by_columns = tensor("a", "1", 6, (2, 3), (1, 2), "FloatStorage")
    count = tensor("b", "2", 1, (), (), "LongStorage")
    content = stored(np.arange(6, dtype="<f4")) + stored(np.array([7], "<i8"))
    path = write(tmp_path / "a.pth", ORDERED + by_columns + count, ["1", "2"], content)
    found = read_weights(path)
    assert found["a"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert found["a"].dtype == np.float32
    assert found["b"] == 7


@pytest.mark.parametrize(
    "described",
    [
        b"cos\nsystem\n(" + word("touch called") + b"tR",  # what loading it would call
        b"(" + word("touch called") + b"ios\nsystem\n",
        ORDERED + tensor("a", "1", 6, (2, 4), (1, 2), "FloatStorage"),
        ORDERED + tensor("a", "1", 5, (2, 2), (1, 2), "FloatStorage"),
        ORDERED + tensor("a", "1", 6, (2, 3), (1, 2), "HalfStorage"),
        b"",
    ],
)
def test_nothing_is_called_and_what_does_not_fit_is_refused(
    described: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "a.pth", described, ["1"], stored(np.arange(6, dtype="<f4")))
    with pytest.raises(RunError, match="pth cannot be read"):
        read_weights(path)
    assert not Path("called").exists()
