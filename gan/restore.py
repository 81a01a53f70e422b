"""What is taken from a checkpoint: weights, optimizers, the average, the step; of either format."""

from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from gan.average import Average
from gan.checkpoints import step_of
from gan.networks import Network
from gan.optimizers import Optimizer
from gan.tf1 import is_tf1, read_values
from support.console import Say
from support.errors import UserError, one_line


class State(NamedTuple):
    """All that training changes in a DCGAN, by the names that a checkpoint has for it."""

    generator: Network
    discriminator: Network
    g_optim: Optimizer
    d_optim: Optimizer
    step: tf.Variable
    average: Average | None


def restore(state: State, prefix: Path, note: Say, to_train: bool = True) -> None:
    """Fill `state` from a checkpoint, which may be one of the original's; then Adam starts anew.

    So does an optimizer that the checkpoint does not have, as the run had another. An average that
    it lacks begins with its weights. `note` is given a line for each; without `to_train` none
    that matters only to a training that goes on.

    Raises:
        UserError: it is of other networks.
        One of checkpoints.DAMAGED: it cannot be read.
    """
    if is_tf1(prefix):
        _restore_tf1(state, prefix)
        if to_train:
            note(f"{prefix} holds weights and averages alone: Adam starts anew")
        is_averaged = False
    else:
        held = _parts_of(prefix)
        is_averaged = state.average is not None and "steps" in held["average"]
        new = [
            name for name in ("g_optim", "d_optim") if held[name] != _parts(getattr(state, name))
        ]
        try:
            parts = {
                name: part
                for name, part in state._asdict().items()
                if part is not None and name not in new and (name != "average" or is_averaged)
            }
            status = tf.train.Checkpoint(dcgan=tf.train.Checkpoint(**parts)).read(str(prefix))
            status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError) as error:
            raise UserError(f"{prefix} is of other networks: {one_line(error)}") from error
        for name in new:
            getattr(state, name).reset()
            note(f"{prefix} is of another optimizer of {name[0].upper()}: the new one starts anew")
    if state.average and not is_averaged:
        state.average.restart(state.generator)
        note(f"{prefix} has no averaged weights: the average begins with the raw ones")


def _restore_tf1(state: State, prefix: Path) -> None:
    variables = state.generator.named_variables() | state.discriminator.named_variables()
    try:
        for name, value in read_values(prefix, variables).items():
            variables[name].assign(value)
    except ValueError as error:
        raise UserError(f"{prefix}: {one_line(error)}") from error
    state.step.assign(step_of(prefix))
    state.d_optim.reset()
    state.g_optim.reset()


def _parts_of(prefix: Path) -> dict[str, set[str]]:
    """What a checkpoint holds of each field of State: {"g_optim": {"m", "v", ...}, ...}."""
    held: dict[str, set[str]] = {name: set() for name in State._fields}
    for key in tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map():
        if key.count("/") > 2:  # dcgan/g_optim/m/...
            held.setdefault(key.split("/")[1], set()).add(key.split("/")[2])
    return held


def _parts(optimizer: Optimizer) -> set[str]:
    """The names below which an optimizer's variables are saved."""
    return {name for name in vars(optimizer) if not name.startswith("_")}
