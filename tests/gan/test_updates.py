"""The updates of a step: with every setting, every network and every loss they train."""

import functools
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from datasets.dataset import Dataset
from gan.config import ACTIVATIONS, INITIALIZERS, OPTIMIZERS
from gan.losses import LOSSES
from gan.networks import ARCHITECTURES
from main import parse
from model import DCGAN
from training.devices import OneDevice, Wish
from training.loop import Run, make_batch

pytestmark = pytest.mark.usefixtures("eagerly")

KNOBS: dict[str, dict[str, Any]] = {
    "rmsprop": {"optimizer": "rmsprop"},
    "sgd": {"g_optimizer": "sgd", "d_optimizer": "rmsprop"},
    "smoothing": {"label_smoothing": 0.1},
    "noise": {"instance_noise": 0.1},
    "dropout": {"g_dropout": 0.5, "sample_dropout": True},
    "spectral norm": {"spectral_norm": True},
    "no batch norm": {"d_batch_norm": False},
    "decay": {"decay_steps": 3},
    "orthogonal": {"initializer": "orthogonal", "activation": "elu"},
    "bfloat16": {"precision": "bfloat16", "spectral_norm": True, "g_dropout": 0.2},
}
PENALTIES = ("gan", "wgan-gp", "rpgan")  # a loss with none, and one with each
SIDE = 9  # with 8, D convolves single pixels, which TensorFlow 2.21 on CPUs has NaN for in bfloat16
ALL = {name: value for knob in list(KNOBS.values())[:-1] for name, value in knob.items()}
FED: dict[str, Any] = {f"{name}_seed": (1, 2) for name in ("penalty", "noise", "dropout")}
FED |= {"rate_share": 0.5}


def every_combination() -> Iterator[Any]:
    """Setting, architecture, loss: each setting with every kind of penalty, the rest slow."""
    for (i, knob), (k, architecture) in itertools.product(
        enumerate(KNOBS), enumerate(ARCHITECTURES)
    ):
        often = "gan" if knob == "smoothing" else PENALTIES[(i + k) % len(PENALTIES)]
        for loss in LOSSES:
            if knob != "smoothing" or LOSSES[loss].has_target:
                marks = () if loss == often else pytest.mark.slow
                yield pytest.param(knob, architecture, loss, marks=marks)


@pytest.mark.parametrize(("knob", "architecture", "loss"), every_combination())
def test_every_loss_trains_every_architecture_with_every_setting(
    knob: str, architecture: str, loss: str
) -> None:
    """A step is finite, and moves each weight of both networks."""
    kind: dict[str, Any] = {"loss": loss, "architecture": architecture}
    dcgan = small(SIDE, SIDE, y_dim=3, d_updates=1, g_updates=1, **kind, **KNOBS[knob])
    before = {name: v.numpy() for name, v in dcgan.named_variables().items()}
    images, z, y = batch(dcgan)
    result = dcgan.train_step(images, z, y, watch=True, **FED)
    assert all(np.isfinite(value).all() for value in result.values())
    assert dcgan.not_finite(moments=True) == ""
    for variable_name, variable in dcgan.named_variables().items():
        if variable_name.endswith(("/w", "/Matrix")):
            assert (variable.numpy() != before[variable_name]).any(), variable_name


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_trains_also_through_a_penalty(activation: str) -> None:
    """And makes the networks others."""
    usual, other = (
        small(loss="wgan-gp", activation=name, d_updates=1) for name in (None, activation)
    )
    images, z, _ = batch(usual)
    losses = [d.train_step(images, z, penalty_seed=(1, 2)) for d in (usual, other)]
    assert np.isfinite(float(losses[1]["d_loss"]))
    assert other.not_finite() == ""
    assert float(losses[0]["d_loss_fake"]) != float(losses[1]["d_loss_fake"])


