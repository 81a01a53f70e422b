"""Both networks as ONNX, operation by operation, from the graphs that TensorFlow traces.

What this does not know it refuses, so that a network with something new in it is not written wrong.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper

from exports.formats import Written
from exports.graphs import discriminator_graph, frozen, generator_graph
from support.errors import UserError
from support.files import written_aside

if TYPE_CHECKING:
    from runs.opened import Trained

OPSET, IR_VERSION = 17, 8  # of 2022: newer ones bring nothing for these networks
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
# Operations of TensorFlow that ONNX has under another name or the same, with inputs of one type.
ALIKE = {
    "Add": "Add",
    "AddV2": "Add",
    "BiasAdd": "Add",  # channels are last
    "MatMul": "MatMul",
    "Maximum": "Max",
    "Minimum": "Min",
    "Mul": "Mul",
    "RealDiv": "Div",
    "Relu": "Relu",
    "Sigmoid": "Sigmoid",
    "Sub": "Sub",
    "Tanh": "Tanh",
}
READER = """
import onnxruntime

session = onnxruntime.InferenceSession(path)
taken = [one.name for one in session.get_inputs()]
names = [one.name for one in session.get_outputs()]

def run(batch):
    return dict(zip(names, session.run(names, {name: batch[name] for name in taken})))

outputs = joined(run)
"""


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/generator.onnx and discriminator.onnx.

    z [N, z_dim] (and y) -> images; images [N, H, W, c_dim] (and y) -> logits, probability,
    features. All float32, any N.

    Raises:
        UserError: an operation is not known here.
    """
    graphs = {
        "generator": generator_graph(trained.dcgan),
        "discriminator": discriminator_graph(trained.dcgan),
    }
    files = []
    for name, graph in graphs.items():
        model, path = onnx_model(name, graph), folder / f"{name}.onnx"
        with written_aside(path) as aside:
            onnx.save_model(model, str(aside))
        files.append(Written(path, f"the {name}", READER))
    return files


