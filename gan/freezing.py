"""Freeze D (Mo et al. 2020): the layers of a trained D that fine-tuning leaves as they are."""

import re
from collections.abc import Iterable

import tensorflow as tf

from gan.base import Network
from support.errors import UserError


def trained_of(discriminator: Network, freeze_d: int) -> dict[str, tf.Variable]:
    """D's variables that are trained: all, or those after its first `freeze_d` layers.

    A layer's batch norm goes with it. Its averages move all the same: they are not learned, but
    describe the images that D sees, and training does not read them.
    """
    variables = discriminator.trainable()
    return {name: v for name, v in variables.items() if _layer_of(name) >= freeze_d}


def refuse_all_frozen(names: Iterable[str], freeze_d: int) -> None:
    """Refuse to freeze all layers of the D that has variables of these names.

    Raises:
        UserError: not even the last layer would be trained.
    """
    layers = 1 + max(map(_layer_of, names))
    if freeze_d >= layers:
        raise UserError(
            f"freeze_d is {freeze_d}: D has {layers} layers, and the last is to be trained. Give "
            f"{layers - 1} or less"
        )


def _layer_of(name: str) -> int:
    """The layer of a variable, from 0, by its original name: 1 of d_h1_conv/w and d_bn1/beta."""
    return int(re.findall(r"/d_(?:h|bn)(\d+)", name)[0])
