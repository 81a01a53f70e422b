"""Your own classes: a sub-folder for each, or a CSV that names the class of every file; and tags.

Tags are classes of which an image may have several, or none.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from datasets.folder import Found, find_images
from datasets.tables import read_labels, read_tags
from support.console import Say
from support.errors import UserError
from support.text import first_names, shown

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
