"""The classifier of a data set's labels."""

import numpy as np

from metrics import classifier


def bars(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of one bright row each, whose place is their label; on noise."""
    stream = np.random.default_rng(count)
    labels = np.arange(count) % 10
    images = stream.integers(0, 100, (count, 28, 28, 1), np.uint8)
    images[np.arange(count), 2 * labels + 4] = 255
    return images, labels


def test_it_learns_the_labels_and_the_same_data_give_the_same_weights() -> None:
    images, labels = bars(768)
    weights, again = classifier.trained(images, labels), classifier.trained(images, labels)
    assert all((weights[name] == again[name]).all() for name in weights)
    others, theirs = bars(100)
    hidden = classifier.hidden_of(weights, others)
    assert hidden.shape == (100, 128)
    assert hidden.dtype == np.float32
    assert (classifier.classes_of(weights, hidden) == theirs).mean() > 0.9
