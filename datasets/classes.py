"""Your own classes: a sub-folder for each, or a CSV that names the class of every file; and tags.

Tags are classes of which an image may have several, or none.
"""

import csv
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from datasets.folder import Found, find_images
from support.console import Say
from support.errors import UserError
from support.files import open_regular
from support.text import first_names, shown

COLUMNS = ("file", "label")
FILE_COLUMNS = ("file", "image_id")  # of tables of tags; CelebA's as CSV has the second
STORED_AS = {"1": "1", "0": "0", "-1": "0"}  # what a table of tags says: what is kept of it
SHOWN_AT_MOST = 20  # classes listed with their counts
UNBALANCED = 4  # how many times larger the largest class may be than the smallest
MANY = 1000


def find_labelled(folder: Path, pattern: str, labels_file: Path | None, say: Say) -> Found:
    """The images that have a class, with it; `say` gets a line for each kind that is left out.

    Without `labels_file`, each sub-folder is a class, and the pattern is for the files in it.

    Raises:
        UserError: as find_images and read_labels; or there are no sub-folders, or the pattern finds
            none of the CSV's files; or a link puts a file into two classes.
    """
    if labels_file is None:
        found = _by_sub_folder(folder, pattern, say)
    else:
        found = _by_table(folder, pattern, labels_file, say)
    _refuse_in_two(folder, found)
    return found


def _by_table(folder: Path, pattern: str, labels_file: Path, say: Say) -> Found:
    tags = read_tags(labels_file)
    label_of = tags.of if tags else read_labels(labels_file)
    found = find_images(folder, pattern)
    names = {path: path.relative_to(folder).as_posix() for path in found.files}
    _respell(names, label_of, labels_file, say)
    listed = [path for path in found.files if names[path] in label_of]
    missing = sorted(set(label_of).difference(names.values()))
    if not listed:
        raise UserError(
            f"{labels_file}: none of its {len(label_of):,} files ({first_names(missing)}) is in "
            f"{folder} and matches {pattern}. Write their paths as seen from that folder"
        )
    if missing:
        why = f"not there, or not {pattern}"
        say(f"left out {len(missing):,} of {labels_file} ({why}): {first_names(missing)}")
    if without := [name for name in names.values() if name not in label_of]:
        say(f"left out {len(without):,} (not in {labels_file}): {first_names(without)}")
    labels = [label_of[names[path]] for path in listed]
    names_of_tags = tags.names if tags else ()
    return found._replace(files=listed, labels=labels, listed_in=labels_file, tags=names_of_tags)


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


def _refuse_in_two(folder: Path, found: Found) -> None:
    """Refuse a file that links put into two classes, or give other tags: learnt as both."""
    real = {parent: os.path.realpath(parent) for parent in {path.parent for path in found.files}}
    seen: dict[str, tuple[Path, str]] = {}
    for path, label in zip(found.files, found.labels or [], strict=True):
        itself = os.path.join(real[path.parent], path.name)
        itself = os.path.realpath(itself) if os.path.islink(itself) else itself
        first, other = seen.setdefault(itself, (path, label))
        if other != label:
            names = (shown(one.relative_to(folder).as_posix()) for one in (first, path))
            kinds = f"in the classes {shown(other)} and {shown(label)}"
            kinds = "with other tags each" if found.tags else kinds
            raise UserError(
                f"{folder}: {' and '.join(names)} are one file, by a link, {kinds}: remove the link"
            )


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


def _respell(names: dict[Path, str], label_of: dict[str, str], labels_file: Path, say: Say) -> None:
    """Spell a file's name as the CSV does, where they differ only in how Unicode composes letters.

    macOS takes an e with an accent apart, most other systems write it as one character.
    """
    missing = set(label_of).difference(names.values())
    listed = {unicodedata.normalize("NFC", name): name for name in missing}
    respelt = {
        path: listed[composed]
        for path, name in names.items()
        if name not in label_of and (composed := unicodedata.normalize("NFC", name)) in listed
    }
    names.update(respelt)
    if respelt:
        example = first_names(list(respelt.values()))
        say(f"{len(respelt):,} of {labels_file} spell their letters in other Unicode: {example}")


def number_classes(labels: Sequence[str], where: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes in the order of their names, and the number of each label's: int64 [N].

    Raises:
        UserError: there is only one; `where` says where the labels come from.
    """
    names, numbers = np.unique(np.array(labels, dtype=object), return_inverse=True)
    if len(names) < 2:
        raise UserError(
            f"{where}: all {len(labels):,} images are of one class, {shown(names[0])}; "
            "train without --labels, or sort them into two classes or more"
        )
    return tuple(names.tolist()), numbers


def class_lines(names: Sequence[str], numbers: np.ndarray) -> Iterator[str]:
    """The classes with their counts; a warning if one is rare, and if there are very many."""
    counts = Counter(numbers.tolist())
    listed = [f"{shown(name)} {counts[k]:,}" for k, name in enumerate(names)]
    more = f" and {len(listed) - SHOWN_AT_MOST:,} more" if len(listed) > SHOWN_AT_MOST else ""
    yield f"{len(listed):,} classes: {', '.join(listed[:SHOWN_AT_MOST])}{more}"
    (largest, most), *_, (smallest, least) = counts.most_common()
    if most > UNBALANCED * least:
        yield (
            f"warning: unbalanced classes: {listed[largest]}, {listed[smallest]}. Small "
            "classes are learnt badly: add images to them, merge them, or leave them out"
        )
    if len(listed) > MANY:
        yield (
            f"warning: {len(listed):,} classes: each adds weights to every layer, and on a GPU a "
            "plane to every feature map. Are these classes, or the names of files?"
        )


def tag_lines(names: Sequence[str], has: np.ndarray) -> Iterator[str]:
    """The tags, and how many images of `has` [N, tags] have each; a warning of useless ones."""
    counts = has.sum(0, dtype=int).tolist()
    listed = [f"{shown(name)} {count:,}" for name, count in zip(names, counts, strict=True)]
    more = f" and {len(listed) - SHOWN_AT_MOST:,} more" if len(listed) > SHOWN_AT_MOST else ""
    without = int((has.sum(1) == 0).sum())
    yield f"{len(listed):,} tags: {', '.join(listed[:SHOWN_AT_MOST])}{more}; {without:,} have none"
    same = [name for name, count in zip(names, counts, strict=True) if count in (0, len(has))]
    if same:
        yield f"warning: all images or none have {first_names(same)}: such a tag tells nothing"


def _by_sub_folder(folder: Path, pattern: str, say: Say) -> Found:
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    sub_folders = [path.name for path in inside if path.is_dir() and path.name[0] != "."]
    if inside and not sub_folders:
        raise UserError(
            f"--labels: {folder} has no sub-folders. Put the images of each class into a "
            "sub-folder, or name their classes in --labels_file=FILE.csv"
        )
    found = find_images(folder, f"*/{pattern}")
    own = [path.relative_to(folder).parts[0] for path in found.files]
    labels = [unicodedata.normalize("NFC", name) for name in own]
    if empty := sorted(set(sub_folders).difference(own)):
        say(f"not a class, nothing in it matches {pattern}: {first_names(empty)}")
    outside = [path.name for path in inside if path.is_file() and path.match(pattern)]
    if outside:
        say(f"left out {len(outside):,} (not in a sub-folder): {first_names(outside)}")
    deeper = tuple(name for name in found.elsewhere if os.path.dirname(name))  # others are told
    return found._replace(labels=labels, elsewhere=deeper)
