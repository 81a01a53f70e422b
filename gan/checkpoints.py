"""Checkpoints on disk: written whole, verified when read, the newest good one found.

A checkpoint is two files of TensorFlow's, DCGAN.model-{step}.index and .data-00000-of-00001. The
index is renamed into place last: where it stands, the checkpoint is whole. DCGAN.model.json beside
it holds what shapes the networks.
"""

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from gan.tf1 import is_tf1, network_settings
from runs.settings import PRECISIONS
from support.errors import RunError, UserError, one_line
from support.files import read_json, sweep_asides, written_aside

CHECKPOINT_NAME = "DCGAN.model"
STATE_FILE = "checkpoint"  # TensorFlow's own note of the newest one
SETTINGS_FILE = "DCGAN.model.json"
NETWORK_SETTINGS = (
    "output_height",
    "output_width",
    "c_dim",
    "y_dim",
    "z_dim",
    "gf_dim",
    "df_dim",
    "gfc_dim",
    "dfc_dim",
    "convolutions",
)
SUFFIXES = (".index", ".data-00000-of-00001")
# What reading a file that was cut short or changed raises. TensorFlow's files hold checksums of all
# they contain: with every single byte of them changed in turn, each time the reader raised one of
# these, or gave the right values.
DAMAGED = (tf.errors.OpError, IndexError)


def default_convolutions(y_dim: int | None) -> int:
    """Convolutions of the original's networks: 2 with labels, 4 without."""
    return 2 if y_dim else 4


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
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    newest = _name_in_state_file(folder)
    prefixes = [folder / name.removesuffix(".index") for name in names if _is_index(name)]
    # TensorFlow's format of 2016: one file of that very name, with a .meta beside it.
    prefixes += [folder / name for name in names if _is_of_2016(name, names, newest)]
    return sorted(prefixes, key=lambda p: (p.name == newest, step_of(p), p.name), reverse=True)


def latest_checkpoint(folder: str | Path) -> Path | None:
    """The path prefix of the newest checkpoint in a folder, None where there is none."""
    return next(iter(checkpoints_in(folder)), None)


