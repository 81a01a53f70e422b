"""Exported networks give what the model gives."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from exports.saved_model import freeze, save_model


@pytest.mark.parametrize("y_dim", [None, 3])
def test_the_saved_model_gives_the_same(tmp_path: Path, y_dim: int | None) -> None:
    dcgan = small(y_dim=y_dim, ema=0.1 if y_dim else 0.0)
    images, z, y = batch(dcgan, 6)
    if y_dim:
        for _ in range(3):
            dcgan.train_step(images, z, y)
        dcgan.choose("ema")
    labels = {} if y is None else {"y": tf.constant(y)}
    for _ in range(2):  # the second one replaces the first
        folder = save_model(dcgan, tmp_path / "export")
    loaded = tf.saved_model.load(str(folder)).signatures
    fakes = loaded["serving_default"](z=tf.constant(z), **labels)["images"]
    np.testing.assert_allclose(fakes, dcgan.sampler(z, y), atol=1e-6)
    logits = loaded["discriminator"](images=tf.constant(images), **labels)["logits"]
    np.testing.assert_allclose(logits, dcgan.discriminate(images, y), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_a_link_in_the_way_leads_no_export_elsewhere(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "run"
    outside.mkdir()
    folder.mkdir()
    (folder / ".export.part").symlink_to(outside)
    assert save_model(small(), folder / "export").is_dir()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("y_dim", [None, 3])
def test_the_frozen_graph_gives_the_same(tmp_path: Path, y_dim: int | None) -> None:
    dcgan = small(y_dim=y_dim)
    _, z, y = batch(dcgan, 4)
    graph_def = tf.compat.v1.GraphDef.FromString(freeze(dcgan, tmp_path, 4).read_bytes())
    assert not [node.name for node in graph_def.node if "Variable" in node.op]
    names = ["z:0", "y:0"] if y_dim else ["z:0"]
    wrapped = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph_def, name=""), []
    )
    frozen = wrapped.prune(
        [wrapped.graph.get_tensor_by_name(n) for n in names],
        wrapped.graph.get_tensor_by_name("images:0"),
    )
    inputs = [tf.constant(z)] if y is None else [tf.constant(z), tf.constant(y)]
    np.testing.assert_allclose(frozen(*inputs), dcgan.sampler(z, y), atol=1e-6)
