"""The one way to a trained run: opened by its checkpoint folder. It needs no data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan.checkpoints import BEST, find_checkpoint, latest_checkpoint
from gan.config import refuse_other_shape
from model import DCGAN
from runs.settings import Settings
from runs.stored import (
    class_names,
    damaged,
    folders_in,
    image_size,
    read_run,
    shaping,
    weights_passed_on,
    without_followers,
)
from support.console import Say, print_note
from support.errors import UserError
from support.files import DATA_DIR


@dataclass(frozen=True)
class Trained:
    """The networks of a run, and what the run tells.

    settings: those that made the run, with what was typed in their place. classes: the names of
    its classes, or their numbers where they have none; [] without labels. folder: of its
    checkpoints. known: the names of the settings that were stored or typed. named: whether the
    classes have names of their own. alone: which weights of G a run that was passed on holds, "raw"
    or "ema"; "" for any other run.
    """

    dcgan: DCGAN
    settings: Settings
    classes: list[str]
    folder: Path
    known: frozenset[str]
    named: bool = False
    alone: str = ""

    @property
    def weights(self) -> str:
        """Which weights of G it samples by, "raw" or "ema"."""
        return self.alone or self.dcgan.weights

    @property
    def loaded(self) -> str:
        """Which checkpoint it is of, and by which weights it samples where there are two."""
        dcgan = self.dcgan
        words = {"ema": ", averaged weights", "raw": ", raw weights" if dcgan.average else ""}
        return f"step {int(dcgan.step):,} of {self.folder}{words[self.weights]}"

    @property
    def kind(self) -> str:
        """What `classes` are: "classes", or "tags", of which a picture may have several."""
        return "tags" if self.dcgan.config.tags else "classes"

    def own_names(self, labels: Sequence[int]) -> list[str]:
        """The names of some classes; [] where the classes have only their numbers."""
        if self.classes == [str(number) for number in range(len(self.classes))]:
            return []
        return [self.classes[label] for label in labels]

    def refuse_unnamed_data(self) -> None:
        """Refuse to open the run's data set where only somebody else may have said where it is.

        Decoded images are written into data_dir: the one that a run's file names is not followed.

        Raises:
            UserError: the run does not name its data, or a data_dir that was not typed.
        """
        if "dataset" not in self.known:
            raise UserError(f"{self.folder} does not name its data: give --dataset and --data_dir")
        there = self.settings.data_dir
        if there != DATA_DIR and "data_dir" not in self.settings.given:
            raise UserError(
                f"{self.folder} was trained with --data_dir={there}: add that flag if the data are "
                f"there (decoded images are kept in it), or --data_dir={DATA_DIR}"
            )


def open_run(folder: Path, typed: Mapping[str, Any], note: Say = print_note) -> Trained:
    """Load a run's newest good checkpoint, its best or that of a step, or one of the original's.

    Args:
        folder: of the run's checkpoints.
        typed: the settings of the command line, by name; they take the place of the run's.
            `which` among them says which checkpoint, `weights` what is sampled by.
        note: is given a line for each checkpoint that had to be passed over.

    Raises:
        UserError: there is no checkpoint, and names those in the folders below; or the networks
            are not what was typed, or not averaged; or a file of the run makes no sense.
        RunError: there are checkpoints, but none can be read.
    """
    best_alone = typed.get("which") == "best" and latest_checkpoint(folder / BEST)
    if latest_checkpoint(folder) is None and not best_alone:
        runs = ", ".join(str(path) for path in folders_in(folder) if latest_checkpoint(path))
        there = f"there are {runs}" if runs else "nor in a folder below it"
        raise UserError(f"{folder}: there is no checkpoint in it; {there}")
    run = read_run(folder)
    settings = _settings(run.settings, typed, run.path)
    size, (where, step) = image_size(folder, settings), find_checkpoint(folder, settings.which)
    dcgan = DCGAN.from_checkpoint(where, size, step, note)
    alone = _choose(dcgan, settings.weights, folder)
    refuse_other_shape(dcgan.config.shape(), shaping(typed), folder, "Leave out what differs")
    refuse_other_labels(folder, dcgan.y_dim, typed.get("labels"))
    names = class_names(run, dcgan.y_dim)
    classes = names or [str(number) for number in range(dcgan.y_dim or 0)]
    known = frozenset({*run.settings, *typed})
    return Trained(dcgan, settings, classes, folder, known, bool(names), alone)


def _choose(dcgan: DCGAN, asked: str | None, folder: Path) -> str:
    """Have a run sample by the weights that are asked for -> which it holds alone, or "".

    Raises:
        UserError: it does not hold them.
    """
    alone = weights_passed_on(folder, int(dcgan.step))
    if not alone:
        dcgan.choose(asked)
    elif asked and asked != alone:
        words = "averaged weights" if alone == "ema" else "weights as they were trained"
        raise UserError(
            f"--weights={asked}: {folder} was passed on with its {words} alone. Leave it out"
        )
    return alone


def _settings(stored: Mapping[str, Any], typed: Mapping[str, Any], path: Path) -> Settings:
    """The stored settings of a run, with those that were typed in their place.

    Raises:
        UserError: they do not go together; blames the run's file if it alone makes no sense.
    """
    try:
        kept = without_followers(stored, typed)
        return Settings(**{**kept, **typed}, given=frozenset(typed))
    except UserError:
        try:
            Settings(**stored)
        except UserError as error:
            raise damaged(path, error) from error
        raise


def refuse_other_labels(folder: Path, y_dim: int | None, labels: bool | None) -> None:
    """Refuse labels for a run without, and none for one with; None asks for neither.

    Raises:
        UserError: y_dim, of the trained networks, is not what `labels` asks for.
    """
    if labels is not None and labels != bool(y_dim):
        was, now = ("with", "without") if y_dim else ("without", "with")
        raise UserError(
            f"{folder} was trained {was} labels, and this command is {now}: give --out_name for "
            f"a run of its own, or {'--labels' if y_dim else '--nolabels'}"
        )
