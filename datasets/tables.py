"""Tables that name the class of every file, or its tags: CSVs, and CelebA's own list."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from support.errors import UserError
from support.files import open_regular
from support.text import shown

COLUMNS = ("file", "label")
FILE_COLUMNS = ("file", "image_id")  # of tables of tags; CelebA's as CSV has the second
STORED_AS = {"1": "1", "0": "0", "-1": "0"}  # what a table of tags says: what is kept of it


class Tags(NamedTuple):
    """The names of tags, and of each file a letter for each: "1" if it has that one, else "0"."""

    names: tuple[str, ...]
    of: dict[str, str]


def read_tags(path: Path) -> Tags | None:
    """The tags of each file, by a table of them; None where the file is a CSV of classes.

    It is CelebA's list_attr_celeba.txt: a line with the number of images, a line with the tags'
    names, then the file and 1 or -1 for each tag. Or a CSV in UTF-8 with a column `file`, none
    called `label`, and a column of 1 and 0 for each tag.

    Raises:
        UserError: as read_labels; or a value is none of those, a tag has no name or that of
            another, a file has other tags above, or the list is cut short.
    """
    lines = _lines_of(path)
    count = int(first) if re.fullmatch(r"\d{1,12}", first := lines[0].strip()) else None
    if count is not None:
        names, rows = lines[1].split() if lines[1:] else [], _listed_rows(lines)
    else:
        header = [name.strip() for name in _fields_of(path, 1, lines[0])]
        columns = [name.lower() for name in header]
        file = next((name for name in FILE_COLUMNS if name in columns), "")
        if not file or "label" in columns or len(columns) < 2:
            return None
        names = [name for name in header if name.lower() != file]
        rows = _table_rows(path, lines, file, [name.lower() for name in names])
    names = [unicodedata.normalize("NFC", name) for name in names]
    _refuse_odd_names(path, names)
    of: dict[str, str] = {}
    for number, file, values in rows:
        where = f"{path}, line {number:,}"
        row = _row_of_tags(where, names, file, values)
        below = _path_in(where, file)
        if of.setdefault(below, row) != row:
            raise UserError(f"{where}: {shown(file)} has other tags here than above")
    if count not in (None, len(of)):
        raise UserError(f"{path}: its first line says {count:,} images, it has {len(of):,}")
    return Tags(tuple(names), of)


def _refuse_odd_names(path: Path, names: Sequence[str]) -> None:
    """Refuse tags of which one has no name, that of another, or one that cannot be typed."""
    if "" in names:
        raise UserError(f"{path}: a column has no name: give it that of a tag, or take it out")
    if len({name.lower() for name in names}) < max(1, len(names)):
        raise UserError(f"{path}: its first lines must name the tags, each once")
    if odd := [name for name in names if not name.isprintable() or set(name) & set(',"')]:
        raise UserError(f"{path}: {shown(odd[0])} is no name for a tag: letters, signs and spaces")


def _row_of_tags(where: str, names: Sequence[str], file: str, values: Sequence[str]) -> str:
    """What is kept of a file's values: a letter for each.

    Raises:
        UserError: no file is named, or it has not a 1 or 0 for each tag.
    """
    if not file.strip():
        raise UserError(f"{where}: the file is empty")
    if len(values) != len(names):
        raise UserError(f"{where}: a file and {len(names)} values, not {len(values)}")
    for name, value in zip(names, values, strict=True):
        if value not in STORED_AS:
            raise UserError(
                f"{where}: {shown(name)} is {shown(value)!r}, but a tag is 1 or 0. (Classes, "
                "one for each image, go into a column label)"
            )
    return "".join(STORED_AS[value] for value in values)


def _listed_rows(lines: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """The number of each line of CelebA's list below the names, its file, and its values."""
    for number, line in enumerate(lines[2:], 3):
        if words := line.split():
            yield number, words[0], words[1:]