@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_way_to_begin_gives_other_weights_and_the_average_begins_with_them(
    name: str,
) -> None:
    plain, dcgan = small(), small(initializer=name, ema=0.1)
    for variable_name, variable in dcgan.named_variables().items():
        is_weight = variable_name.endswith(("/w", "/Matrix"))
        same = (variable.numpy() == plain.named_variables()[variable_name].numpy()).any()
        assert same != is_weight, variable_name
    assert dcgan.average is not None
    for one, other in zip(dcgan.average.network.variables, dcgan.generator.variables, strict=True):
        np.testing.assert_array_equal(one, other, one.name)


def test_without_settings_nothing_is_added() -> None:
    """No variable, nothing random: the original's."""
    dcgan = small()
    assert not any(name.endswith("/u") for name in dcgan.named_variables())
    of_adams = 2 * len(dcgan.generator.trainable() | dcgan.discriminator.trainable()) + 4
    assert len(dcgan.variables) == len(dcgan.named_variables()) + of_adams + 1
    tf.config.run_functions_eagerly(False)
    images, z, _ = batch(dcgan)
    specs = (tf.constant(images), tf.constant(z))
    step = tf.function(dcgan.iteration, autograph=False).get_concrete_function(*specs, None, True)
    kinds = {op.type for op in step.graph.get_operations()}
    assert not any("Random" in kind for kind in kinds)
    assert len(step.inputs) == 2 + len(dcgan.variables) - 1


def test_d_sees_noise_that_follows_from_the_seed_and_falls_with_its_share() -> None:
    """With the weights held still, only what D sees can make a difference."""
    dcgan, plain = (small(instance_noise=n, learning_rate=0.0) for n in (0.5, 0.0))
    images, z, _ = batch(dcgan)

    def loss(number: int, share: Any = 1.0) -> float:
        step = dcgan.train_step(images, z, noise_seed=(1, number), noise_share=share)
        return float(step["d_loss"])

    without = float(plain.train_step(images, z)["d_loss"])
    assert loss(1) == loss(1) != loss(2)
    assert loss(1, 0.0) == without
    assert abs(loss(1, np.float32(0.01)) - without) < abs(loss(1) - without)
    with pytest.raises(ValueError, match="noise_seed is missing"):
        dcgan.train_step(images, z)
    for wrong in (-0.1, 2, "half"):
        with pytest.raises(ValueError, match=f"noise_share is {wrong!r}, it must be a number from"):
            dcgan.train_step(images, z, noise_seed=(1, 2), noise_share=wrong)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_share_of_the_rates_is_as_lower_rates(optimizer: str) -> None:
    """Of both networks, each with its own rate."""
    decaying, lower = (
        small(optimizer=optimizer, g_learning_rate=0.25 * n, d_learning_rate=0.5 * n, **steps)
        for n, steps in ((1, {"decay_steps": 3}), (0.5, {}))
    )
    images, z, _ = batch(decaying)
    decaying.train_step(images, z, rate_share=0.5)
    lower.train_step(images, z)
    for name, variable in decaying.named_variables().items():
        np.testing.assert_array_equal(variable, lower.named_variables()[name], name)
    for wrong in (None, -0.1, 2, "half"):
        with pytest.raises(ValueError, match=f"rate_share is {wrong!r}, it must be a number from"):
            decaying.train_step(images, z, rate_share=wrong)


def test_the_rates_fall_with_the_steps_made_whatever_the_epochs(tmp_path: Path) -> None:
    data = Dataset(np.zeros((8, 8, 8, 1), np.uint8), None, None, 4, math.inf, 0)

    def shares(epoch: int, **steps: int) -> list[Any]:
        dcgan = small(**steps)
        run = Run(parse([f"--epoch={epoch}"]), 3, data, dcgan, tmp_path, OneDevice(dcgan))
        return [make_batch(run, step, 0).get("rate_share") for step in (0, 1, 2, 4, 396)]

    expected = [1, 2 / 3, 1 / 2, 1 / 3, 2 / 398]
    np.testing.assert_allclose(shares(2, decay_steps=2), expected, rtol=1e-6)
    assert shares(2, decay_steps=2) == shares(9, decay_steps=2)
    assert shares(2) == [None] * 5


