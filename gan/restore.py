"""What is taken from one checkpoint: weights, Adams, the average, the step; of either format."""

from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from gan.adam import Adam
from gan.average import Average
from gan.checkpoints import step_of
from gan.networks import Network
from gan.tf1 import is_tf1, read_values
from support.console import Say
from support.errors import UserError, one_line


class State(NamedTuple):
    """All that training changes in a DCGAN, by the names that a checkpoint has for it."""

    generator: Network
    discriminator: Network
    g_optim: Adam
    d_optim: Adam
    step: tf.Variable
    average: Average | None


def restore(state: State, prefix: Path, note: Say) -> None:
    """Fill `state` from a checkpoint, which may be one of the original's; then Adam starts anew.

    An average that the checkpoint lacks begins with its weights. `note` is given a line for either.

    Raises:
        UserError: it is of other networks.
        One of checkpoints.DAMAGED: it cannot be read.
    """
    if is_tf1(prefix):
        _restore_tf1(state, prefix)
        note(f"{prefix} is of TensorFlow 1: weights and averages; Adam starts anew")
        is_averaged = False
    else:
        is_averaged = state.average is not None and _is_averaged(prefix)
        try:
            parts = {
                name: part
                for name, part in state._asdict().items()
                if part is not None and (name != "average" or is_averaged)
            }
            status = tf.train.Checkpoint(dcgan=tf.train.Checkpoint(**parts)).read(str(prefix))
            status.assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError) as error:
            raise UserError(f"{prefix} is of other networks: {one_line(error)}") from error
    if state.average and not is_averaged:
        state.average.restart(state.generator)
        note(f"{prefix} has no averaged weights: the average begins with the raw ones")


def _restore_tf1(state: State, prefix: Path) -> None:
    variables = state.generator.named_variables() | state.discriminator.named_variables()
    values = read_values(prefix, variables)
    try:
        for name, value in values.items():
            variables[name].assign(value)
    except ValueError as error:
        raise UserError(f"{prefix}: {one_line(error)}") from error
    state.step.assign(step_of(prefix))
    state.d_optim.reset()
    state.g_optim.reset()


def _is_averaged(prefix: Path) -> bool:
    reader = tf.train.load_checkpoint(str(prefix))
    return bool(reader.has_tensor("dcgan/average/steps/.ATTRIBUTES/VARIABLE_VALUE"))
