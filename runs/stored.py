"""What is stored of a run beside its checkpoints, and which checkpoint a command means."""

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan.checkpoints import latest_checkpoint
from gan.config import WEIGHTS
from runs.flags import COMMAND, flags_of, marked, typed_value
from runs.settings import HEIGHTS, Settings
from support.errors import UserError
from support.files import read_json, write_json
from support.text import shortened

RUN_FILE = "run.json"
CARD = "model.json"  # of exports, and beside a run that was passed on
EVALUATIONS = "evaluated"  # the folder of evaluate.py's figures, in the run's logs


@dataclass(frozen=True)
class StoredRun:
    """What a run.json says, checked. Where there is none, it says nothing.

    settings: those that made the run, in the types of their fields; what only decided what its last
    command did is left out. images, replicas: what counted the steps of an epoch. classes: the
    names of the run's own classes, by number. begun_from: the --init_from that the run began with,
    as it was typed, or "". others: the fields that this version does not know.
    """

    path: Path
    settings: dict[str, Any] = field(default_factory=dict)
    images: int | None = None
    replicas: int = 1
    classes: tuple[str, ...] = ()
    begun_from: str = ""
    others: dict[str, Any] = field(default_factory=dict)


def read_run(folder: Path, kind: type[Settings] = Settings) -> StoredRun:
    """Read and check a folder's run.json, the settings by the fields of `kind`.

    Raises:
        UserError: it is not JSON, or a field makes no sense; names the file and the field.
    """
    path = folder / RUN_FILE
    others, passing = read_json(path), marked(kind, COMMAND)
    settings, counts = dict[str, Any](), dict[str, int]()
    for name, one in flags_of(kind).items():
        if name in others:
            value = others.pop(name)
            try:
                settings[name] = typed_value(one, value)
            except ValueError as error:
                raise damaged(path, f"{name} is {shortened(repr(value))}: {error}") from error
    for name in {"images", "replicas"} & others.keys():
        counts[name] = others.pop(name)
        if type(counts[name]) is not int or counts[name] < 1:
            wanted = "it must be a whole number, 1 or more"
            raise damaged(path, f"{name} is {shortened(repr(counts[name]))}: {wanted}")
    classes = others.pop("classes", [])
    if not isinstance(classes, list) or not all(isinstance(n, str) and n for n in classes):
        raise damaged(path, '"classes" is not a list of names, such as ["dark", "fair"]')
    if twice := sorted(name for name, count in Counter(classes).items() if count > 1):
        raise damaged(path, f'"classes" holds {shortened(repr(twice[0]))} twice')
    begun_from = others.pop("begun_from", "")
    if not isinstance(begun_from, str):
        raise damaged(path, '"begun_from" is not the name of a folder')
    deciding = {name: value for name, value in settings.items() if name not in passing}
    images, replicas = counts.get("images"), counts.get("replicas", 1)
    return StoredRun(path, deciding, images, replicas, tuple(classes), begun_from, others)


def damaged(path: Path, error: object) -> UserError:
    """What to say of a file that a person may have edited, or that was cut short."""
    return UserError(f"{path}: {error}. Correct it, or put back a copy")


def store_run(
    settings: Settings, images: int, folder: Path, classes: Sequence[str] = (), replicas: int = 1
) -> list[str]:
    """Write all settings, the names of your own classes, and what decides the steps of an epoch.

    They go beside the checkpoints. Returns a line for each count that changed.
    """
    stored, counts = read_run(folder), {"images": images, "replicas": replicas}
    named: dict[str, Any] = {"classes": list(classes)} if classes else {}
    is_new = settings.init_from and not latest_checkpoint(folder)
    if begun_from := str(settings.init_from) if is_new else stored.begun_from:
        named["begun_from"] = begun_from
    write_json(folder / RUN_FILE, stored.others | settings.as_json() | counts | named)
    before = {"images": stored.images or images, "replicas": stored.replicas}
    return [
        f"changed: {name} {before[name]:,} -> {count:,}. The steps made so far are counted in "
        "epochs of the new length"
        for name, count in counts.items()
        if before[name] != count and latest_checkpoint(folder)
    ]


def class_names(stored: StoredRun, y_dim: int | None) -> list[str]:
    """The names of a run's own classes, by class number; [] where it has none.

    Raises:
        UserError: the run's file holds another number of them than its networks have classes.
    """
    names = list(stored.classes)
    if names and len(names) != (y_dim or 0):
        raise damaged(stored.path, f"it names {len(names)} classes, the networks have {y_dim or 0}")
    return names


