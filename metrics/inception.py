"""Keras' InceptionV3, trained on ImageNet: its last features are the space `inception`.

Szegedy et al. 2016. It is not the network of the published FID figures: those use weights of 2015,
by TensorFlow's own resizing, and so differ from what this gives.
"""

import numpy as np
import tensorflow as tf

from support.errors import RunError, one_line

SIDE = 299  # pixels
AT_ONCE = 50
FEATURES = 2048


def load_network() -> tf.keras.Model:
    """RGB float32 [B, 299, 299, 3] in -1 ... 1 -> the mean of the last feature maps [B, 2048].

    Keras downloads the weights (88 MB) once, into ~/.keras/models.

    Raises:
        RunError: they cannot be had.
    """
    try:
        return tf.keras.applications.InceptionV3(include_top=False, pooling="avg")
    except Exception as error:  # Keras raises no narrower one where the download fails
        raise RunError(
            f"Keras cannot fetch the weights of InceptionV3 ({one_line(error)}): take another "
            "space, or put its file into ~/.keras/models"
        ) from error


def features(network: tf.keras.Model, images: np.ndarray) -> np.ndarray:
    """RGB uint8 [B, 299, 299, 3] -> float32 [B, 2048]."""
    return network(images.astype(np.float32) / 127.5 - 1, training=False).numpy()
