"""Arrays in files of NumPy's format: written a part at a time, read without trusting the file."""

import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from support.errors import UserError, one_line
from support.files import written_aside

MOST_HEADER = 10_000  # letters, as NumPy reads at most
HEADER = (
    r"'descr': *'([<>|=]?[a-zA-Z?]\d{0,9})'",
    r"'fortran_order': *(True|False)",
    r"'shape': *(\((?:\d{1,18}, *)*(?:\d{1,18})?\))",
)
ALONE = re.compile(rf"\{{(?:{'|'.join(HEADER)}|[, ])*\}} *\n?")  # these, and nothing else


def write_npy(path: Path, dtype: str, shape: tuple[int, ...], blocks: Iterable[np.ndarray]) -> Path:
    """Write an array as NumPy's .npy, some rows at a time, as dtype "<f4" or "|u1"; -> the path."""
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    with written_aside(path) as aside, aside.open("wb") as out:
        np.lib.format.write_array_header_1_0(out, header)
        for block in blocks:
            out.write(block.astype(dtype).tobytes())
    return path


def read_npy(
    path: Path, fits: Callable[[np.dtype, tuple[int, ...]], bool], wanted: str, flag: str = ""
) -> np.ndarray:
    """The array in a .npy file, mapped from disk.

    fits: whether its type and shape are those of what is `wanted`, in words. flag: what stands
    before the path in a message.

    Raises:
        UserError: the file is missing, broken, or holds something else.
    """
    name = f"{flag}{path}"
    try:
        if not path.is_file():  # a pipe would be waited for
            fault = "it is not a file" if path.exists() else "there is no such file"
            raise UserError(f"{name}: {fault}")
        with path.open("rb") as file:
            descr, columns_first, shape = _header_of(file)
            begin, size = file.tell(), path.stat().st_size
        dtype = np.dtype(descr)
        if not fits(dtype, shape):
            sides = "x".join(map(str, shape))
            raise UserError(f"{name} holds {dtype} {sides}; it must be {wanted}")
        missing = math.prod(shape) * dtype.itemsize - (size - begin)
        if missing > 0:
            raise UserError(f"{name} is cut short: {missing:,} bytes are missing")
        order: Literal["C", "F"] = "F" if columns_first else "C"
        return np.memmap(path, dtype, "r", begin, shape, order)
    except (ValueError, TypeError, OSError) as error:
        raise UserError(f"{name}: it cannot be read as .npy ({one_line(error)})") from error


def _header_of(file: BinaryIO) -> tuple[str, bool, tuple[int, ...]]:
    """What the header of a .npy file says: the dtype, whether columns come first, and the shape.

    NumPy reads it as Python, which a broken or malicious one makes fail in many ways. Of an array
    of plain numbers it is a line that three patterns describe.

    Raises:
        ValueError: it is no such file, or its array is not of plain numbers.
    """
    start = file.read(12)
    if start[:6] != b"\x93NUMPY" or start[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise ValueError("it does not begin as a .npy file does")
    length, begin = (2, 10) if start[6] == 1 else (4, 12)  # of the length itself; of the text
    size = int.from_bytes(start[8 : 8 + length], "little")
    file.seek(begin)
    text = file.read(min(size, MOST_HEADER)).decode("latin-1")
    found = [re.search(pattern, text) for pattern in HEADER]
    if (
        len(text) < size
        or not all(found)
        or text.count(":") != len(HEADER)
        or not ALONE.fullmatch(text)
    ):
        raise ValueError("its header does not describe an array of numbers")
    descr, columns_first, shape = (match[1] for match in found if match)
    return descr, columns_first == "True", tuple(map(int, re.findall(r"\d+", shape)))
