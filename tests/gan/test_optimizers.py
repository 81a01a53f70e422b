"""The optimizers beside Adam: TensorFlow's formulas, and what becomes of a run with another."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from gan.optimizers import SGD, RMSProp

pytestmark = pytest.mark.usefixtures("eagerly")


def test_rmsprop_is_tensorflow_ones() -> None:
    variable = tf.Variable([1.0, -2.0])
    rmsprop = RMSProp({"v": variable}, learning_rate=0.1)
    value, rms = variable.numpy().astype(np.float64), np.ones(2)
    for t in range(1, 4):
        gradient = np.array([0.3, -0.01]) * t
        rmsprop.apply({"v": variable}, {"v": tf.constant(gradient, tf.float32)})
        rms = 0.9 * rms + 0.1 * gradient**2
        value -= 0.1 * gradient / np.sqrt(rms + 1e-10)
    np.testing.assert_allclose(variable.numpy(), value, rtol=1e-5)
    np.testing.assert_allclose(rmsprop.rms["v"], rms, rtol=1e-5)
    rmsprop.reset()
    assert rmsprop.rms["v"].numpy().tolist() == [1, 1]


def test_sgd_follows_the_gradient() -> None:
    variable = tf.Variable([1.0, -2.0])
    SGD(0.1).apply({"v": variable}, {"v": tf.constant([5.0, 1.0])})
    np.testing.assert_allclose(variable, [0.5, -2.1], rtol=1e-6)


def test_each_network_has_its_optimizer(tmp_path: Path) -> None:
    dcgan = small(optimizer="rmsprop", g_optimizer="sgd")
    assert (type(dcgan.d_optim), type(dcgan.g_optim)) == (RMSProp, SGD)
    assert {name: len(v.variables) for name, v in vars(dcgan).items() if "_optim" in name} == {
        "d_optim": 2 * len(dcgan.discriminator.trainable()),
        "g_optim": 0,
    }


@pytest.mark.parametrize(("was", "now"), [("adam", "rmsprop"), ("sgd", "adam"), ("adam", "sgd")])
def test_another_one_starts_anew_and_that_is_said(was: str, now: str, tmp_path: Path) -> None:
    """D's, which is another; G's goes on, and so do the weights."""
    first, said = small(d_optimizer=was), list[str]()
    first.train_step(*batch(first))
    first.save(tmp_path, 1)
    dcgan = small(seed=5, d_optimizer=now)
    dcgan.train_step(*batch(dcgan))
    assert dcgan.load(tmp_path, note=said.append) == (True, 1)
    again = f"{tmp_path}/DCGAN.model-1 is of another optimizer of D: the new one starts anew"
    assert said == [again]
    for one, other in zip(
        dcgan.d_optim.variables, small(d_optimizer=now).d_optim.variables, strict=True
    ):
        np.testing.assert_array_equal(one, other, one.name)
    kept = [(first.named_variables(), dcgan.named_variables()), (first.g_optim.m, dcgan.g_optim.m)]
    for wanted, found in kept:
        for name, variable in wanted.items():
            np.testing.assert_array_equal(variable, found[name], name)