def _table_rows(
    path: Path, lines: Sequence[str], file: str, keys: Sequence[str]
) -> Iterator[tuple[int, str, list[str]]]:
    """The same of a CSV, whose columns for the file and the tags have these names."""
    for number, row in _rows_of(path, lines, (file,)):
        yield number, row.get(file, ""), [row.get(key, "").strip() for key in keys]


def read_labels(path: Path) -> dict[str, str]:
    """The class of each file by a CSV in UTF-8: {path below the data set's folder: class}.

    Its columns are `file` and `label`; others are ignored.

    Raises:
        UserError: no such file, a column is missing or there twice, a field is empty, has a control
            character or does not end on its line, a file's name has a space at an end, or a file
            has two classes.
    """
    label_of: dict[str, str] = {}
    for line, row in _rows_of(path, _lines_of(path)):
        name, label = row.get("file", ""), row.get("label", "").strip()
        where = f"{path}, line {line:,}"
        if not name.strip() or not label:
            raise UserError(f"{where}: the file or the label is empty")
        name = _path_in(where, name, label)
        label = unicodedata.normalize("NFC", label)
        if label_of.setdefault(name, label) != label:
            here, above = shown(label), shown(label_of[name])
            raise UserError(f"{where}: {shown(name)} is {here} here, and {above} above")
    return label_of


def _path_in(where: str, name: str, *fields: str) -> str:
    """A file's name in a table as its path below the folder; `fields`: others of its line.

    Raises:
        UserError: one has a control character, or the name has a space at an end.
    """
    if any(unicodedata.category(letter) == "Cc" for field in (name, *fields) for letter in field):
        words = ",".join(map(shown, (name, *fields)))
        raise UserError(f"{where}: {words} holds a control character")
    if name != name.strip():  # a file of that very name may be there, and one without the space
        raise UserError(
            f"{where}: the file '{shown(name)}' begins or ends with a space: take it out"
        )
    return PurePosixPath(name.replace("\\", "/")).as_posix()


def _rows_of(
    path: Path, lines: Sequence[str], needed: Sequence[str] = COLUMNS
) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of each line of a CSV below the first, and its fields by the names of columns.

    A field ends on the line that it begins on; else one quote too many would take all that follows
    for one label.
    """
    header: list[str] = []
    for number, line in enumerate(lines, 1):
        fields = _fields_of(path, number, line)
        if number == 1:
            header = [name.strip().lower() for name in fields]
            if not set(needed) <= set(header):
                raise UserError(
                    f"{path}: its first line is {shown(','.join(header))!r}, but it must name "
                    "the columns, with a comma between them: file,label (or, for tags, file and "
                    "their names)"
                )
            if twice := [name for name in COLUMNS if header.count(name) > 1]:
                raise UserError(f"{path}, line 1: there are two columns {twice[0]}: rename one")
        elif len(fields) > len(header):
            raise UserError(
                f"{path}, line {number:,}: {len(fields)} fields, the first line has {len(header)}: "
                'put a name with a comma into quotes, "dark, long"'
            )
        elif fields:
            yield number, dict(zip(header, fields, strict=False))


def _fields_of(path: Path, number: int, line: str) -> list[str]:
    """The fields of a line of a CSV."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        fault = "a quote is not closed on this line" if "end of data" in str(error) else error
        raise UserError(f"{path}, line {number:,}: {fault}") from error


def _lines_of(path: Path) -> list[str]:
    """The lines of a file in UTF-8, however they end, without their ends."""
    content = b""
    try:
        with open_regular(path) as file:
            content = file.read()
        return io.StringIO(content.decode("utf-8-sig"), newline=None).read().split("\n")
    except UnicodeDecodeError as error:
        fault = f"line {content[: error.start].count(10) + 1:,} is not UTF-8"
        raise UserError(f"--labels_file={path}: {fault}: save it as CSV UTF-8") from error
    except OSError as error:
        raise UserError(f"--labels_file={path}: {error.strerror}; give a CSV in UTF-8") from error
