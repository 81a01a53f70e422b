"""The graphs that are exported: the sampler and the discriminator, traced for any batch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from model import DCGAN
from support import cpu_kernels
from support.streams import random_stream
from utils import one_hot


def traced(
    dcgan: DCGAN, function: Callable[..., Any], batch_size: int | None, **shapes: tuple[int, ...]
) -> Any:
    """`function`, traced for batches of inputs of these shapes and, with labels, of y."""
    if dcgan.y_dim:
        shapes["y"] = (dcgan.y_dim,)
    specs = {n: tf.TensorSpec((batch_size, *shape), name=n) for n, shape in shapes.items()}
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def labels_to_try(dcgan: DCGAN, count: int = 16) -> np.ndarray | None:
    """Labels as the networks take them, float32 [count, y_dim]; None without labels.

    The classes in turn, of more classes than `count` some from all over; of tags always the same
    random ones, as pictures have several or none.
    """
    if dcgan.y_dim is None:
        return None
    if dcgan.config.tags:
        drawn = random_stream(0, "export tags").integers(0, 2, (count, dcgan.y_dim))
        return drawn.astype(np.float32)
    numbers = np.arange(count)
    spread = numbers * dcgan.y_dim // count if dcgan.y_dim > count else numbers % dcgan.y_dim
    return one_hot(spread, dcgan.y_dim)


def frozen(function: Any) -> Any:
    """A traced function with its variables as constants, and all that it calls in one graph."""
    # Lives in a part of TensorFlow that may move; nothing but such exports should break then.
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function)


def generator_graph(dcgan: DCGAN) -> Any:
    """G for other runtimes: z [N, z_dim] (and y [N, y_dim]) -> images, as DCGAN.sampler; any N.

    Of TensorFlow's own kernels only, whatever this machine computes with.
    """

    def generator(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": dcgan.sampled(inputs["z"], inputs.get("y"), training=False)}

    with cpu_kernels.left_out():
        return traced(dcgan, generator, None, z=(dcgan.z_dim,))


def discriminator_graph(dcgan: DCGAN) -> Any:
    """D for other runtimes: images [N, H, W, c_dim] (and y) -> what judgement_of gives; any N."""

    def discriminator(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        def of(network: Callable[..., tf.Tensor]) -> tf.Tensor:
            return network(inputs["images"], inputs.get("y"), training=False)

        logits, features = of(dcgan.discriminator), of(dcgan.discriminator.features)
        return judgement_of(dcgan, logits, features)

    with cpu_kernels.left_out():
        return traced(dcgan, discriminator, None, images=dcgan.image_shape)


def judgement_of(dcgan: DCGAN, logits: tf.Tensor, features: tf.Tensor) -> dict[str, tf.Tensor]:
    """What D says of images, by name: logits [N, 1], probability [N, 1], features [N, F]."""
    probability = dcgan.loss.probability(logits)
    return {"logits": logits, "probability": probability, "features": features}
