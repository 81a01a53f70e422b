"""A trained run, opened by its checkpoint folder, for what is made with it; it needs no data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan.checkpoints import latest_checkpoint
from model import DCGAN
from runs.settings import Settings
from runs.stored import RUN_FILE, class_names, flags_of, image_size
from support.errors import UserError


@dataclass(frozen=True)
class Trained:
    """The networks of a run and what is known of it.

    settings: the run's, with what was typed in their place. classes: their names, [] without
    labels. known: the names of the settings that were stored or typed; the others are defaults.
    """

    dcgan: DCGAN
    settings: Settings
    classes: list[str]
    folder: Path
    known: frozenset[str]

    def own_names(self, labels: Sequence[int]) -> list[str]:
        """The names of some classes; [] where the classes have only their numbers."""
        if self.classes == [str(number) for number in range(len(self.classes))]:
            return []
        return [self.classes[label] for label in labels]


def open_run(folder: Path, typed: Mapping[str, Any], step: int | None = None) -> Trained:
    """Load a run's newest checkpoint, or that of `step`, or one of the original's.

    typed: settings that the user gave, by name, which replace the run's own.

    Raises:
        UserError: there is no checkpoint, and names those in the folders below; or a setting makes
            no sense; or the networks make images of another size than what was typed.
        RunError: there are checkpoints, but none can be read.
    """
    settings = _settings(folder, typed)
    if latest_checkpoint(folder) is None:
        below = sorted(path for path in folder.iterdir() if path.is_dir())
        runs = ", ".join(str(path) for path in below if latest_checkpoint(path))
        there = f"there are {runs}" if runs else "nor in a folder below"
        raise UserError(f"--run {folder}: there is no checkpoint in it; {there}")
    dcgan = DCGAN.from_checkpoint(folder, image_size(settings, folder), step)
    for side, made in zip(("output_height", "output_width"), dcgan.image_shape, strict=False):
        if typed.get(side, made) != made:
            raise UserError(f"--{side}: {folder} makes images of {made}. Leave the flag out")
    return Trained(dcgan, settings, class_names(folder, dcgan.y_dim), folder, settings.given)


def _settings(folder: Path, typed: Mapping[str, Any]) -> Settings:
    from main import parse

    words = [f"--{name}={value}" for name, value in typed.items()]
    try:
        return parse([*flags_of(folder), *words])
    except UserError as error:
        parse(words)
        raise UserError(f"{folder / RUN_FILE}: {error}. Mend it, or delete the file") from error