def onnx_model(name: str, traced: Any) -> onnx.ModelProto:
    """A traced function of float32 tensors [N, ...], outputs by name, as ONNX.

    Raises:
        UserError: an operation is not known here; names it.
    """
    function = frozen(traced)
    maker = _Maker(function)
    # TensorFlow sorts the outputs by their names.
    outputs = dict(zip(sorted(traced.structured_outputs), function.outputs, strict=True))
    made = {key: maker.value(tensor) for key, tensor in outputs.items()}
    nodes = [*maker.nodes, *(helper.make_node("Identity", [made[key]], [key]) for key in made)]
    graph = helper.make_graph(
        nodes,
        name,
        [_declared(tensor.op.name, tensor) for tensor in function.inputs],
        [_declared(key, tensor) for key, tensor in outputs.items()],
        maker.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _declared(name: str, tensor: tf.Tensor) -> onnx.ValueInfoProto:
    shape = ["N", *tensor.shape.as_list()[1:]]
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


class _Maker:
    """Collects the nodes of an ONNX graph. Tensors stay NHWC; convolutions turn them and back."""

    def __init__(self, function: Any):
        """For a frozen function."""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._function = function
        self._names: dict[Any, str] = {}  # of what there is already: each thing is made once

    def value(self, tensor: tf.Tensor) -> str:
        """The name of a tensor in the ONNX graph; makes what leads to it."""
        key = tensor.name
        if key not in self._names:
            self._names[key] = self._made(tensor)
        return self._names[key]

    def _made(self, tensor: tf.Tensor) -> str:
        op = tensor.op
        if op.type == "Placeholder":
            return op.name
        if op.type == "Identity":
            return self.value(op.inputs[0])
        if not self._varies(tensor):
            return self._constant(self._number(tensor))
        if op.type in ALIKE:
            self._refuse_flags(op, "transpose_a", "transpose_b")
            return self._node(ALIKE[op.type], [self.value(x) for x in op.inputs])
        if op.type not in OTHERS or tensor.dtype != tf.float32:
            raise UserError(
                f"--format onnx does not know the operation {op.type} ({op.name}) of these "
                "networks: leave onnx out"
            )
        return OTHERS[op.type](self, op)

    def _varies(self, tensor: tf.Tensor) -> bool:
        """Whether a tensor depends on the inputs; one that does not is a constant."""
        key = "varies", tensor.op.name
        if key not in self._names:
            found = tensor.op.type == "Placeholder" or any(map(self._varies, tensor.op.inputs))
            self._names[key] = "yes" if found else ""
        return bool(self._names[key])

    def _number(self, tensor: tf.Tensor) -> np.ndarray:
        """The value of a tensor that does not vary."""
        if self._varies(tensor):
            raise UserError(f"--format onnx: {tensor.op.name} is no constant: leave onnx out")
        return np.asarray(self._function.prune([], tensor)())

    def _constant(self, values: np.ndarray | Sequence[int]) -> str:
        values = np.asarray(values)
        key = values.dtype.str, values.shape, values.tobytes()
        if key not in self._names:
            self._names[key] = f"constant_{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(values, self._names[key]))
        return self._names[key]

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        key = kind, tuple(inputs), repr(attributes)
        if key not in self._names:
            self._names[key] = f"{kind.lower()}_{len(self.nodes)}"
            self.nodes.append(helper.make_node(kind, inputs, [self._names[key]], **attributes))
        return self._names[key]

    @staticmethod
    def _refuse_flags(op: tf.Operation, *flags: str) -> None:
        """Refuse an operation with one of these flags set, where it has them."""
        if any(flag in op.node_def.attr and op.node_def.attr[flag].b for flag in flags):
            raise UserError(f"--format onnx does not know {op.name} as it is: leave onnx out")

    def _leaky_relu(self, op: tf.Operation) -> str:
        return self._node("LeakyRelu", [self.value(op.inputs[0])], alpha=op.get_attr("alpha"))

    def _concat(self, op: tf.Operation) -> str:
        *parts, axis = op.inputs
        return self._node("Concat", [self.value(x) for x in parts], axis=int(self._number(axis)))

    def _reshaped(self, op: tf.Operation) -> str:
        """The same numbers in another shape, of N rows still."""
        before, after = op.inputs[0].shape.as_list()[1:], op.outputs[0].shape.as_list()[1:]
        if None in before + after or np.prod(before) != np.prod(after):
            raise UserError(f"--format onnx does not know {op.name} as it is: leave onnx out")
        shape = self._constant(np.array([-1, *after], np.int64))
        return self._node("Reshape", [self.value(op.inputs[0]), shape])

    def _with_axes(self, op: tf.Operation) -> str:
        """x[:, tf.newaxis, tf.newaxis, :]: all of x, in more axes."""
        axes = range(len(op.outputs[0].shape))
        whole = op.get_attr("begin_mask") & op.get_attr("end_mask") | op.get_attr("new_axis_mask")
        if not all(whole >> axis & 1 for axis in axes) or (self._number(op.inputs[3]) != 1).any():
            raise UserError(f"--format onnx does not know {op.name} as it is: leave onnx out")
        return self._reshaped(op)

    def _ones(self, op: tf.Operation) -> str:
        """Ones for a single row: what they are multiplied with has N."""
        return self._constant(np.ones([1, *op.outputs[0].shape[1:]], np.float32))

    def _batch_norm(self, op: tf.Operation) -> str:
        """By the moving averages: a factor and a summand for each channel."""
        self._refuse_flags(op, "is_training")
        x, *numbers = op.inputs
        scale, offset, mean, variance = map(self._number, numbers)
        factor = scale / np.sqrt(variance + np.float32(op.get_attr("epsilon")))
        scaled = self._node("Mul", [self.value(x), self._constant(factor)])
        return self._node("Add", [scaled, self._constant(offset - mean * factor)])

    def _conv(self, op: tf.Operation) -> str:
        x, w = op.inputs
        pads, _ = _padding(op, x, w, op.outputs[0])
        return self._convolved("Conv", op, x, self._number(w).transpose(3, 2, 0, 1), pads=pads)

    def _conv_transpose(self, op: tf.Operation) -> str:
        _, w, x = op.inputs
        pads, more = _padding(op, op.outputs[0], w, x)
        kernel = self._number(w).transpose(3, 2, 0, 1)
        return self._convolved("ConvTranspose", op, x, kernel, pads=pads, output_padding=more)

    def _convolved(
        self, kind: str, op: tf.Operation, x: tf.Tensor, kernel: np.ndarray, **attributes: Any
    ) -> str:
        turned = self._node("Transpose", [self.value(x)], perm=TO_NCHW)
        weights = self._constant(np.ascontiguousarray(kernel))
        strides = op.get_attr("strides")[1:3]
        made = self._node(kind, [turned, weights], strides=strides, **attributes)
        return self._node("Transpose", [made], perm=TO_NHWC)


def _padding(
    op: tf.Operation, large: tf.Tensor, w: tf.Tensor, small: tf.Tensor
) -> tuple[list[int], list[int]]:
    """What SAME pads `large` by, [top, left, bottom, right], so that it convolves to `small`.

    Also the rows and columns of `large` that no kernel reaches.
    """
    plain = op.get_attr("padding") == b"SAME" and op.get_attr("data_format") == b"NHWC"
    if not plain or set(op.get_attr("dilations")) != {1}:
        raise UserError(f"--format onnx does not know {op.name} as it is: leave onnx out")
    strides = op.get_attr("strides")
    needed = [(small.shape[k] - 1) * strides[k] + w.shape[k - 1] - large.shape[k] for k in (1, 2)]
    first = [max(total, 0) // 2 for total in needed]
    last = [max(total, 0) - start for total, start in zip(needed, first, strict=True)]
    return [*first, *last], [max(-total, 0) for total in needed]


OTHERS: dict[str, Callable[[_Maker, tf.Operation], str]] = {
    "ConcatV2": _Maker._concat,
    "Conv2D": _Maker._conv,
    "Conv2DBackpropInput": _Maker._conv_transpose,
    "FusedBatchNormV3": _Maker._batch_norm,
    "LeakyRelu": _Maker._leaky_relu,
    "OnesLike": _Maker._ones,
    "Reshape": _Maker._reshaped,
    "Squeeze": _Maker._reshaped,
    "StridedSlice": _Maker._with_axes,
}
