"""A training run's folder: its flags and its seed, and which checkpoint a command means."""

import dataclasses
import re
import secrets
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

from gan.checkpoints import latest_checkpoint
from runs.settings import Settings, check
from support.errors import UserError
from support.files import read_json, write_json
from support.text import first_names

RUN_FILE = "run.json"
# What decides the course of a run: it stays as it was, unless it is given.
RUN_DECIDES = (
    *("seed", "z_dist", "learning_rate", "beta1", "precision", "c_dim"),
    *("input_fname_pattern", "input_height", "input_width", "crop", "background", "train_size"),
    *("labels", "labels_file", "flip", "augment"),
)
# What only decides what this one command does.
OF_THE_COMMAND = {
    *("train", "option", "visualize", "generate_test_images", "export", "freeze"),
    *(
        "dry_run",
        "verbose",
        "init_from",
        "strategy",
        "xla",
        "checkpoint_dir",
        "sample_dir",
        "out_dir",
        "out_name",
    ),
}


def source_of(settings: Settings) -> Path:
    """The folder whose checkpoint a training goes on from: the run's, where it has one.

    The checkpoint may also lie in `checkpoint_dir` itself.
    """
    own = settings.run_folder(settings.checkpoint_dir)
    if not latest_checkpoint(own) and latest_checkpoint(own.parent):
        print(f"no checkpoint in {own}, but in {own.parent} itself: taking that one")
        return own.parent
    return own


def trained_run(settings: Settings) -> Path:
    """The folder of a trained run; one of another batch size will do if it is the only one.

    Raises:
        UserError: there is none; says where one looked and what is there instead.
    """
    wanted = source_of(settings)
    if latest_checkpoint(wanted):
        return wanted
    trained = [path for path in _folders(wanted.parent) if latest_checkpoint(path)]
    dataset, size = _dataset_and_size(wanted)
    alike = [path for path in trained if _dataset_and_size(path) == (dataset, size)]
    if len(alike) == 1:
        print(f"no checkpoint in {wanted}, but in {alike[0]}: taking that one")
        return alike[0]
    there = ", ".join(path.name for path in trained) or "no trained run"
    raise UserError(
        f"no checkpoint in {wanted}; {wanted.parent} holds {there}. Give the dataset and the "
        "sizes of a trained run, or add --train to this command"
    )


def as_the_run_was(settings: Settings, source: Path) -> tuple[Settings, int]:
    """The settings with what an earlier start of the run decided, and the seed.

    `source` is what source_of gave.

    Prints the seed, what was taken from the run, and what is not as it was. Before the first
    checkpoint only the seed counts: a run that is cut off early begins again as the same run.
    """
    own = settings.run_folder(settings.checkpoint_dir)
    folder = own if (own / RUN_FILE).is_file() else source  # the run's own, once it has begun
    stored = read_json(folder / RUN_FILE)
    begun = latest_checkpoint(source) is not None
    decides = RUN_DECIDES if begun else ("seed",)
    kept: dict[str, Any] = {
        name: _typed(name, stored[name], folder)
        for name in decides
        if name not in settings.given and stored.get(name) is not None
    }
    now = dataclasses.replace(settings, **kept)
    check(now)
    taken = [
        f"--{name}={value}"
        for name, value in kept.items()
        if name != "seed" and value != getattr(settings, name)
    ]
    if taken:
        print(f"as the run was: {' '.join(taken)}")
    seed = seed_of(now)
    now = dataclasses.replace(now, seed=seed)
    if begun and source == own and not stored:
        print(f"{folder} holds no {RUN_FILE}: what is not given is new, the seed too")
    if begun:
        for name, value in now.as_json().items():
            if name in stored.keys() - OF_THE_COMMAND and stored[name] != value:
                print(f"changed: {name} {stored[name]} -> {value}")
    return now, seed


def seed_of(settings: Settings) -> int:
    """The seed given, or one drawn; printed, so that the run can be repeated."""
    seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed
    print(f"seed: {seed}")
    return seed


def store_run(
    settings: Settings,
    images: int,
    folder: Path,
    classes: Sequence[str] = (),
    replicas: int = 1,
) -> None:
    """Write all flags, the names of one's own classes, and what decides the steps of an epoch.

    They go beside the checkpoints. Says if the steps of an epoch changed.
    """
    counts = {"images": images, "replicas": replicas}
    stored = {"replicas": 1} | read_json(folder / RUN_FILE)
    for name, count in counts.items():
        if stored.get(name, count) != count and latest_checkpoint(folder):
            print(
                f"changed: {name} {stored[name]:,} -> {count:,}. The steps made so far are counted "
                "in epochs of the new length"
            )
    named = {"classes": list(classes)} if classes else {}
    write_json(folder / RUN_FILE, settings.as_json() | counts | named)


