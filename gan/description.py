"""What a checkpoint says of itself: DCGAN.model.json beside it, and the shapes of its variables.

The JSON holds the networks' and the training step's configs. A checkpoint of the original has none:
there the shapes tell.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from gan.checkpoints import DAMAGED, checkpoints_in, latest_checkpoint, read_newest
from gan.config import (
    NetworkConfig,
    TrainingConfig,
    read_config,
    refuse_other_shape,
    with_architecture,
)
from gan.freezing import refuse_all_frozen
from gan.networks import refuse_unknown, variable_shapes
from gan.tf1 import is_tf1, network_config
from support.console import Say, print_note
from support.errors import UserError
from support.files import read_json, write_json

DESCRIPTION_FILE = "DCGAN.model.json"
# In the files of every version; the other fields came later.
NEEDED = {"output_height", "output_width", "c_dim", "y_dim", "z_dim"}
NEEDED |= {"gf_dim", "df_dim", "gfc_dim", "dfc_dim"}


class Description(NamedTuple):
    """What the JSON beside checkpoints says: all that DCGAN needs to train on from one of them."""

    config: NetworkConfig
    training: TrainingConfig


def description_of(
    folder: str | Path, size: tuple[int, int] | None = None, note: Say = print_note
) -> Description | None:
    """What the JSON beside a folder's checkpoints says; None where there is no checkpoint.

    A checkpoint of the original has no such file: the shapes of its variables tell the networks,
    and `size` (height, width) that of the images. `note` is given a line for each damaged one.

    Raises:
        UserError: the sizes are not known, `size` does not fit, or the JSON makes no sense.
        RunError: there are checkpoints, but none can be read.
    """
    if latest_checkpoint(folder) is None:
        return None
    if description := read_description(folder):
        _refuse_other_variables(Path(folder), description, note)
        return description
    found: list[NetworkConfig] = []

    def read(prefix: Path) -> None:
        if not is_tf1(prefix):
            raise UserError(f"{DESCRIPTION_FILE} is missing beside {prefix}: put it back")
        found.append(network_config(prefix, size))

    read_newest(folder, read, None, note)
    return Description(found[0], TrainingConfig())


def write_description(folder: Path, description: Description) -> None:
    """Write what description_of reads; fields that this version does not know stay in the file.

    Raises:
        UserError: checkpoints of networks of another shape are in the folder.
    """
    values = asdict(description.config) | asdict(description.training)
    path = folder / DESCRIPTION_FILE
    stored: Description | None = None
    others: dict[str, Any] = {}
    with suppress(UserError, ValueError):  # damaged underway: the one to be written is right
        others = with_architecture(read_json(path))
        stored = _described(others, path)
    if stored and latest_checkpoint(folder):
        refuse_other_shape(stored.config.shape(), description.config.shape(), folder)
    elif not stored and (other := _other_variable(folder, description.config)):
        raise UserError(f"{folder} holds checkpoints of other networks. These have {other}")
    write_json(path, others | values)


def read_description(folder: str | Path) -> Description | None:
    """What the JSON says, whether there are checkpoints or not; None where there is no JSON.

    Raises:
        UserError: it makes no sense; names the field.
    """
    path = Path(folder) / DESCRIPTION_FILE
    return _described(read_json(path), path)


def _described(stored: Mapping[str, Any], path: Path) -> Description | None:
    """What the content of the JSON in `path` says; None if it is empty. Raises as above."""
    if not stored:
        return None
    try:
        config = read_config(NetworkConfig, with_architecture(stored))
        if missing := sorted(NEEDED - stored.keys()):
            raise ValueError(f"{missing[0]} is missing")
        refuse_unknown(config)
        return Description(config, read_config(TrainingConfig, stored))
    except ValueError as error:
        raise UserError(f"{path}: {error}: put back a copy") from error


def _refuse_other_variables(folder: Path, description: Description, note: Say) -> None:
    """Compare the variables of the networks that a JSON describes with those of the checkpoint.

    Before the networks are made: what a file with other numbers asks for may fit into no memory.

    Raises:
        UserError: they differ; names the file, its sizes and the first variable that differs. Or
            D has fewer layers than the file has frozen.
        RunError: there is no checkpoint that can be read.
    """
    config = description.config
    others = config.shape().items() - NetworkConfig().shape().items()
    shown = NEEDED | {"architecture"} | dict(others).keys()
    sizes = ", ".join(f"{name} {value}" for name, value in config.shape().items() if name in shown)
    fault = f"{folder / DESCRIPTION_FILE}: put back a copy. Its networks ({sizes})"
    try:
        wanted = variable_shapes(config)
    except ValueError as error:
        raise UserError(f"{fault} cannot be made") from error
    stored = _newest_shapes(folder)
    if not stored:
        read_newest(folder, tf.train.load_checkpoint, None, note)  # which says why
    if other := _difference(wanted, stored):
        raise UserError(f"{fault} have {other}")
    of_d = [name for name in wanted if name.startswith("discriminator/")]
    try:
        refuse_all_frozen(of_d, description.training.freeze_d)
    except UserError as error:
        raise UserError(f"{folder / DESCRIPTION_FILE}: {error}") from error


def _other_variable(folder: Path, config: NetworkConfig) -> str:
    """How the variables of a folder's newest readable checkpoint differ from a config's; or ""."""
    stored = _newest_shapes(folder)
    return _difference(variable_shapes(config), stored) if stored else ""


def _difference(wanted: Mapping[str, list[int]], stored: Mapping[str, list[int]]) -> str:
    """The first variable that a checkpoint holds in another shape than is wanted; "" if none."""
    for name, shape in wanted.items():
        # The name of a variable here, and those in TensorFlow 1.
        names = (f"dcgan/{name}/.ATTRIBUTES/VARIABLE_VALUE", name, name.partition("/")[2])
        found = next((stored[one] for one in names if one in stored), None)
        if found is None:
            return f"{name}, the checkpoint does not"
        if found != shape:
            was, now = ("x".join(map(str, sides)) for sides in (found, shape))
            return f"{name} as {now}, the checkpoint has it as {was}"
    return ""


def _newest_shapes(folder: Path) -> dict[str, list[int]]:
    """The shapes of all variables of a folder's newest readable checkpoint; {} without one."""
    return next(filter(None, map(_shapes_in, checkpoints_in(folder))), {})


def _shapes_in(prefix: Path) -> dict[str, list[int]]:
    """The shapes of all variables of a checkpoint; {} if it cannot be read."""
    try:
        return dict(tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map())
    except DAMAGED:
        return {}  # whoever loads it says so
