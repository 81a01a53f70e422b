"""The graphs for other runtimes are of TensorFlow's own kernels, on every machine."""

import numpy as np
import tensorflow as tf
from makers import batch, lived, small

from exports.graphs import discriminator_graph, frozen, generator_graph
from support import cpu_kernels

DETOURS = {"DepthToSpace", "IdentityN", "BatchMatMulV2", "Transpose"}


def test_what_a_cpu_computes_in_another_order_is_left_out() -> None:
    dcgan = lived(small(9, 14, y_dim=3))
    dcgan.sampler(*batch(dcgan)[1:])  # which is traced with it
    before = cpu_kernels.on_cpu()
    generator = generator_graph(dcgan)
    for graph in (generator, discriminator_graph(dcgan)):
        assert not {node.op for node in frozen(graph).graph.as_graph_def().node} & DETOURS
    assert cpu_kernels.on_cpu() == before
    for count in (1, 5):
        _, z, y = batch(dcgan, count)
        images = generator(z=tf.constant(z), y=tf.constant(y))["images"]
        np.testing.assert_allclose(images, dcgan.sampler(z, y), atol=1e-5)
