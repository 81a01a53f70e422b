"""Which pictures a command makes, and which classes --label means."""

import argparse
import math
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from generation.latent import (
    LEAST_UNIFORM,
    labels_of_seeds,
    numbers_of,
    read_z,
    seeds_from,
    z_of_seeds,
)
from support.console import Say, nearest, plain_words
from support.errors import UserError
from support.text import first_names, name_in_file, printable, shown
from utils import sample_pixels

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

MOST_DIGITS = 18  # of a class's name that is taken for a number
MOST_NAMES = 20  # of classes in a message
MOST_SIDE = 10_000  # pixels of a picture, before small tiles are enlarged


@dataclass(frozen=True)
class Selection:
    """Pictures numbered 0 ... count - 1, whose z and labels are made a part at a time.

    numbers: seeds, or rows of `rows`. rows: z from a file, [N, z_dim], or None. labels: the classes
    that each number's picture is made in, one after the other; if empty, one drawn from the number.
    classes: the names of all; empty for networks without labels. tags: whether these are tags; then
    every picture has all of `labels`, or none.
    """

    numbers: Sequence[int]
    rows: np.ndarray | None
    labels: list[int]
    classes: list[str]
    count: int
    z_dist: str
    z_dim: int
    truncation: float | None = None
    tags: bool = False

    @property
    def each(self) -> int:
        """How many pictures are made of each number."""
        return _pictures_of_each(self.labels, self.tags)

    def z(self, part: slice = slice(None)) -> np.ndarray:
        """Float32 [N, z_dim] of some of the pictures."""
        numbers = self._numbers(part)
        if self.rows is not None:
            return np.asarray(self.rows[numbers], np.float32)
        return z_of_seeds(numbers, self.z_dist, self.z_dim, self.truncation)

    def labels_of(self, part: slice = slice(None)) -> np.ndarray | None:
        """Class numbers [N] of some of the pictures, or tags [N, y_dim]; None without labels."""
        if not self.classes:
            return None
        if self.tags:
            count = len(range(self.count)[part])
            return rows_alike(self.labels, len(self.classes), count)
        if self.labels:
            return np.take(self.labels, range(self.count)[part], mode="wrap")
        return labels_of_seeds(self._numbers(part), len(self.classes))

    def pixels(self, dcgan: "DCGAN", part: slice = slice(None)) -> np.ndarray:
        """Some of the pictures, uint8 [N, H, W, C]."""
        return sample_pixels(dcgan, self.z(part), self.labels_of(part))

    def names(self, part: slice = slice(None)) -> list[str]:
        """File names without suffix: seed00000, seed00000_label3, or seed00000_label3_dark-hair.

        Of tags seed00000_tags1-4_Bald-Male, and seed00000_tags for none.
        """
        kind = "seed" if self.rows is None else "z"
        names = [f"{kind}{number:05}" for number in self._numbers(part)]
        if self.tags:
            chosen = sorted(self.labels)
            words = name_in_file("-".join(self.classes[label] for label in chosen))
            numbers = "-".join(map(str, chosen))  # several sets of tags may have the same words
            return [f"{name}_tags{numbers}_{words}" if chosen else f"{name}_tags" for name in names]
        labels = self.labels_of(part)
        if labels is None:
            return names
        own = [f"_{name_in_file(c)}" if c != str(k) else "" for k, c in enumerate(self.classes)]
        return [f"{name}_label{k}{own[k]}" for name, k in zip(names, labels, strict=True)]

    def _numbers(self, part: slice) -> list[int]:
        return [self.numbers[k // self.each] for k in range(self.count)[part]]


def selected(
    trained: "Trained",
    arguments: argparse.Namespace,
    labels: list[int],
    count: int,
    say: Say,
    repeats: bool = False,
) -> Selection:
    """The pictures that --seeds, --z, or --num and --seed name; `count` if none is given.

    Without `repeats` a seed counts once, because its picture has one name. Raises what read_z does,
    and a UserError for seeds beyond the last.
    """
    tags, rows = trained.dcgan.config.tags, None
    each = _pictures_of_each(labels, tags)
    if tags and not labels:
        say("no tags: name some by --label")
    numbers: Sequence[int]
    if arguments.z:
        rows = read_z(arguments.z, trained.dcgan.z_dim)
        if trained.classes and arguments.label is None and not tags:
            say("--z holds no labels: they are drawn from the row numbers; --label chooses others")
        _warn_of_unseen(rows, trained.settings.z_dist, say)
        numbers = range(len(rows))
    elif arguments.seeds:
        numbers = arguments.seeds if repeats else each_once(arguments.seeds, "--seeds", say)
    else:
        first = getattr(arguments, "seed", None) or 0
        count = getattr(arguments, "num", None) or count
        numbers = seeds_from(first, math.ceil(count / each))
    if arguments.z or arguments.seeds:
        count = len(numbers) * each
    z = (trained.settings.z_dist, trained.dcgan.z_dim, arguments.truncation)
    return Selection(numbers, rows, labels, trained.classes, count, *z, tags)


def _pictures_of_each(labels: Sequence[int], tags: bool) -> int:
    """One in each class; of tags one, which has all of them."""
    return 1 if tags else max(1, len(labels))


def _warn_of_unseen(z: np.ndarray, z_dist: str, say: Say) -> None:
    least, low, high = LEAST_UNIFORM.get(z_dist), z.min(), z.max()
    if least is not None and (low < least or high > 1):
        seen = f"this run was trained with z in {least} ... 1"
        say(f"warning: --z reaches from {low:.3g} to {high:.3g}, but {seen}")


def each_once(numbers: list[int], flag: str, say: Say) -> list[int]:
    """Numbers in their order without repeats; says how many those were."""
    once = list(dict.fromkeys(numbers))
    if len(once) < len(numbers):
        say(f"{flag}: left out {len(numbers) - len(once):,} (given more than once)")
    return once


def rows_alike(labels: Sequence[int], y_dim: int, count: int) -> np.ndarray:
    """A class, or some tags together, for `count` pictures: float32 [count, y_dim]."""
    return np.tile(np.isin(range(y_dim), labels).astype(np.float32), (count, 1))


def refuse_huge(trained: "Trained", rows: int, columns: int) -> None:
    """Raise a UserError for a picture of more than MOST_SIDE pixels, too much for some memories."""
    height, width, _ = trained.dcgan.image_shape
    if max(rows * height, columns * width) > MOST_SIDE:
        raise UserError(
            f"{rows:,} rows and {columns:,} columns are too large a picture: up to "
            f"{MOST_SIDE // height:,} and {MOST_SIDE // width:,}"
        )


def chosen_labels(trained: "Trained", arguments: argparse.Namespace, say: Say) -> list[int]:
    """The class numbers of --label, each once; [] without it."""
    return each_once(labels_named(arguments.label, trained.classes, trained.kind), "--label", say)


def labels_named(text: str | None, classes: list[str], kind: str = "classes") -> list[int]:
    """The class numbers of --label: numbers, ranges and names, "0-9", "3,7", "dark hair,9".

    A name that cannot be printed may be typed as it is shown, with \\n for a new line.
    Where the name of every class is a number, numbers and ranges are names. `kind` is what a
    message calls them, "classes" or "tags".

    Raises:
        UserError: there is no such class, or the networks have none.
    """
    if text is None:
        return []
    if not classes:
        raise UserError(f"--label {shown(text)}: these networks were trained without labels")
    exactly = {name: label for label, name in enumerate(classes)}
    as_shown = {printable(name): label for name, label in exactly.items()}
    named = as_shown | {_composed(name): label for name, label in exactly.items()} | exactly
    short = [name for name in classes if name.isdecimal() and len(name) <= MOST_DIGITS]
    numeric = {int(name): exactly[name] for name in short}
    # A name may hold a comma, or spaces at its ends.
    whole = [one for one in (text, text.strip()) if _composed(one) in named]
    parts = whole[:1] or [part.strip() for part in text.split(",")]
    labels: list[int] = []
    for part in parts:
        if part in named or _composed(part) in named:
            labels.append(named.get(part, named.get(_composed(part), 0)))
        elif part.replace("-", "").isdecimal():
            numbers = numbers_of(part, "--label")
            labels += [_class_of(number, part, classes, numeric, kind) for number in numbers]
        else:
            guess = nearest(part, map(printable, classes))
            raise UserError(f"--label {shown(text)}: the {kind} are {_all_of(classes)}.{guess}")
    return labels


def _composed(name: str) -> str:
    """A name as it is compared: macOS may take letters with accents apart."""
    return unicodedata.normalize("NFC", name)


def _class_of(
    number: int, part: str, classes: list[str], numeric: dict[int, int], kind: str
) -> int:
    """The class that a number means: by its name, where all names are numbers; else by number."""
    label = numeric.get(number, -1) if len(numeric) == len(classes) else number
    if not 0 <= label < len(classes):
        raise UserError(f"--label {part}: the {kind} are {_all_of(classes)}")
    if numeric.get(number, label) != label:
        raise UserError(
            f"--label {part}: {number} is also a name, that of number {numeric[number]}; name the "
            f"{kind} one by one: {_all_of(classes)}"
        )
    return label


def _all_of(classes: list[str]) -> str:
    if classes == [str(number) for number in range(len(classes))]:
        return f"0 to {len(classes) - 1}"
    return first_names([f"{number} {name}" for number, name in enumerate(classes)], MOST_NAMES)


def as_typed(label: int, classes: list[str]) -> str:
    """How to type a class after --label: its name, or its number, or its name as it is shown.

    It is the first of them that selects this class: another may be named 1, and a dash at the
    beginning of a name makes a flag of it.
    """
    name = classes[label]
    for text in ([name] if name.isprintable() else []) + [str(label), printable(name)]:
        with suppress(UserError):
            is_kept = plain_words([text]) == [text] and not text.startswith("-")
            if is_kept and labels_named(text, classes) == [label]:
                return text
    return name


def listed(numbers: Sequence[int]) -> str:
    """Numbers for a file name: the first eight, and how many more."""
    more = f"-and-{len(numbers) - 8}-more" if len(numbers) > 8 else ""
    return "-".join(map(str, numbers[:8])) + more


def labels_part(trained: "Trained", labels: list[int]) -> str:
    """Labels as part of a file name: _label_0-1, or with class names _label_0-1_dark-light."""
    own_names = trained.own_names(list(dict.fromkeys(labels)))
    names = f"_{name_in_file('-'.join(own_names))}" if own_names else ""
    return f"_label_{listed(labels)}{names}"
