"""Checkpoints of the original itself, TensorFlow 1's: what they hold, and what follows from it.

They hold weights and moving averages by name, `generator/g_h0_lin/Matrix` and so on; those of 2016
lack the network's part of the name. They hold no settings, no step and nothing of Adam's.
exports/pretrained.py writes the same, with the weights rounded: to float16, or to int8, in units
that stand beside them by a name that ends in SCALE.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gan.config import NetworkConfig, halved
from support.errors import UserError

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # in every checkpoint of TensorFlow 2
NETWORKS = {"g_": "generator/", "d_": "discriminator/"}
SCALE = "/scale"
NAMED_AT_MOST = 5

Shapes = Mapping[str, Sequence[int]]


def is_tf1(prefix: Path) -> bool:
    """Whether a checkpoint is one of TensorFlow 1. Raises tf.errors.OpError where it is damaged."""
    return not tf.train.load_checkpoint(str(prefix)).has_tensor(OBJECT_GRAPH)


def network_config(prefix: Path, size: tuple[int, int] | None) -> NetworkConfig:
    """The networks of a checkpoint, by the shapes of its variables.

    Args:
        prefix: the checkpoint's path prefix.
        size: height and width of the images. The variables tell them only in steps: of 16 pixels
            without labels, of 4 with.

    Raises:
        UserError: these are not the original's networks, or `size` is missing or does not fit.
    """
    stored = _by_full_name(prefix, tf.train.load_checkpoint(str(prefix)))
    shapes = {name: shape for name, (_, shape) in stored.items()}
    try:
        if "discriminator/d_h4_lin/Matrix" in shapes:
            settings, area, halvings = _without_labels(shapes)
        else:
            settings, area, halvings = _with_labels(shapes)
        config = NetworkConfig(**settings)
    except KeyError as error:
        raise UserError(
            f"{prefix} is a TensorFlow 1 checkpoint, but not of this program: {error} is missing. "
            f"It holds {_some(shapes)}"
        ) from error
    except (IndexError, ValueError, ZeroDivisionError) as error:
        raise UserError(
            f"{prefix} is a TensorFlow 1 checkpoint with this program's names, but not its shapes"
        ) from error
    if size is None or math.prod(halved(size, halvings)) != area:
        raise UserError(f"{prefix}: {_size_wanted(size, area, 2**halvings)}")
    return dataclasses.replace(config, output_height=size[0], output_width=size[1])


def read_values(prefix: Path, names: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The values of all `names`, float32, from a checkpoint that holds exactly these.

    Raises:
        UserError: a name is missing, or one is there that is not among `names`.
        ValueError: the units of int8 numbers do not have their shape.
    """
    reader = tf.train.load_checkpoint(str(prefix))
    stored = _by_full_name(prefix, reader)
    scaled = {name for name in names if name + SCALE in stored}
    known = {*names, *(name + SCALE for name in scaled)}
    for fault, names_of in (
        ("lacks", [name for name in names if name not in stored]),
        ("also holds", [its for name, (its, _) in stored.items() if name not in known]),
    ):
        if names_of:
            raise UserError(f"{prefix} {fault} {_some(names_of)}: it is not of these networks")

    def held(name: str) -> np.ndarray:
        values: np.ndarray = reader.get_tensor(stored[name][0]).astype(np.float32)
        return values

    return {
        name: held(name) * held(name + SCALE) if name in scaled else held(name) for name in names
    }


def _by_full_name(prefix: Path, reader: Any) -> dict[str, tuple[str, list[int]]]:
    """{"generator/g_h0_lin/Matrix": (the name in the checkpoint, its shape), ...}."""
    stored: dict[str, tuple[str, list[int]]] = {}
    for name, shape in sorted(reader.get_variable_to_shape_map().items()):
        full = NETWORKS.get(name[:2], "") + name
        if full in stored:
            raise UserError(f"{prefix} holds {full} twice, as {stored[full][0]} and as {name}")
        stored[full] = (name, shape)
    return stored


def _without_labels(shapes: Shapes) -> tuple[dict[str, Any], int, int]:
    """Settings, pixels of the smallest feature map, and how often the size was halved to it."""
    z_dim, units = shapes["generator/g_h0_lin/Matrix"]
    _, _, c_dim, gf_dim = shapes["generator/g_h4/w"]
    df_dim = shapes["discriminator/d_h0_conv/w"][3]
    settings: dict[str, Any] = {
        "architecture": "dcgan",
        "c_dim": c_dim,
        "z_dim": z_dim,
        "gf_dim": gf_dim,
        "df_dim": df_dim,
    }
    return settings, units // (8 * gf_dim), 4


def _with_labels(shapes: Shapes) -> tuple[dict[str, Any], int, int]:
    """As _without_labels."""
    c_dim = shapes["generator/g_h3/w"][2]
    y_dim = shapes["discriminator/d_h0_conv/w"][2] - c_dim
    gf_dim = shapes["generator/g_h2/w"][2] // 2
    settings = {
        "architecture": "dcgan_mnist",
        "c_dim": c_dim,
        "y_dim": y_dim,
        "z_dim": shapes["generator/g_h0_lin/Matrix"][0] - y_dim,
        "gf_dim": gf_dim,
        "df_dim": shapes["discriminator/d_h1_conv/w"][3] - y_dim,
        "gfc_dim": shapes["generator/g_h0_lin/Matrix"][1],
        "dfc_dim": shapes["discriminator/d_h2_lin/Matrix"][1],
    }
    return settings, shapes["generator/g_h1_lin/Matrix"][1] // (2 * gf_dim), 2


def _size_wanted(size: tuple[int, int] | None, area: int, step: int) -> str:
    """What to type for networks whose smallest feature map has `area` pixels."""
    side = math.isqrt(area)
    if side**2 == area:
        fitting = f"square images of {side * step - step + 1} to {side * step} pixels"
    else:
        fitting = f"images whose height and width, divided by {step} and rounded up, make {area}"
    given = f", not {size[0]}x{size[1]}" if size else ""
    return f"its networks are for {fitting}{given}. Give --output_height and --output_width"


def _some(names: Mapping[str, Any] | Sequence[str]) -> str:
    shown = list(names)[:NAMED_AT_MOST]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more
