"""The generator as one graph file with its weights in it: --freeze of main.py."""

from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from exports.formats import Written
from exports.graphs import frozen, traced
from model import DCGAN
from support.files import sweep_asides, written_aside

if TYPE_CHECKING:
    from runs.opened import Trained

FROZEN_GRAPH = "frozen_graph.pb"
READER = """
import tensorflow as tf

graph = tf.compat.v1.GraphDef.FromString(open(path, "rb").read())
tf.compat.v1.disable_eager_execution()
tf.import_graph_def(graph, name="")
session = tf.compat.v1.Session()

def run(batch):
    fed = {f"{name}:0": values for name, values in batch.items() if name != "images"}
    return {"images": session.run("images:0", fed)}

outputs = joined(run)
"""


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/frozen_graph.pb, for batches of any size."""
    path = freeze(trained.dcgan, folder, None)
    return [Written(path, "the generator, a frozen graph", READER)]


def freeze(dcgan: DCGAN, folder: Path, batch_size: int | None) -> Path:
    """Write the sampler, weights as constants, for batches of one size or any; returns the path.

    The graph's inputs are z (and y), its output is images.
    """

    def sampler(**inputs: tf.Tensor) -> tf.Tensor:
        return tf.identity(dcgan.sampler(inputs["z"], inputs.get("y")), name="images")

    graph = frozen(traced(dcgan, sampler, batch_size, z=(dcgan.z_dim,))).graph.as_graph_def()
    path = folder / FROZEN_GRAPH
    sweep_asides(folder)
    with written_aside(path) as aside:
        aside.write_bytes(graph.SerializeToString())
    return path
