"""What is stored of a run beside its checkpoints, and which checkpoint a command means."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan.checkpoints import latest_checkpoint
from runs.flags import COMMAND, FieldParser, flags_of, marked
from runs.settings import Settings
from support.errors import UserError
from support.files import read_json, write_json

RUN_FILE = "run.json"


def read_settings(folder: Path, kind: type[Settings] = Settings) -> dict[str, Any]:
    """The settings that made a run, in the types of `kind`'s fields; {} where none are stored.

    Those that only decided what the run's last command did are left out.

    Raises:
        UserError: one makes no sense; names the file.
    """
    path = folder / RUN_FILE
    stored, passing = read_json(path), marked(kind, COMMAND)
    known = {name: one for name, one in flags_of(kind).items() if name not in passing}
    found = {}
    for name, one in known.items():
        if stored.get(name) is not None:
            try:
                found[name] = FieldParser(one).parse(stored[name])
            except ValueError as error:
                raise damaged(path, f"{name} is {stored[name]!r}: {error}") from error
    return found


def damaged(path: Path, error: object) -> UserError:
    """What to say of a file that a person may have edited, or that was cut short."""
    return UserError(f"{path}: {error}. Correct it, or put back a copy")


def store_run(
    settings: Settings, images: int, folder: Path, classes: Sequence[str] = (), replicas: int = 1
) -> list[str]:
    """Write all settings, the names of your own classes, and what decides the steps of an epoch.

    They go beside the checkpoints. Returns a line for each count that changed.
    """
    counts = {"images": images, "replicas": replicas}
    stored = {"replicas": 1} | read_json(folder / RUN_FILE)
    named = {"classes": list(classes)} if classes else {}
    write_json(folder / RUN_FILE, settings.as_json() | counts | named)
    return [
        f"changed: {name} {stored[name]:,} -> {count:,}. The steps made so far are counted in "
        "epochs of the new length"
        for name, count in counts.items()
        if stored.get(name, count) != count and latest_checkpoint(folder)
    ]


def samples_of(folder: Path) -> Path:
    """Where a run's pictures go: below the folders it was trained with, under its present name."""
    stored = read_json(folder / RUN_FILE)
    above = (stored.get("out_dir"), stored.get("out_name"), stored.get("sample_dir") or "samples")
    return Path(*(str(part) for part in above if part), folder.resolve().name)


def logs_of(folder: Path) -> Path:
    """Where a run's logs are: below the folders it was trained with, under its present name."""
    stored = read_json(folder / RUN_FILE)
    above = (stored.get("out_dir"), stored.get("out_name"), "logs")
    return Path(*(str(part) for part in above if part), folder.resolve().name)


def class_names(folder: Path, y_dim: int | None) -> list[str]:
    """The names of a run's own classes, by class number; [] where it has none.

    Raises:
        UserError: the run's file holds something else than a list of names, or another number of
            them than its networks have classes.
    """
    path = folder / RUN_FILE
    names = read_json(path).get("classes") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise damaged(path, '"classes" is not a list of names, such as ["dark", "fair"]')
    if names and len(names) != (y_dim or 0):
        raise damaged(path, f"it names {len(names)} classes, the networks have {y_dim or 0}")
    return names


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
