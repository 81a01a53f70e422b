"""The generator for LiteRT (TensorFlow Lite), as phones run it: float32, float16 and int8."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from exports.formats import Written
from exports.graphs import generator_graph, labels_to_try
from support.files import written_aside
from support.startup import stderr_held_back
from support.streams import draw_z, random_stream

if TYPE_CHECKING:
    from runs.opened import Trained

# What each file's pictures must reach against the run's own, in dB; None: as floats.
KINDS: dict[str, float | None] = {"float32": None, "float16": 50.0, "int8": 30.0}
CALIBRATION = 128  # z whose activations decide the ranges of int8
READER = """
from ai_edge_litert.interpreter import Interpreter

generate = Interpreter(path).get_signature_runner()

def run(batch):
    return generate(**{name: batch[name] for name in generate.get_input_details()})

outputs = joined(run)
"""


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/generator_float32.tflite and so on: z (and y) -> images, all float32, any N.

    Of float16 and int8 only what is inside is of that type: weights, and of int8 activations.
    """
    graph, files = generator_graph(trained.dcgan), []
    for kind, least in KINDS.items():
        path = folder / f"generator_{kind}.tflite"
        with stderr_held_back():  # what the converter says of its own working
            converted = _converter(graph, kind, trained).convert()
        with written_aside(path) as aside:
            aside.write_bytes(converted)
        files.append(Written(path, f"the generator, {kind}", READER, least))
    return files


def _converter(graph: Any, kind: str, trained: "Trained") -> Any:
    """TensorFlow's converter, set to one of KINDS."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph], trained.dcgan.sampled)
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        # Without the ranges of activations their products are of floats again, and far slower.
        converter.representative_dataset = lambda: _calibration(trained)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter


def _calibration(trained: "Trained") -> Iterator[dict[str, np.ndarray]]:
    """One z at a time, with the labels to try."""
    dcgan, stream = trained.dcgan, random_stream(0, "export calibration")
    y = labels_to_try(dcgan, CALIBRATION)
    for number in range(CALIBRATION):
        given = {"z": draw_z(stream, trained.settings.z_dist, 1, dcgan.z_dim)}
        if y is not None:
            given["y"] = y[[number]]
        yield given
