"""The average of G's weights: what it holds, that it comes back, and what samples by it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from model import DCGAN
from support.errors import UserError

Values = dict[str, np.ndarray]


def values_of(dcgan: DCGAN) -> Values:
    """G's weights and moving averages."""
    return {name: v.numpy() for name, v in dcgan.generator.named_variables().items()}


def averages_of(dcgan: DCGAN) -> Values:
    """What is averaged of them."""
    assert dcgan.average is not None
    return {name: v.numpy() for name, v in dcgan.average.network.named_variables().items()}


def assert_same(found: Values, wanted: Values, rtol: float = 0, atol: float = 0) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol, atol, err_msg=name)


def train(dcgan: DCGAN, *steps: int) -> None:
    for step in steps:
        images, z, y = batch(dcgan, seed=step)
        dcgan.train_step(images, z, y, evaluate=step % 2 == 0)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("y_dim", [None, 3])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_it_is_the_average_that_its_formula_says(share: float, y_dim: int | None) -> None:
    dcgan = small(y_dim=y_dim, ema=share, learning_rate=0.01)
    wanted = values_of(dcgan)
    assert_same(averages_of(dcgan), wanted)
    for n in range(1, 7):
        train(dcgan, n)
        for name, value in values_of(dcgan).items():
            wanted[name] = wanted[name] + (value - wanted[name]) / (1 + share * (n - 1))
        if n == 1:
            assert_same(averages_of(dcgan), values_of(dcgan), atol=1e-7)
        assert_same(averages_of(dcgan), wanted, rtol=1e-5, atol=1e-7)
    moved = np.abs(
        wanted["generator/g_h0_lin/Matrix"] - values_of(dcgan)["generator/g_h0_lin/Matrix"]
    )
    assert moved.max() > 1e-3


@pytest.mark.usefixtures("eagerly")
def test_it_is_saved_and_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    straight = small(y_dim=3, ema=0.1)
    train(straight, 1, 2)
    straight.save(tmp_path, 2)
    resumed = DCGAN.from_checkpoint(tmp_path)
    for dcgan in (straight, resumed):
        train(dcgan, 3, 4)
    for one, other in zip(straight.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(one, other, one.name)
    assert resumed.average is not None
    assert int(resumed.average.steps) == 4


@pytest.mark.slow
def test_the_raw_weights_are_those_of_a_training_without_it() -> None:
    plain, averaged = small(seed=2), small(seed=2, ema=0.1)
    for dcgan in (plain, averaged):
        train(dcgan, 1, 2)
    assert_same(values_of(averaged), values_of(plain))
    assert plain.average is None


@pytest.mark.usefixtures("eagerly")
def test_the_sampler_goes_by_the_weights_that_are_chosen(tmp_path: Path) -> None:
    dcgan = small(c_dim=3, ema=0.1, learning_rate=0.01)
    train(dcgan, 1, 2, 3)
    dcgan.save(tmp_path, 3)
    _, z, _ = batch(dcgan)
    raw = dcgan.sampler(z).numpy()
    dcgan.choose("ema")
    averaged = dcgan.sampler(z).numpy()
    assert np.abs(averaged - raw).max() > 1e-4
    assigned = small(c_dim=3)
    for name, variable in assigned.generator.named_variables().items():
        variable.assign(averages_of(dcgan)[name])
    np.testing.assert_array_equal(assigned.sampler(z), averaged)
    for weights, wanted in ((None, averaged), ("ema", averaged), ("raw", raw)):
        loaded = DCGAN.from_checkpoint(tmp_path, weights=weights)
        np.testing.assert_array_equal(loaded.sampler(z), wanted)


def test_what_was_not_averaged_cannot_be_chosen(tmp_path: Path) -> None:
    small().save(tmp_path, 1)
    assert DCGAN.from_checkpoint(tmp_path).weights == "raw"
    with pytest.raises(UserError, match="no averaged weights: train with --ema, or take raw"):
        DCGAN.from_checkpoint(tmp_path, weights="ema")
    with pytest.raises(UserError, match="there are no weights 'mean': there are raw, ema"):
        DCGAN.from_checkpoint(tmp_path, weights="mean")


@pytest.mark.usefixtures("eagerly")
def test_a_training_that_begins_to_average_starts_from_its_weights(tmp_path: Path) -> None:
    """And one that ceases leaves nothing of it behind."""
    plain, said = small(), list[str]()
    train(plain, 1)
    plain.save(tmp_path, 1)
    averaged = small(seed=9, ema=0.1)
    assert averaged.load(tmp_path, note=said.append) == (True, 1)
    assert said == [
        f"{tmp_path}/DCGAN.model-1 has no averaged weights: the average begins with the raw ones"
    ]
    assert_same(averages_of(averaged), values_of(plain))
    train(averaged, 2)
    assert_same(averages_of(averaged), values_of(averaged), atol=1e-7)
    averaged.save(tmp_path, 2)
    assert plain.load(tmp_path, note=said.append) == (True, 2)
    assert len(said) == 1
    assert_same(values_of(plain), values_of(averaged))
    assert DCGAN.from_checkpoint(tmp_path, step=1, note=said.append).weights == "raw"


def test_without_it_a_checkpoint_holds_what_it_always_held(tmp_path: Path) -> None:
    plain, averaged = (
        tf.train.load_checkpoint(str(small(ema=share).save(tmp_path / str(share), 1)))
        for share in (0.0, 0.1)
    )
    keys = plain.get_variable_to_shape_map().keys()
    parts = {name.split("/")[1] for name in keys if name.startswith("dcgan/")}
    assert parts == {"generator", "discriminator", "g_optim", "d_optim", "step"}
    more = averaged.get_variable_to_shape_map().keys() - keys
    assert {"/".join(name.split("/")[:2]) for name in more} == {"dcgan/average"}
    assert len(more) == len(small().generator.named_variables()) + 1


@pytest.mark.usefixtures("eagerly")
def test_each_network_has_its_learning_rate(tmp_path: Path) -> None:
    """Adam's first update moves a weight by the learning rate, whatever the gradient."""
    dcgan = small(learning_rate=0.5, g_learning_rate=0.001, d_learning_rate=0.004)
    before = {name: v.numpy() for name, v in dcgan.named_variables().items()}
    train(dcgan, 1)
    for name, most in {
        "discriminator/d_h4_lin/Matrix": 0.004,
        "generator/g_h4/w": 2 * 0.001,  # two updates
    }.items():
        moved = np.abs(dcgan.named_variables()[name].numpy() - before[name]).max()
        assert moved == pytest.approx(most, rel=0.05)
    dcgan.save(tmp_path, 1)
    assert DCGAN.from_checkpoint(tmp_path).training.rates == (0.004, 0.001)
    assert small(learning_rate=0.5, d_learning_rate=0.1).training.rates == (0.1, 0.5)


def test_an_average_that_is_not_finite_is_named() -> None:
    dcgan = small(ema=0.5)
    assert dcgan.average is not None
    variable = dcgan.average.network.named_variables()["generator/g_h1/w"]
    variable.assign(variable * np.nan)
    assert dcgan.not_finite().startswith("the average of generator/g_h1/w has")
