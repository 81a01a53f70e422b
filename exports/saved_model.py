"""A trained model for other programs: --export (a SavedModel) and --freeze (one graph file)."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from model import DCGAN
from support.files import TOKEN, written_aside

FROZEN_GRAPH = "frozen_graph.pb"


def save_model(dcgan: DCGAN, folder: Path) -> Path:
    """Write both networks as a SavedModel, replacing `folder`; returns it.

    Signatures: serving_default, z [N, z_dim] (and y [N, y_dim]) -> images [N, H, W, c_dim] in the
    model's value range; discriminator, images (and y) -> logits [N, 1]. Any N.
    """

    def sampler(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": dcgan.sampler(inputs["z"], inputs.get("y"))}

    def discriminator(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": dcgan.discriminate(inputs["images"], inputs.get("y"))}

    module = tf.Module()
    module.generator, module.discriminator = dcgan.sampled, dcgan.discriminator
    signatures = {
        "serving_default": _traced(dcgan, sampler, None, z=(dcgan.z_dim,)),
        "discriminator": _traced(dcgan, discriminator, None, images=dcgan.image_shape),
    }
    # A folder of this process's own: another may export at the same time, or a link be in the way.
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}-{TOKEN}.part")
    aside.mkdir()
    tf.saved_model.save(module, str(aside), signatures)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    return folder


def freeze(dcgan: DCGAN, folder: Path, batch_size: int) -> Path:
    """Write the sampler, weights as constants, for batches of one size; returns the file's path.

    The graph's inputs are z (and y), its output is images.
    """
    # Lives in a part of TensorFlow that may move; nothing but --freeze should break then.
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def sampler(**inputs: tf.Tensor) -> tf.Tensor:
        return tf.identity(dcgan.sampler(inputs["z"], inputs.get("y")), name="images")

    traced = _traced(dcgan, sampler, batch_size, z=(dcgan.z_dim,))
    graph = convert_variables_to_constants_v2(traced).graph.as_graph_def()
    path = folder / FROZEN_GRAPH
    with written_aside(path) as aside:
        aside.write_bytes(graph.SerializeToString())
    return path


def _traced(
    dcgan: DCGAN, function: Callable[..., Any], batch_size: int | None, **shapes: tuple[int, ...]
) -> Any:
    """`function`, traced for batches of inputs of these shapes and, with labels, of y."""
    if dcgan.y_dim:
        shapes["y"] = (dcgan.y_dim,)
    specs = {n: tf.TensorSpec((batch_size, *shape), name=n) for n, shape in shapes.items()}
    return tf.function(function).get_concrete_function(**specs)
