"""Names and numbers as people read them: on one line, shortened, in units."""

import re
from collections.abc import Sequence

FIRST = 3  # names that first_names shows
MESSAGE_LETTERS = 120  # of a name in a message
NAME_LETTERS = 40  # of a class, in the name of a file


def first_names(names: Sequence[str], count: int = FIRST) -> str:
    """The first few of `names`, ready to print."""
    more = ", ..." if len(names) > count else ""
    return ", ".join(shown(name) for name in names[:count]) + more


def shown(name: str) -> str:
    """A name in a message: printable, and shortened."""
    return printable(shortened(name))


def printable(name: str) -> str:
    r"""`name` on one line and free of control characters; no two names come out the same.

    What cannot be printed becomes \n, \x1b or \u2028, a byte that is not UTF-8 \xff, and \ itself
    becomes \\.
    """
    return "".join(c if c.isprintable() and c != "\\" else _escaped(c) for c in name)


def shortened(text: str) -> str:
    """`text` if it is short enough for a message, else its beginning, "..." and its end."""
    half = (MESSAGE_LETTERS - 3) // 2
    return text if len(text) <= MESSAGE_LETTERS else f"{text[:half]}...{text[-half:]}"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if 0x80 <= code <= 0xFF:
        return f"\\u{code:04x}"
    return character.encode("unicode_escape").decode()


def name_in_file(name: str) -> str:
    """A class's name as part of a file name: letters, digits and _ stay, others become -."""
    return re.sub(r"[^\w-]+", "-", name)[:NAME_LETTERS]


def counted(count: int, one: str) -> str:
    """How many there are of something: "1 step", "2,000 steps"."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def in_units(count: int) -> str:
    """A number of bytes for people: 999 bytes, 43.2 GB."""
    if count < 1000:
        return counted(count, "byte")
    power = min((len(str(count)) - 1) // 3, 4)
    return f"{count / 1000**power:.1f} {' kMGT'[power]}B"