def beside(folder: Path, kind: str) -> Path:
    """Where what is made of the run in a checkpoint folder goes, unless another folder is named.

    kind: "samples", "logs" or "exported". The folder of that name is beside the one called
    checkpoint, if the run is in such a folder, else in the working directory. What the run's own
    file says of folders is not followed: it may come from somebody else, and would choose what is
    written to.
    """
    path = Path(os.path.abspath(folder))  # --run may be "."
    if path.parent.name != "checkpoint":
        return Path(kind, path.name)
    above = path.parent.parent
    return Path(above if folder.is_absolute() else os.path.relpath(above), kind, path.name)


def evaluations_of(folder: Path) -> list[dict[str, Any]]:
    """What evaluate.py wrote of the run in a checkpoint folder, by its files' names.

    Files of something else are left out.

    Raises:
        UserError: a file is damaged.
    """
    files = sorted((beside(folder, "logs") / EVALUATIONS).glob("*.json"))
    return [one for one in map(read_json, files) if is_evaluation(one)]


def is_evaluation(one: Mapping[str, Any]) -> bool:
    """Whether what a JSON says are figures of evaluate.py."""
    figures, space = one.get("figures"), one.get("space")
    return (
        isinstance(figures, dict)
        and all(isinstance(value, int | float) for value in figures.values())
        and isinstance(space, str)
        and isinstance(one.get("dataset", ""), str)
        and isinstance(one.get("differs", {}), dict)
        and all(type(one.get(name, 0)) is int for name in ("samples", "reals", "step"))
    )


def source_of(settings: Settings) -> tuple[Path, list[str]]:
    """The folder whose checkpoint a training resumes: the run's own, where it has one.

    The checkpoint may also lie in `checkpoint_dir` itself; then a line says so.
    """
    own = settings.run_folder(settings.checkpoint_dir)
    if not latest_checkpoint(own) and latest_checkpoint(own.parent):
        return own.parent, [f"no checkpoint in {own}, but in {own.parent} itself: taking that one"]
    return own, []


def trained_run(settings: Settings) -> tuple[Path, list[str]]:
    """The folder of a trained run; one of another batch size will do if it is the only one.

    Returns also what there is to say of it.

    Raises:
        UserError: there is none; says where one looked and what is there instead.
    """
    wanted, notes = source_of(settings)
    if latest_checkpoint(wanted):
        return wanted, notes
    trained = [path for path in folders_in(wanted.parent) if latest_checkpoint(path)]
    dataset, size = _dataset_and_size(wanted)
    alike = [path for path in trained if _dataset_and_size(path) == (dataset, size)]
    if len(alike) == 1:
        return alike[0], [f"no checkpoint in {wanted}, but in {alike[0]}: taking that one"]
    there = ", ".join(path.name for path in trained) or "no trained run"
    raise UserError(
        f"no checkpoint in {wanted}; {wanted.parent} holds {there}. Give the dataset and the "
        "sizes of a trained run, or add --train to this command"
    )


def image_size(folder: Path, typed: Settings) -> tuple[int, int] | None:
    """Height and width for a checkpoint that does not tell them; None where nothing else does.

    They are known if they were typed, if the data have a size of their own (mnist), or if the
    folder's name ends in them, as a run's does.
    """
    size = (typed.output_height, typed.output_width)
    if {"output_height", "output_width"} & typed.given or typed.is_idx_set:
        return size
    named = re.search(r"_(\d+)_(\d+)$", folder.resolve().name)
    return (int(named[1]), int(named[2])) if named else None


def _dataset_and_size(folder: Path) -> tuple[str, list[str]]:
    """The parts of a run's name but the batch size."""
    return folder.name.rsplit("_", 3)[0], folder.name.split("_")[-2:]


def folders_in(parent: Path) -> list[Path]:
    """The folders in a folder, sorted; [] if it is not one."""
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []


def shaping(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Typed settings, by the names that NetworkConfig has for them."""
    return {"architecture" if name == "arch" else name: value for name, value in typed.items()}


def without_followers(stored: Mapping[str, Any], typed: Collection[str]) -> dict[str, Any]:
    """Stored settings without each width that was its height, where another height was typed.

    It was most likely never typed, and a crop of 48x96 would be squashed to a square.
    """
    follow = {
        width
        for width, height in HEIGHTS.items()
        if height in typed and stored.get(width) == stored.get(height)
    }
    return {name: value for name, value in stored.items() if name not in follow}


def card_beside(folder: Path) -> dict[str, Any]:
    """The card that a pretrained run in a folder came with; empty for any other run."""
    return read_json(folder / CARD)


def weights_passed_on(folder: Path, step: int) -> str:
    """Which weights of G a pretrained run holds alone, "raw" or "ema"; "" for any other run.

    step: of the checkpoint that was loaded. If the card is of another, it says nothing of this one.
    """
    card = card_beside(folder)
    weights = card.get("weights")
    return weights if card.get("step") == step and weights in WEIGHTS else ""
