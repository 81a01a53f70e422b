"""Both networks as a SavedModel of TensorFlow 2: --export of main.py."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from exports.formats import Written
from exports.graphs import judgement_of, traced
from model import DCGAN
from support.errors import UserError
from support.files import folder_aside, sweep_asides

if TYPE_CHECKING:
    from runs.opened import Trained

FOLDER = "saved_model"
READER = """
import tensorflow as tf

model = tf.saved_model.load(path).signatures

def run(batch):
    batch = {name: tf.constant(values) for name, values in batch.items()}
    images = batch.pop("images")
    made = model["generate"](**batch)
    batch.pop("z")
    return made | model["discriminate"](images=images, **batch)

outputs = joined(run)
"""


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/saved_model."""
    path = save_model(trained.dcgan, folder / FOLDER)
    return [Written(path, "both networks, for TensorFlow 2", READER)]


def save_model(dcgan: DCGAN, folder: Path) -> Path:
    """Write both networks as a SavedModel, replacing one in `folder`; returns it.

    Signatures, all of any N: generate and serving_default, which are the same, z [N, z_dim] (and
    y [N, y_dim]) -> images, float32 [N, H, W, c_dim] in the model's value range, and pixels, the
    same as uint8; discriminate, images (and y) -> logits, probability [N, 1], features [N, F].

    Raises:
        UserError: `folder` holds something else.
    """
    if folder.exists() and not (folder / "saved_model.pb").is_file():
        raise UserError(f"{folder} is there and no SavedModel: it is not replaced. Move it away")

    def generate(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        images = dcgan.sampler(inputs["z"], inputs.get("y"))
        return {"images": images, "pixels": _pixels(images, dcgan.value_range)}

    def discriminate(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        asked = inputs["images"], inputs.get("y")
        return judgement_of(dcgan, dcgan.discriminate(*asked), dcgan.features(*asked))

    module = tf.Module()
    module.generator, module.discriminator = dcgan.sampled, dcgan.discriminator
    of_z = traced(dcgan, generate, None, z=(dcgan.z_dim,))
    of_images = traced(dcgan, discriminate, None, images=dcgan.image_shape)
    signatures = {"serving_default": of_z, "generate": of_z, "discriminate": of_images}
    # A folder of this process's own: another may export at the same time, or a link be in the way.
    sweep_asides(folder.parent)
    with folder_aside(folder) as aside:
        tf.saved_model.save(module, str(aside), signatures)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    return folder


def _pixels(images: tf.Tensor, value_range: tuple[float, float]) -> tf.Tensor:
    """utils.to_pixels as a graph; like it, it rounds halves to even."""
    low, high = value_range
    scaled = tf.round((images - low) * (255 / (high - low)))
    return tf.cast(tf.clip_by_value(scaled, 0, 255), tf.uint8)
