"""A trained run, opened by its checkpoint folder, for what is made with it; it needs no data."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gan.checkpoints import latest_checkpoint
from generation.latent import numbers_of
from model import DCGAN
from runs.settings import Settings
from runs.stored import class_names, image_size
from support.errors import UserError
from support.text import printable


class Trained(NamedTuple):
    """Networks, and what their run tells: its flags, the names of its classes (or none)."""

    dcgan: DCGAN
    settings: Settings
    classes: list[str]

    def own_names(self, labels: Sequence[int]) -> list[str]:
        """The names of some classes; [] where the classes have only their numbers."""
        if self.classes == [str(number) for number in range(len(self.classes))]:
            return []
        return [self.classes[label] for label in labels]


def open_trained(folder: Path, settings: Settings, step: int | None = None) -> Trained:
    """Load a run's newest checkpoint, or that of `step`, or one of the original's; say which.

    settings: the run's flags, as runs.flags_of gives them.

    Raises:
        UserError: there is none, and names those in the folders below; or it is of images of
            another size than what was typed.
        RunError: there are checkpoints, but none can be read.
    """
    if latest_checkpoint(folder) is None:
        below = sorted(path for path in folder.iterdir() if path.is_dir())
        runs = ", ".join(str(path) for path in below if latest_checkpoint(path))
        there = f"there are {runs}" if runs else "nor in a folder below"
        raise UserError(f"--run {folder}: there is no checkpoint in it; {there}")
    dcgan = DCGAN.from_checkpoint(folder, image_size(settings, folder), step)
    for side, made in zip(("output_height", "output_width"), dcgan.image_shape, strict=False):
        if side in settings.given and getattr(settings, side) != made:
            raise UserError(f"--{side}: {folder} makes images of {made}. Leave the flag away")
    print(f"loaded step {int(dcgan.step):,} of {folder}")
    return Trained(dcgan, settings, class_names(folder, dcgan.y_dim))


def labels_named(text: str | None, classes: list[str]) -> list[int]:
    """The class numbers of --label: numbers, ranges and names, "0-9", "3,7", "dark hair,9".

    Where every class's name is a number, numbers and ranges are names.

    Raises:
        UserError: there is no such class, or the networks have none.
    """
    if text is None:
        return []
    if not classes:
        raise UserError(f"--label {text}: these networks were trained without labels")
    # A name may hold a comma.
    parts = [text.strip()] if text.strip() in classes else [p.strip() for p in text.split(",")]
    labels: list[int] = []
    for part in parts:
        if part in classes:
            labels.append(classes.index(part))
        elif part.replace("-", "").isdecimal():
            labels += [_class_of(number, part, classes) for number in numbers_of(part, "--label")]
        else:
            near = difflib.get_close_matches(part, classes, n=1)
            guess = f" Did you mean {printable(near[0])}?" if near else ""
            raise UserError(f"--label {text}: the classes are {_listed(classes)}.{guess}")
    return labels


def as_typed(label: int, classes: list[str]) -> str:
    """What --label takes for a class: its name; its number if the name holds a comma or so."""
    name = classes[label]
    if not name.isprintable() or name != name.strip() or "," in name:
        return str(label)
    return name


def _class_of(number: int, part: str, classes: list[str]) -> int:
    """The class that a number means: by its name, where all names are numbers; else by number.

    Raises:
        UserError: there is none; or it is one class's number and another's name.
    """
    numeric = {int(name): label for label, name in enumerate(classes) if name.isdecimal()}
    label = numeric.get(number, -1) if len(numeric) == len(classes) else number
    if not 0 <= label < len(classes):
        raise UserError(f"--label {part}: the classes are {_listed(classes)}")
    if numeric.get(number, label) != label:
        raise UserError(
            f"--label {part}: {number} is also the name of class {numeric[number]}; name the "
            f"classes one by one: {_listed(classes)}"
        )
    return label


def _listed(classes: list[str]) -> str:
    if classes == [str(number) for number in range(len(classes))]:
        return f"0 to {len(classes) - 1}"
    return ", ".join(f"{number} {name}" for number, name in enumerate(map(printable, classes)))
