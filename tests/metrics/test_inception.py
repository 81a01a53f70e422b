"""Keras' InceptionV3: pictures reach it as it wants them; without its weights one line says so."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from metrics import inception
from metrics.spaces import open_space
from runs.settings import Settings
from support.errors import RunError


def test_weights_that_cannot_be_fetched_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure on https://a.b/c.h5: None -- no such host")

    monkeypatch.setattr(tf.keras.applications, "InceptionV3", fails)
    with pytest.raises(RunError, match=r"etch the weights of InceptionV3 .*: take another space,"):
        inception.load_network()


def test_other_weights_are_another_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of real images are kept by a space's identity: they must not meet another's."""

    def identity(weight: float) -> str:
        network = SimpleNamespace(get_weights=lambda: [np.full((2, 2), weight, np.float32)])
        monkeypatch.setattr(inception, "load_network", lambda: network)
        return open_space("inception", Settings(), tmp_path, print).identity

    assert identity(0.5) == identity(0.5) != identity(0.25)


@pytest.mark.slow
def test_the_space_is_the_mean_of_the_last_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With weights by chance: those of Keras have to be downloaded."""
    built = tf.keras.applications.InceptionV3(weights=None, include_top=False)
    means = tf.keras.layers.GlobalAveragePooling2D()(built.output)
    averaged = tf.keras.Model(built.input, means)
    monkeypatch.setattr(tf.keras.applications, "InceptionV3", lambda **_: averaged)
    grey = np.full((1, 28, 28, 1), 51, np.uint8)
    found = open_space("inception", Settings(), tmp_path, print).features(grey)
    assert found.shape == (1, inception.FEATURES)
    image = np.full((1, inception.SIDE, inception.SIDE, 3), 51 / 127.5 - 1, np.float32)
    wanted = tf.reduce_mean(built(image), (1, 2))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