def refuse_other_labels(folder: Path, y_dim: int | None, labels: bool | None) -> None:
    """Refuse labels for a run without, and none for one with; `labels` None is as it was.

    Raises:
        UserError: y_dim, of the trained networks, is not what `labels` asks for.
    """
    if labels is not None and labels != bool(y_dim):
        was, now = ("with", "without") if y_dim else ("without", "with")
        raise UserError(
            f"{folder} was trained {was} labels, and this command is {now}: give --out_name for "
            f"a run of its own, or {'--labels' if y_dim else '--nolabels'}"
        )


def refuse_other_classes(folder: Path, classes: Sequence[str]) -> None:
    """Refuse to go on with a run whose classes had other names.

    Raises:
        UserError: they differ; names the first that do.
    """
    stored = read_json(folder / RUN_FILE).get("classes", [])
    if stored and classes and latest_checkpoint(folder) and stored != list(classes):
        gone, new = (sorted(set(a).difference(b)) for a, b in permutations((stored, classes)))
        raise UserError(
            f"the classes of {folder} were others: the data lack {first_names(gone) or 'none'}, "
            f"and {first_names(new) or 'none'} is new. Give back the old ones, or --out_name for a "
            "run of its own"
        )


def flags_of(folder: Path) -> list[str]:
    """The flags that made a run, as they would be typed; [] where none are stored.

    Without those that only decided what its command did.
    """
    known = {field.name for field in dataclasses.fields(Settings)} - OF_THE_COMMAND
    stored = read_json(folder / RUN_FILE)
    return [f"--{k}={v}" for k, v in stored.items() if k in known and v is not None]


def samples_of(folder: Path) -> Path:
    """Where a run's pictures go: below the folders it was trained with, under its present name."""
    stored = read_json(folder / RUN_FILE)
    above = (stored.get("out_dir"), stored.get("out_name"), stored.get("sample_dir") or "samples")
    return Path(*(str(part) for part in above if part), folder.resolve().name)


def class_names(folder: Path, y_dim: int | None) -> list[str]:
    """The names of a run's classes, by class number; numbers where it has none; [] without labels.

    Raises:
        UserError: the run's file holds no list of names, or of another number of classes than its
            networks have.
    """
    names = read_json(folder / RUN_FILE).get("classes") or [str(n) for n in range(y_dim or 0)]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(
            f'{folder / RUN_FILE}: "classes" is no list of names, as ["dark", "fair"]: put back a '
            "copy, or delete the file"
        )
    if len(names) != (y_dim or 0):
        raise UserError(
            f"{folder / RUN_FILE} names {len(names)} classes, the networks have {y_dim or 0}: "
            "put back a copy, or delete the file"
        )
    return names


def image_size(settings: Settings, folder: Path) -> tuple[int, int] | None:
    """Height and width for a checkpoint that does not tell them; None where nothing else does.

    They are known if they were typed, if the data have a size of their own (mnist), or if the
    folder's name ends in them, as a run's does.
    """
    size = (settings.output_height, settings.output_width)
    typed = {"output_height", "output_width"} & settings.given
    if typed or settings.is_idx_set:
        return size
    named = re.search(r"_(\d+)_(\d+)$", folder.resolve().name)
    return (int(named[1]), int(named[2])) if named else None


def _typed(name: str, value: Any, folder: Path) -> Any:
    """A stored flag as its own type.

    Raises:
        UserError: it is of another.
    """
    kind = {field.name: field.type for field in dataclasses.fields(Settings)}[name]
    if kind is float and (isinstance(value, int) or value == "inf"):
        value = float(value)
    if kind == Path | None and isinstance(value, str):
        value = Path(value)
    if not isinstance(value, kind):  # type: ignore[arg-type]
        path = folder / RUN_FILE
        raise UserError(f"{path}: {name} is {value!r}: mend it, or delete the file")
    return value


def _dataset_and_size(folder: Path) -> tuple[str, list[str]]:
    """The parts of a run's name but the batch size."""
    return folder.name.rsplit("_", 3)[0], folder.name.split("_")[-2:]


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []
