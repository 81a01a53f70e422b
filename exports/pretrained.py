"""The run to pass on: both networks in a tenth of the space, which every command here opens.

A checkpoint in the format of the original's, weights by their names and nothing of an optimizer,
with DCGAN.model.json and run.json beside it. Large arrays are most of it: they take a byte a
number, so that MNIST's 10.8 million of both networks stay below 15 MB.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from exports.formats import Written
from exports.weights import arrays_of
from gan.checkpoints import CHECKPOINT_NAME, SUFFIXES, checkpoints_in, write_checkpoint
from gan.description import DESCRIPTION_FILE, Description, write_description
from gan.tf1 import SCALE, is_tf1
from runs.flags import KEPT, marked
from runs.stored import RUN_FILE, read_run
from support.errors import RunError, UserError
from support.files import write_json

if TYPE_CHECKING:
    from runs.opened import Trained

LARGE = 2**20  # numbers in an array that is kept in int8; a smaller one is in float16
PARTS = 2.0**-11  # of a number: what rounding it to float16 may change
PARTS_OF_LARGE = 1 / 253  # of a column's largest number: half a unit of int8, and a float32's error
OF_ITS_MACHINE = {"labels_file"}  # settings that name files of whoever trained it
MORE = {"dataset", "epoch", "batch_size", "output_height", "output_width"}
READER = """
import tensorflow as tf

stored = tf.train.load_checkpoint(path.partition(".data-")[0])
held = {name: stored.get_tensor(name) for name in stored.get_variable_to_shape_map()}
scale = "/scale"  # as gan.tf1.SCALE
names = [name for name in held if not name.endswith(scale)]
outputs = {name: held[name] * held.get(name + scale, 1) for name in names}
"""


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write a checkpoint of the networks, G as it is sampled, and what is known of the run.

    Raises:
        UserError: another checkpoint is in the folder.
        RunError: it cannot be written, or a weight is too large for float16.
    """
    dcgan = trained.dcgan
    step = int(dcgan.step)
    _refuse_another(folder, f"{CHECKPOINT_NAME}-{step}")
    arrays, apart = dict[str, np.ndarray](), dict[str, float]()
    for name, array in arrays_of(dcgan).items():
        rounded = _rounded(name, array)
        arrays |= rounded
        apart[name] = _most_of(rounded[name]) * float(np.abs(array).max())
    # What is stored as G's weights is what was sampled by: there is no second set to choose from.
    write_description(folder, Description(dcgan.config, replace(dcgan.training, ema=0.0)))
    write_json(folder / RUN_FILE, _told(trained))

    def save(prefix: str) -> None:
        tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=list(arrays),
            shape_and_slices=[""] * len(arrays),
            tensors=list(arrays.values()),
        )

    prefix = write_checkpoint(save, folder, step, max_to_keep=1)
    text = "both networks, rounded, for generate.py --run and main.py --init_from"
    path = prefix.with_name(prefix.name + SUFFIXES[1])
    most = max(_most_of(array) for array in arrays.values())
    return [Written(path, text, READER, most=most, rounded=apart)]


def _refuse_another(folder: Path, name: str) -> None:
    """Refuse a folder that holds a checkpoint which this export has not written itself.

    Raises:
        UserError: names it.
    """
    described = (folder / DESCRIPTION_FILE).exists()
    for prefix in checkpoints_in(folder):
        if prefix.name != name or not described or not is_tf1(prefix):
            raise UserError(f"{folder} holds another checkpoint, {prefix.name}: give another --out")


def _rounded(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """Matrices and filters in float16 or int8; what is small, biases and averages, as it is.

    int8 in units of 1/127 of the largest number of each column, which are kept beside it.

    Raises:
        RunError: a number is too large for float16.
    """
    if array.ndim < 2:
        return {name: array}
    if array.size >= LARGE:
        largest = np.abs(array).max(axis=tuple(range(array.ndim - 1)), keepdims=True)
        units = np.where(largest > 0, largest, 1) / np.float32(127)
        return {name: np.rint(array / units).astype(np.int8), name + SCALE: units}
    with np.errstate(over="ignore"):  # refused below
        half = array.astype(np.float16)
    if not np.isfinite(half).all():
        raise RunError(f"{name} has numbers beyond float16's largest, {np.finfo(np.float16).max}")
    return {name: half}


def _most_of(array: np.ndarray) -> float:
    """In parts of the largest number, how far rounding to this type may have changed one."""
    return {"int8": PARTS_OF_LARGE, "float16": PARTS}.get(array.dtype.name, 0.0)


def _told(trained: "Trained") -> dict[str, Any]:
    """What run.json says of the run, without the folders of whoever trained it."""
    run, settings = read_run(trained.folder), trained.settings.as_json()
    names = trained.known & ({*marked(trained.settings, KEPT)} | MORE) - OF_ITS_MACHINE
    told = {name: settings[name] for name in settings if name in names}
    if "dataset" in told:
        told["dataset"] = Path(told["dataset"]).name
    told |= {"images": run.images, "replicas": run.replicas} if run.images else {}
    return told | ({"classes": list(run.classes)} if run.classes else {})
