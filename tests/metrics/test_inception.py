"""Keras' InceptionV3: where its weights cannot be had, one line says so."""

import pytest
import tensorflow as tf

from metrics import inception
from support.errors import RunError


def test_weights_that_cannot_be_fetched_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure on https://a.b/c.h5: None -- no such host")

    monkeypatch.setattr(tf.keras.applications, "InceptionV3", fails)
    with pytest.raises(RunError, match="cannot fetch the weights of InceptionV3"):
        inception.load_network()