def test_printing_does_not_change_the_weights() -> None:
    """Nor u: the passes for the printed losses move averages only."""
    steps = []
    for evaluate in (False, True):
        dcgan = small(**{**ALL, "label_smoothing": 0.1})
        for seed in range(2):
            images, z, _ = batch(dcgan, seed=seed)
            dcgan.train_step(images, z, evaluate=evaluate, **FED)
        steps.append(dcgan)
    for name, variable in steps[0].named_variables().items():
        if "moving_" not in name:
            np.testing.assert_array_equal(variable, steps[1].named_variables()[name], name)


@pytest.mark.parametrize(("loss", "moves"), [("gan", 4), ("rpgan", 4), ("wgan-gp", 11)])
def test_u_moves_once_for_each_pass_in_training_and_never_else(loss: str, moves: int) -> None:
    """Two for each update of D, one for each of G, one more where G's loss looks at reals."""
    dcgan, counted = (
        small(y_dim=3, loss=loss, spectral_norm=True, learning_rate=0.0) for _ in range(2)
    )
    images, z, y = batch(dcgan)
    dcgan.train_step(images, z, y, evaluate=True, **FED)
    for _ in range(moves):
        counted.discriminator.move_u()
    of_u = {n: v.numpy() for n, v in dcgan.named_variables().items() if n.endswith("/u")}
    assert len(of_u) == 4
    for name, u in of_u.items():
        np.testing.assert_allclose(u, counted.named_variables()[name], atol=1e-6, err_msg=name)
    dcgan.discriminate(images, y)
    dcgan.sampler(z, y)
    for name, u in of_u.items():
        np.testing.assert_array_equal(dcgan.named_variables()[name], u, name)


def test_all_at_once_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    """Bit for bit: slots, u, and what is drawn in each step."""
    straight = small(**ALL, ema=0.1)
    data = Dataset(np.zeros((12, 8, 8, 1), np.uint8), None, None, 4, math.inf, 0)
    settings = parse(["--batch_size=4", "--epoch=2"])

    def step(dcgan: DCGAN, number: int) -> None:
        devices = OneDevice(dcgan)
        run = Run(settings, 3, data, dcgan, tmp_path, devices)
        devices.train_step(functools.partial(make_batch, run, number), False, False, Wish())

    for number in range(2):
        step(straight, number)
    straight.save(tmp_path, 2)
    resumed = DCGAN.from_checkpoint(tmp_path, weights="raw")
    assert (resumed.config, resumed.training) == (straight.config, straight.training)
    for dcgan in (straight, resumed):
        for number in (2, 3):
            step(dcgan, number)
    for one, other in zip(straight.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(one, other, one.name)
    _, z, _ = batch(straight)
    np.testing.assert_array_equal(straight.sampler(z), resumed.sampler(z))


def test_noise_falls_to_nothing_over_the_epochs(tmp_path: Path) -> None:
    """And the random numbers of a step are its own."""
    dcgan = small(**ALL)
    data = Dataset(np.zeros((8, 8, 8, 1), np.uint8), None, None, 4, math.inf, 0)

    def batches(*flags: str) -> list[dict[str, np.ndarray]]:
        settings = parse(["--batch_size=4", *flags])
        run = Run(settings, 3, data, dcgan, tmp_path, OneDevice(dcgan))
        return [make_batch(run, number, 0) for number in range(4)]

    short, long = batches("--epoch=2"), batches("--epoch=4")
    assert [float(b["noise_share"]) for b in short] == [1, 0.75, 0.5, 0.25]
    assert [float(b["noise_share"]) for b in long] == [1, 0.875, 0.75, 0.625]
    for purpose in ("noise", "dropout"):
        drawn = {tuple(b[f"{purpose}_seed"]) for b in (*short, *long)}
        assert len(drawn) == 4