def write_checkpoint(
    objects: tf.train.Checkpoint, folder: Path, step: int, max_to_keep: int
) -> Path:
    """Write DCGAN.model-{step} and delete the oldest beyond `max_to_keep` -> its path prefix.

    What a killed process left is swept. The original's own checkpoints are never deleted.

    Raises:
        RunError: the files cannot be written; those that were there are as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep_asides(folder)
    prefix = folder / f"{CHECKPOINT_NAME}-{step}"
    index, data = _files(prefix)
    # Their names aside differ as SUFFIXES do: TensorFlow writes to both when given the common part.
    with written_aside(index) as index_aside, written_aside(data):
        _write_tensors(objects, index_aside.with_suffix(""), step)
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
    folder: str | Path, read: Callable[[Path], None], step: int | None = None
) -> Path | None:
    """Call `read` with the newest checkpoint, and where that is damaged with the one before.

    Args:
        folder: of the checkpoints.
        read: restores one, by its path prefix.
        step: only a checkpoint of that step will do.

    Returns:
        The path prefix that was read; None where the folder holds no checkpoint. Each one
        that had to be passed over is named on stderr.

    Raises:
        UserError: there are checkpoints, but none of `step`.
        RunError: there are checkpoints, but all are damaged.
    """
    prefixes = checkpoints_in(folder)
    if prefixes and step is not None:
        steps = ", ".join(f"{step_of(prefix)}" for prefix in reversed(prefixes))
        prefixes = [prefix for prefix in prefixes if step_of(prefix) == step]
        if not prefixes:
            raise UserError(f"{folder} has no checkpoint of step {step}: there are {steps}")
    for prefix in prefixes:
        try:
            read(prefix)
        except tf.errors.ResourceExhaustedError:
            raise
        except DAMAGED as error:
            print(f"note: {prefix} is damaged: {one_line(error)}", file=sys.stderr)
            continue
        return prefix
    if prefixes:
        raise RunError(
            f"all {len(prefixes)} checkpoints in {folder} are damaged. Put back a copy of one, or "
            "delete the folder to begin at step 0"
            if step is None
            else f"the checkpoint of step {step} in {folder} is damaged. Take another one"
        )
    return None


def stored_settings(checkpoint_dir: str | Path, size: tuple[int, int] | None) -> dict[str, Any]:
    """What DCGAN takes to build the networks of a folder's checkpoints; {} where there is none.

    Args:
        checkpoint_dir: a folder that DCGAN.save wrote, or one of the original's.
        size: height and width of the images, which the original's checkpoints do not tell.

    Raises:
        UserError: nothing tells it, or `size` does not fit.
    """
    if latest_checkpoint(checkpoint_dir) is None:
        return {}
    path = Path(checkpoint_dir) / SETTINGS_FILE
    stored = read_json(path)
    if stored:
        return _checked_description(stored, path)

    def read(prefix: Path) -> None:
        if not is_tf1(prefix):
            raise UserError(f"no {SETTINGS_FILE} beside {prefix}: put it back, it tells the sizes")
        stored.update(network_settings(prefix, size))

    read_newest(checkpoint_dir, read)
    return stored


def _checked_description(stored: dict[str, Any], path: Path) -> dict[str, Any]:
    """What DCGAN takes of a description.

    Raises:
        UserError: something is missing, is no number, or no precision.
    """
    # Written before there was a choice: the original's networks.
    before = {"convolutions": default_convolutions(stored.get("y_dim")), "precision": PRECISIONS[0]}
    stored = before | stored
    for name in NETWORK_SETTINGS:
        value = stored.get(name)
        if (name, value) != ("y_dim", None) and (type(value) is not int or value < 1):
            raise UserError(f"{path}: {name} is {value!r}, it must be a number: put back a copy")
    if stored["precision"] not in PRECISIONS:
        found, wanted = stored["precision"], " or ".join(PRECISIONS)
        raise UserError(f"{path}: precision is {found!r}, it must be {wanted}: put back a copy")
    kept = (*NETWORK_SETTINGS, "batch_size", "precision")
    return {name: stored[name] for name in kept if name in stored}


def refuse_other_shape(
    stored: Mapping[str, Any], given: Mapping[str, Any], checkpoint_dir: str | Path
) -> None:
    """Compare what `given` holds of NETWORK_SETTINGS with the settings stored with a checkpoint.

    Raises:
        UserError: they differ; names each difference.
    """
    differences = [
        f"{name} is {stored[name]}, not {given[name]}"
        for name in NETWORK_SETTINGS
        if name in stored and name in given and stored[name] != given[name]
    ]
    if differences:
        raise UserError(
            f"the networks in {checkpoint_dir} are of another shape: {', '.join(differences)}. "
            "Give the stored values, or another --out_name or --checkpoint_dir"
        )


def _write_tensors(objects: tf.train.Checkpoint, prefix: Path, step: int) -> None:
    try:
        objects.write(str(prefix))
    except tf.errors.OpError as error:
        for left in prefix.parent.glob(f"{prefix.name}_temp*"):  # TensorFlow's own working folder
            shutil.rmtree(left, ignore_errors=True)
        reason = one_line(error).rpartition("; ")[2]  # before it stands the name aside
        raise RunError(
            f"{prefix.parent}: the checkpoint of step {step:,} cannot be written: {reason}"
        ) from error


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
    try:
        return not is_tf1(prefix)
    except DAMAGED:
        return False  # whatever it was, it is kept


def _name_in_state_file(folder: Path) -> str:
    """What the `checkpoint` file calls the newest; "" where it says nothing legible."""
    try:
        text = (folder / STATE_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r'^model_checkpoint_path: "(?:.*[/\\])?(.*)"', text, re.MULTILINE)
    return found[1] if found else ""
