"""Checkpoints on disk: written whole, verified when read, the newest good one found.

A checkpoint is two files of TensorFlow's, DCGAN.model-{step}.index and .data-00000-of-00001. The
index is renamed into place last: where it stands, the checkpoint is whole. What its networks are
stands in a file beside it (gan/description.py).
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from gan.tf1 import is_tf1
from support.console import Say
from support.errors import RunError, UserError, one_line
from support.files import open_regular, refuse_pattern, sweep_asides, written_aside

CHECKPOINT_NAME = "DCGAN.model"
STATE_FILE = "checkpoint"  # TensorFlow's own note of the newest one
BEST = "best"  # the folder of the checkpoint that training/evaluating.py found to be the best
SUFFIXES = (".index", ".data-00000-of-00001")
# What reading a file that was cut short or changed raises. TensorFlow's files hold checksums of all
# they contain: with every single byte of them changed in turn, each time the reader raised one of
# these, or gave the right values.
DAMAGED = (tf.errors.OpError, IndexError)


def step_of(prefix: Path) -> int:
    """The step in a checkpoint's name, which may be any name that ends in -NUMBER; else 0."""
    number = prefix.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def checkpoints_in(folder: str | Path) -> list[Path]:
    """The path prefixes of a folder's checkpoints, the newest first.

    The folder's `checkpoint` file says which is the newest, only by its name, as folders get
    moved; the others follow by their steps.
    """
    folder = Path(folder)
    names = {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    newest = _name_in_state_file(folder)
    prefixes = [folder / name.removesuffix(".index") for name in names if _is_index(name)]
    # TensorFlow's format of 2016: one file of that very name, with a .meta beside it.
    prefixes += [folder / name for name in names if _is_of_2016(name, names, newest)]
    return sorted(prefixes, key=lambda p: (p.name == newest, step_of(p), p.name), reverse=True)


def latest_checkpoint(folder: str | Path) -> Path | None:
    """The path prefix of the newest checkpoint in a folder, None where there is none."""
    return next(iter(checkpoints_in(folder)), None)


def find_checkpoint(folder: Path, which: str) -> tuple[Path, int | None]:
    """The folder and the step of "last", "best" or the step of that number; step None: the newest.

    The best lies in a folder of its own below the run's, where its step is found, too.

    Raises:
        UserError: there is no best one.
    """
    best = folder / BEST
    if which == "best":
        if latest_checkpoint(best) is None:
            raise UserError(
                f"{folder} has no best checkpoint: train with --eval_freq, or give --which last"
            )
        return best, None
    if which == "last":
        return folder, None
    step = int(which)
    in_folder, in_best = (step in map(step_of, checkpoints_in(where)) for where in (folder, best))
    return (best if in_best and not in_folder else folder), step


def write_checkpoint(
    write: Callable[[str], object], folder: Path, step: int, max_to_keep: int
) -> Path:
    """Write DCGAN.model-{step} and delete the oldest beyond `max_to_keep` -> its path prefix.

    write: has TensorFlow write the files of a prefix, as tf.train.Checkpoint.write does.

    What a killed process left is swept. Checkpoints of other names and the original's own are never
    deleted.

    Raises:
        RunError: the files cannot be written; those that were there are as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep_asides(folder)
    prefix = folder / f"{CHECKPOINT_NAME}-{step}"
    index, data = _files(prefix)
    # Their names aside differ as SUFFIXES do: TensorFlow writes to both when given the common part.
    with written_aside(index) as index_aside, written_aside(data):
        _write_tensors(write, index_aside.with_suffix(""), step)
        index.unlink(missing_ok=True)  # of the same step, written by a run that fell back
    older = [path for path in checkpoints_in(folder) if path != prefix and _is_ours(path)]
    # Those of later steps are of a run that fell back to an earlier one: they go first.
    older.sort(key=lambda path: (step_of(path) < step, step_of(path)), reverse=True)
    kept = [prefix, *older[: max_to_keep - 1]]
    with written_aside(folder / STATE_FILE) as aside:
        lines = [f'model_checkpoint_path: "{prefix.name}"']
        lines += [f'all_model_checkpoint_paths: "{path.name}"' for path in reversed(kept)]
        aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path in older[max_to_keep - 1 :]:
        for file in _files(path):
            file.unlink(missing_ok=True)
    return prefix


def read_newest(
    folder: str | Path, read: Callable[[Path], object], step: int | None, note: Say
) -> Path | None:
    """Call `read` with the newest checkpoint, and where that is damaged with the one before.

    With a `step`, only the checkpoint of that step will do. `note` is given a line for each that
    cannot be read. Returns the path prefix that was read; None where there is no checkpoint.

    Raises:
        UserError: there are checkpoints, but none of `step`, or TensorFlow cannot take the name.
        RunError: there are checkpoints, but none can be read.
    """
    prefixes = checkpoints_in(folder)
    if prefixes and step is not None:
        steps = [str(step_of(prefix)) for prefix in reversed(prefixes)]
        there = f"there {'are steps' if steps[1:] else 'is step'} {', '.join(steps)}"
        prefixes = [prefix for prefix in prefixes if step_of(prefix) == step]
        if not prefixes:
            raise UserError(f"{folder} has no checkpoint of step {step}: {there}")
    if not prefixes:
        return None
    refuse_pattern(Path(folder))
    for prefix in prefixes:
        try:
            for file in _files(prefix):
                if file.exists() and not file.is_file():  # a pipe would be waited for
                    raise tf.errors.DataLossError(None, None, f"{file.name} is not a file")
            read(prefix)
        except tf.errors.ResourceExhaustedError:
            raise
        except DAMAGED as error:
            note(f"{prefix} {_fault(prefix, error)}")
            continue
        return prefix
    if step is not None:
        raise RunError(f"the checkpoint of step {step} in {folder} cannot be read. Take another")
    raise RunError(
        f"no checkpoint in {folder} can be read ({len(prefixes)} tried). Put back a copy of one, "
        "or start a new run with --out_name"
    )


def _write_tensors(write: Callable[[str], object], prefix: Path, step: int) -> None:
    try:
        write(str(prefix))
    except tf.errors.OpError as error:
        for left in prefix.parent.glob(f"{prefix.name}_temp*"):  # TensorFlow's own working folder
            shutil.rmtree(left, ignore_errors=True)
        reason = one_line(error).rpartition("; ")[2]  # before it stands the name aside
        raise RunError(
            f"{prefix.parent}: the checkpoint of step {step:,} cannot be written: {reason}"
        ) from error


def _fault(prefix: Path, error: Exception) -> str:
    """What is wrong with a checkpoint that cannot be read, in words."""
    if missing := [file.name for file in _files(prefix) if not file.exists()]:
        return f"is not whole: {missing[0]} is missing"
    refused = isinstance(error, tf.errors.PermissionDeniedError)
    return f"{'cannot be read' if refused else 'is damaged'}: {one_line(error)}"


def _files(prefix: Path) -> tuple[Path, Path]:
    """The index, and the data it stands for."""
    index, data = (prefix.with_name(prefix.name + suffix) for suffix in SUFFIXES)
    return index, data


def _is_index(name: str) -> bool:
    return name.endswith(".index") and not name.startswith(".")


def _is_of_2016(name: str, names: set[str], newest: str) -> bool:
    is_one_file = f"{name}.index" not in names and re.fullmatch(r"[^.].*-\d+", name) is not None
    return is_one_file and (f"{name}.meta" in names or name == newest)


def _is_ours(prefix: Path) -> bool:
    """Whether write_checkpoint wrote it: not a copy under a name of its own, nor the original's."""
    try:
        return prefix.name == f"{CHECKPOINT_NAME}-{step_of(prefix)}" and not is_tf1(prefix)
    except DAMAGED:
        return False  # whatever it was, it is kept


def _name_in_state_file(folder: Path) -> str:
    """What the `checkpoint` file calls the newest; "" where it says nothing legible."""
    path = folder / STATE_FILE
    try:
        with open_regular(path) as file:
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r'^model_checkpoint_path: "(?:.*[/\\])?(.*)"', text, re.MULTILINE)
    return found[1] if found else ""
