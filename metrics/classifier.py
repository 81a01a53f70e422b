"""The classifier of an idx set's own labels: its last hidden layer is the space `mnist`.

Two convolutions and two layers, as in LeNet-5 (LeCun et al. 1998), trained on the training part
alone, so that the test part tells how well it knows pictures that it has not seen.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from gan.adam import Adam
from support.progress import Progress
from support.streams import random_stream

SHAPES = {
    "conv1": (3, 3, 1, 32),
    "conv2": (3, 3, 32, 64),
    "hidden": (7 * 7 * 64, 128),
    "logits": (128, 10),
}
SIDE = 28  # pixels of the images that it takes
SEED = 1
EPOCHS = 5
BATCH = 128
LEARNING_RATE = 1e-3  # falls to 0 in a straight line
DROPOUT = 0.5  # of the hidden layer, while it is trained
VERSION = 1  # part of the file's name: raise it when the same data must give other weights
AT_ONCE = 500

Weights = Mapping[str, np.ndarray | tf.Tensor]


def layers(weights: Weights, images: tf.Tensor, dropped: tf.Tensor | None = None) -> tuple:
    """Images [B, 28, 28, 1] in 0 ... 1 -> the hidden layer [B, 128] and the logits [B, 10].

    dropped: what the hidden layer is multiplied by, [B, 128], in training.
    """

    def biased(h: tf.Tensor, name: str) -> tf.Tensor:
        return tf.nn.bias_add(h, weights[f"{name}/biases"])

    h = images
    for name in ("conv1", "conv2"):
        h = tf.nn.relu(biased(tf.nn.conv2d(h, weights[f"{name}/w"], 1, "SAME"), name))
        h = tf.nn.max_pool2d(h, 2, 2, "SAME")
    h = tf.reshape(h, [-1, SHAPES["hidden"][0]])
    hidden = tf.nn.relu(biased(h @ weights["hidden/w"], "hidden"))
    last = hidden if dropped is None else hidden * dropped
    return hidden, biased(last @ weights["logits/w"], "logits")


def trained(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The weights after EPOCHS over images, uint8 [N, 28, 28, 1], and their labels [N].

    The same data give the same weights, bit for bit on one machine: order, first weights and
    dropout follow from SEED.
    """
    variables = {name: tf.Variable(value) for name, value in first_weights().items()}
    adam = Adam(variables, LEARNING_RATE, beta1=0.9)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor, dropped: tf.Tensor, rate: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            _, logits = layers(variables, tf.cast(x, tf.float32) / 255, dropped)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            loss = tf.reduce_mean(losses)
        adam.apply(variables, tape.gradient(loss, variables), rate)

    steps = max(1, len(images) // BATCH)
    with Progress("training the classifier", EPOCHS * steps, "steps") as progress:
        for number in range(EPOCHS * steps):
            epoch, place = divmod(number, steps)
            order = random_stream(SEED, "classifier order", epoch).permutation(len(images))
            rows = order[place * BATCH : (place + 1) * BATCH]
            drawn = random_stream(SEED, "classifier dropout", number).random((len(rows), 128))
            kept = (drawn >= DROPOUT).astype(np.float32) / np.float32(1 - DROPOUT)
            rate = LEARNING_RATE * (1 - number / (EPOCHS * steps))
            step(images[rows], labels[rows].astype(np.int32), kept, tf.constant(rate, tf.float32))
            progress.update()
    return {name: variable.numpy() for name, variable in variables.items()}


def first_weights() -> dict[str, np.ndarray]:
    """Normal with variance 2 / fan in (He et al. 2015), biases 0."""
    weights = {}
    for name, shape in SHAPES.items():
        drawn = random_stream(SEED, f"classifier {name}").standard_normal(shape)
        deviation = np.sqrt(2 / np.prod(shape[:-1]))
        weights[f"{name}/w"] = (drawn * deviation).astype(np.float32)
        weights[f"{name}/biases"] = np.zeros(shape[-1], np.float32)
    return weights


def hidden_of(weights: Weights, images: np.ndarray) -> np.ndarray:
    """The hidden layer for images uint8 [N, 28, 28, 1]: float32 [N, 128], 0 or more."""
    hidden = np.empty((len(images), SHAPES["hidden"][1]), np.float32)
    for start in range(0, len(images), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        x = tf.cast(images[some], tf.float32) / 255
        hidden[some] = layers(weights, x)[0].numpy()
    return hidden


def classes_of(weights: Weights, hidden: np.ndarray) -> np.ndarray:
    """The class that each row of the hidden layer stands for: int [N]."""
    return np.argmax(hidden @ weights["logits/w"] + weights["logits/biases"], axis=1)
