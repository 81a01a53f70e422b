"""Weights in PyTorch's older file format, read without PyTorch and without running the file.

Such a file is five pickles, then the numbers. A pickle is a small program that may call anything;
here its few harmless instructions build numbers, words, tuples and dicts, and what it would call is
only written down. Any other instruction is refused.
"""

import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from support.errors import RunError

MAGIC = 0x1950A86A20F9469CFC6C
PUSHED = ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "GLOBAL")  # their own argument
TYPES = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWFALSE": lambda: False,
    "NEWTRUE": lambda: True,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
}


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file that holds a state_dict, of TYPES: {name: array in its own shape}.

    Raises:
        RunError: it is no such file, or holds anything else; names the file.
    """
    try:
        with path.open("rb") as file:
            magic, _, _, tensors, keys = (_plain(file) for _ in range(5))
            if magic != MAGIC:
                raise ValueError("not PyTorch's older format")
            told = {key: (kind, count) for (_, kind, key, _, count, _), *_ in tensors.values()}
            storages = {key: _storage(file, *told[key]) for key in keys}
        return {name: _tensor(described, storages) for name, described in tensors.items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RunError(f"{path} cannot be read ({error}): install its package again") from error


def _storage(file: IO[bytes], kind: str, count: int) -> np.ndarray:
    """How many numbers follow, and they."""
    size = np.dtype(TYPES[kind]).itemsize
    if file.read(8) != np.array(count, "<i8").tobytes():
        raise ValueError("another number of values than a tensor has")
    return np.frombuffer(file.read(size * count), TYPES[kind], count)


def _tensor(described: tuple, storages: dict[str, np.ndarray]) -> np.ndarray:
    """An array of what _rebuild_tensor_v2 would be called with.

    That is ((kind, type, key, device, length, view), offset, shape, strides, ...), where strides
    count numbers, and need not be those of rows one after the other.
    """
    (_, _, key, *_), offset, shape, strides, *_ = described
    numbers = storages[key][offset:]
    if sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) >= len(numbers):
        raise ValueError("a tensor is larger than its numbers")
    steps = [numbers.itemsize * step for step in strides]
    return np.lib.stride_tricks.as_strided(numbers, shape, steps).copy()


def _plain(file: IO[bytes]) -> Any:
    """The next pickle of the file as plain values; a call f(*args) is left as args, f() as {}."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[Any, Any] = {}

    def since_mark() -> list[Any]:
        start = marks.pop()
        items, stack[start:] = stack[start:], []
        return items

    for op, argument, _ in pickletools.genops(file):
        name = op.name
        if name in PUSHED:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name]())
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name in ("TUPLE1", "TUPLE2"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name == "APPENDS":
            items = since_mark()
            stack[-1] += items
        elif name in ("SETITEM", "SETITEMS"):
            items = since_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack[-1] = arguments or {}  # OrderedDict() is the only call without arguments
        elif name == "BUILD":
            stack.pop()  # attributes of the dict
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name not in ("PROTO", "BINPERSID", "STOP"):  # BINPERSID: its tuple stays
            raise ValueError(f"the instruction {name} is not expected")
    return stack.pop()
