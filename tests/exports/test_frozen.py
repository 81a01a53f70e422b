"""The frozen graph gives what the model gives."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from exports.frozen import freeze


@pytest.mark.parametrize(("y_dim", "batch_size"), [(None, 4), (3, 4), (3, None)])
def test_the_frozen_graph_gives_the_same(
    tmp_path: Path, y_dim: int | None, batch_size: int | None
) -> None:
    dcgan = small(y_dim=y_dim)
    _, z, y = batch(dcgan, 4)
    path = freeze(dcgan, tmp_path, batch_size)
    graph_def = tf.compat.v1.GraphDef.FromString(path.read_bytes())
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
