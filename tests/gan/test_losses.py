"""A loss is a row of LOSSES: the step, what is shown and what is stored follow from it."""

import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from datasets.dataset import Dataset
from gan import losses
from gan.losses import LOSSES, Loss, fake_loss, real_loss
from gan.networks import ARCHITECTURES
from main import help_text, parse
from model import DCGAN, graph
from support import cpu_kernels
from support.errors import UserError
from training.devices import OneDevice, Wish
from training.loop import Run, make_batch


def test_the_originals_losses_are_cross_entropies() -> None:
    logits = tf.constant([[-3.0], [0.0], [20.0]])
    probability = 1 / (1 + np.exp(-logits.numpy()))
    assert float(real_loss(logits)) == pytest.approx(-np.log(probability).mean(), rel=1e-5)
    wanted = np.log1p(np.exp(logits.numpy())).mean()
    assert float(fake_loss(logits)) == pytest.approx(wanted, rel=1e-5)
    np.testing.assert_allclose(LOSSES["gan"].probability(logits), probability, rtol=1e-5)
    real, fake = LOSSES["gan"].d(logits, -logits)
    assert float(real) == float(fake) == float(LOSSES["gan"].g(logits, never))


# D's logits of two reals and of two fakes, and what each loss makes of them, by hand.
REALS, FAKES = [3.0, 0.5], [-2.0, 0.5]
BY_HAND = {
    "gan-halved": (
        np.log1p(np.exp([-3, -0.5])).mean() / 2,
        np.log1p(np.exp([-2, 0.5])).mean() / 2,
        np.log1p(np.exp([2, -0.5])).mean(),
        1 / (1 + np.exp([-3, -0.5])),
    ),
    "lsgan": ((4 + 0.25) / 4, (4 + 0.25) / 4, (9 + 0.25) / 4, [1, 0.5]),
    "wgan-gp": (-1.75, -0.75, 0.75, 1 / (1 + np.exp([-3, -0.5]))),
    "hinge": ((0 + 0.5) / 2, (0 + 1.5) / 2, 0.75, [1, 0.75]),
    "rpgan": (  # differences of 5 and of 0
        *[(np.log1p(np.exp(-5)) + np.log(2)) / 4] * 2,
        (np.log1p(np.exp(5)) + np.log(2)) / 2,
        1 / (1 + np.exp([-3, -0.5])),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_other_losses_are_those_of_their_papers(name: str) -> None:
    loss = LOSSES[name]
    reals, fakes = tf.constant(REALS)[:, tf.newaxis], tf.constant(FAKES)[:, tf.newaxis]
    of_reals, of_fakes, of_g, shown = BY_HAND[name]
    real, fake = loss.d(reals, fakes)
    assert float(real) == pytest.approx(of_reals)
    assert float(fake) == pytest.approx(of_fakes)
    of_reals = (lambda: reals) if name == "rpgan" else never
    assert float(loss.g(fakes, of_reals)) == pytest.approx(of_g)
    np.testing.assert_allclose(np.ravel(loss.probability(reals)), shown, rtol=1e-5)


def never() -> tf.Tensor:
    """Stand for D's logits of reals where a pass for them would be in vain."""
    raise AssertionError("this loss of G looks at fakes alone")


def test_the_penalties_are_of_the_slope_by_hand() -> None:
    """D(x) = 3 x0 + 4 x1 has a slope of 5 everywhere; D(x) = |x|^2 / 2 one of |x|."""
    reals, fakes = tf.ones([2, 1, 2, 1]), -tf.ones([2, 1, 2, 1])
    seed = tf.constant((1, 2))

    def plane(x: tf.Tensor) -> tf.Tensor:
        return tf.reshape(x, [2, 2]) @ [[3.0], [4.0]]

    def bowl(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(x**2, [1, 2, 3])[:, tf.newaxis] / 2

    of = {name: functools.partial(weighted, LOSSES[name]) for name in ("wgan-gp", "rpgan")}
    assert float(of["wgan-gp"](plane, reals, fakes, seed)) == pytest.approx(10 * (5 - 1) ** 2)
    assert float(of["rpgan"](plane, reals, fakes, None)) == pytest.approx((25 + 25) / 2)
    assert float(of["rpgan"](bowl, reals, 3 * fakes, None)) == pytest.approx((2 + 18) / 2)
    # From (-1, -1) to (1, 1): the slope is |2 share - 1| root 2, at a share for each pair.
    share = tf.random.stateless_uniform([2], seed).numpy()
    wanted = 10 * np.mean((abs(2 * share - 1) * np.sqrt(2) - 1) ** 2)
    assert float(of["wgan-gp"](bowl, reals, fakes, seed)) == pytest.approx(wanted, rel=1e-4)
    flat = of["wgan-gp"](lambda x: 0 * bowl(x), reals, fakes, seed)
    assert float(flat) == pytest.approx(10, rel=1e-4)


def weighted(loss: Loss, *inputs: Any) -> tf.Tensor:
    """A penalty as D's loss has it."""
    assert loss.penalty is not None
    return loss.weight * loss.penalty(*inputs)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(("name", "own"), [("wgan-gp", 10), ("rpgan", 1)])
def test_a_penalty_has_the_weight_that_is_asked_for(name: str, own: int, tmp_path: Path) -> None:
    """What the step shows of it is its part in d_loss; a checkpoint keeps the weight."""
    assert parse([f"--loss={name}"]).training().penalty_weight is None
    parts = {}
    for weight in (None, 3.0):
        dcgan = small(loss=name, penalty_weight=weight, d_updates=1)
        images, z, _ = batch(dcgan)
        step = dcgan.train_step(images, z, penalty_seed=(1, 2))
        parts[weight] = float(step["d_penalty"])
        whole = step["d_loss_real"] + step["d_loss_fake"] + step["d_penalty"]
        assert float(step["d_loss"]) == float(whole)
    assert parts[3] == pytest.approx(parts[None] * 3 / own, rel=1e-5)
    dcgan.save(tmp_path, 1)
    assert DCGAN.from_checkpoint(tmp_path).loss.weight == 3


def test_the_help_tells_the_weights_of_the_table() -> None:
    assert "[wgan-gp: 10, rpgan: 1]" in " ".join(help_text().split())


STEP = 3e-4
# Variables that D's slope does not depend on, by architecture: they only shift, or feed a batch
# norm. A shift before a leaky ReLU decides which of its two slopes is taken: a batch norm behind it
# makes that felt, and without one a small step changes nothing. With tanh, bn2/beta of dcgan_mnist
# is felt, but by less than float32 tells.
SHIFTS = {
    "dcgan": ("h1_conv/biases", "h2_conv/biases", "h3_conv/biases", "bn3/beta", "h4_lin/bias"),
    "dcgan_mnist": ("h1_conv/biases", "h2_lin/bias", "bn2/beta", "h3_lin/bias"),
    "gan": ("/biases", "/bias"),  # it has no batch norm
}


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("name", ["wgan-gp", "rpgan"])
@pytest.mark.parametrize(
    "of_networks",
    [
        {"architecture": "dcgan", "y_dim": 3},
        {"architecture": "dcgan", "spectral_norm": True},
        pytest.param({"architecture": "dcgan"}, marks=pytest.mark.slow),
        {"architecture": "dcgan", "d_batch_norm": False},
        {"architecture": "gan"},
        # With leaky ReLU, a step of this test leads across its kink here: rpgan's slope is small.
        {"architecture": "dcgan_mnist", "y_dim": 3, "activation": "tanh"},
    ],
    ids=lambda of_networks: "-".join(map(str, of_networks.values())),
)
def test_gradients_of_penalties_are_those_of_finite_differences(
    name: str, of_networks: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the gradients of support/cpu_kernels.py; and TensorFlow's own kernels agree."""
    dcgan = small(12, 20, 3, **of_networks)
    images, _, y = batch(dcgan)
    reals, fakes = tf.constant(images), tf.constant(batch(dcgan, seed=3)[0])
    discriminator, loss_penalty = dcgan.discriminator, LOSSES[name].penalty
    assert loss_penalty is not None
    shifts = SHIFTS[dcgan.config.architecture if dcgan.config.d_batch_norm else "gan"]
    variables = {n: v for n, v in discriminator.trainable().items() if not n.endswith(shifts)}
    for name_of, variable in variables.items():
        if name_of.endswith(("/w", "/Matrix")):  # larger slopes than those of fresh weights
            variable.assign(5 * variable)
    named = discriminator.named_variables()
    for layer in (name_of.removesuffix("/u") for name_of in named if name_of.endswith("/u")):
        # With the right u its own change has no part in the gradient.
        weights = named[next(n for n in (f"{layer}/w", f"{layer}/Matrix") if n in named)].numpy()
        right = np.linalg.svd(weights.reshape(-1, weights.shape[-1]), full_matrices=False)[2]
        named[f"{layer}/u"].assign(right[0])

    def penalty() -> tf.Tensor:
        def logits_of(x: tf.Tensor) -> tf.Tensor:
            return discriminator(x, y, training=True, passes=0)

        return loss_penalty(logits_of, reals, fakes, tf.constant((1, 2)))

    @graph
    def gradients() -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            value = penalty()
        return tape.gradient(value, variables)

    value, found = graph(penalty), gradients()
    for variable_name, variable in variables.items():
        gradient, before = found[variable_name], variable.numpy()
        length = float(tf.norm(gradient))
        beside = [0.0, 0.0]
        for side, sign in enumerate((1, -1)):
            variable.assign(before + sign * STEP * gradient / length)
            beside[side] = float(value())
        variable.assign(before)
        slope = (beside[0] - beside[1]) / (2 * STEP)
        assert slope == pytest.approx(length, rel=5e-3), variable_name
    monkeypatch.setattr(cpu_kernels, "on_cpu", lambda: False)
    for variable_name, wanted in graph(gradients.python_function)().items():
        off = np.abs(found[variable_name] - wanted).max() / np.abs(wanted).max()
        assert off < 1e-5, variable_name


@pytest.fixture
def least_squares(monkeypatch: pytest.MonkeyPatch) -> Loss:
    """Least squares with a penalty: what another loss needs (Mao et al. 2017)."""

    def penalty(logits_of, images: tf.Tensor, fakes: tf.Tensor, seed) -> tf.Tensor:  # type: ignore[no-untyped-def]
        between = (images + fakes) / 2
        with tf.GradientTape() as tape:
            tape.watch(between)
            logits = logits_of(between)
        return 10 * tf.reduce_mean(tf.square(tape.gradient(logits, between)))

    loss = Loss(
        d=lambda reals, fakes: (tf.reduce_mean((reals - 1) ** 2), tf.reduce_mean(fakes**2)),
        g=lambda fakes, of_reals: tf.reduce_mean((fakes - 1) ** 2),
        probability=lambda logits: tf.clip_by_value(logits, 0, 1),
        penalty=penalty,
        d_updates=3,
    )
    monkeypatch.setitem(losses.LOSSES, "made_up", loss)
    return loss


@pytest.mark.usefixtures("eagerly")
def test_another_loss_is_one_row(least_squares: Loss, tmp_path: Path) -> None:
    """It decides the losses, how often each network is updated, and it stays with a checkpoint."""
    dcgan = small(y_dim=3, loss="made_up")
    images, z, y = batch(dcgan)
    result = dcgan.train_step(images, z, y, evaluate=True, watch=True)
    assert float(dcgan.d_optim.beta1_power) == 0.5**4, "three updates of D"
    assert float(dcgan.g_optim.beta1_power) == 0.5**2, "one of G"
    assert float(result["d_loss"]) > float(result["d_loss_real"] + result["d_loss_fake"])
    assert all(np.isfinite(value).all() for value in result.values())
    assert set(np.unique(np.clip(result["d"], 0, 1) == result["d"])) == {True}
    dcgan.save(tmp_path, 1)
    assert DCGAN.from_checkpoint(tmp_path).loss == least_squares


@pytest.mark.usefixtures("eagerly")
def test_g_averages_move_once_for_each_update_of_either(least_squares: Loss) -> None:
    """Three of D and one of G on the same pass; with the weights held still they see one batch."""
    dcgan = small(loss="made_up", learning_rate=0.0)
    images, z, _ = batch(dcgan)
    dcgan.train_step(images, z)
    variables = dcgan.named_variables()
    average = variables["generator/g_bn0/moving_mean"].numpy()
    mean = (z @ variables["generator/g_h0_lin/Matrix"].numpy()).reshape(-1, len(average)).mean(0)
    np.testing.assert_allclose(average, (1 - 0.9**4) * mean, rtol=1e-4, atol=1e-7)


def test_the_command_line_takes_the_names_of_the_table() -> None:
    for name in LOSSES:
        assert parse([f"--loss={name}"]).loss == name
    with pytest.raises(UserError, match="--loss=made_up: there are gan"):
        parse(["--loss=made_up"])


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains_every_architecture(name: str, architecture: str) -> None:
    """Each weight of both networks moves, and as often as the loss has it."""
    dcgan = small(y_dim=3, loss=name, architecture=architecture)
    before = {name: v.numpy() for name, v in dcgan.named_variables().items() if v.trainable}
    images, z, y = batch(dcgan)
    for step in range(2):
        result = dcgan.train_step(images, z, y, watch=True, penalty_seed=(1, step))
    assert all(np.isfinite(value).all() for value in result.values())
    assert dcgan.not_finite(moments=True) == ""
    for variable_name, variable in dcgan.named_variables().items():
        if variable_name.endswith(("/w", "/Matrix", "/gamma")):
            assert (variable.numpy() != before[variable_name]).any(), variable_name
    for optim, updates in (
        (dcgan.d_optim, {"wgan-gp": 5}.get(name, 1)),
        (dcgan.g_optim, {"gan": 2}.get(name, 1)),
    ):
        assert float(optim.beta1_power) == 0.5 ** (2 * updates + 1)


# With a target of 0.9, by hand; the part of the fakes and G's loss are as without.
SMOOTHED = {
    "gan": (np.log1p(np.exp(-np.array(REALS))) + 0.1 * np.array(REALS)).mean(),
    "gan-halved": (np.log1p(np.exp(-np.array(REALS))) + 0.1 * np.array(REALS)).mean() / 2,
    "lsgan": (2.1**2 + 0.4**2) / 4,
}


@pytest.mark.parametrize("name", SMOOTHED)
def test_smoothing_lowers_what_reals_are_to_be_for_d_alone(name: str) -> None:
    """In training; what is printed stays comparable."""
    reals, fakes = tf.constant(REALS)[:, tf.newaxis], tf.constant(FAKES)[:, tf.newaxis]
    plain, smoothed = losses.loss_of(name, None, None), losses.loss_of(name, None, None, 0.1)
    assert float(smoothed.d_trained(reals, fakes)[0]) == pytest.approx(SMOOTHED[name], rel=1e-5)
    of_fakes = {float(d(reals, fakes)[1]) for d in (plain.d, plain.d_trained, smoothed.d_trained)}
    assert len(of_fakes) == 1
    assert float(smoothed.d(reals, fakes)[0]) == float(plain.d_trained(reals, fakes)[0])
    assert float(smoothed.g(fakes, never)) == float(plain.g(fakes, never))
    assert (smoothed.d_updates, smoothed.g_updates) == (plain.d_updates, plain.g_updates)
    assert smoothed.d_wins_below is None, "d_loss does not go to 0 any more"


@pytest.mark.usefixtures("eagerly")
def test_a_step_trains_with_smoothing_and_prints_without() -> None:
    plain, smoothed = (small(label_smoothing=s, learning_rate=0.0) for s in (0.0, 0.4))
    images, z, _ = batch(plain)
    wanted, found = (d.train_step(images, z, evaluate=True) for d in (plain, smoothed))
    differing = {name for name, loss in wanted.items() if float(loss) != float(found[name])}
    assert differing == {"d_loss", "d_loss_real"}


@pytest.mark.parametrize("name", LOSSES)
def test_only_losses_with_a_target_can_be_smoothed(name: str) -> None:
    assert (name in SMOOTHED) == LOSSES[name].has_target
    if name not in SMOOTHED:
        with pytest.raises(ValueError, match=f"label_smoothing=0.1 does not go with loss={name}"):
            small(loss=name, label_smoothing=0.1)


@pytest.mark.parametrize("name", LOSSES)
def test_only_losses_with_a_penalty_take_a_weight(name: str) -> None:
    if name not in ("wgan-gp", "rpgan"):
        told = f"penalty_weight=2 does not go with loss={name}, which has no penalty: leave it out"
        with pytest.raises(ValueError, match=f"^{told}, or take the loss wgan-gp or rpgan"):
            small(loss=name, penalty_weight=2)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_shows_a_probability(name: str) -> None:
    for logits in (tf.constant([[-9.0], [0.0], [9.0]]), np.array([-9.0, 0.0, 9.0])):
        shown = np.asarray(LOSSES[name].probability(logits)).ravel()
        assert 0 <= shown[0] <= shown[1] <= shown[2] <= 1


@pytest.mark.usefixtures("eagerly")
def test_the_numbers_of_updates_can_be_others_than_the_losss(tmp_path: Path) -> None:
    settings = parse(["--loss=wgan-gp", "--d_updates=2", "--g_updates=3"])
    dcgan = small(loss="wgan-gp", d_updates=2, g_updates=3)
    assert settings.training().updates == dcgan.training.updates == (2, 3)
    images, z, _ = batch(dcgan)
    dcgan.train_step(images, z, evaluate=True, penalty_seed=(1, 2))
    assert float(dcgan.d_optim.beta1_power) == 0.5**3
    assert float(dcgan.g_optim.beta1_power) == 0.5**4
    dcgan.save(tmp_path, 1)
    assert DCGAN.from_checkpoint(tmp_path).training.updates == (2, 3)
    with pytest.raises(UserError, match="--d_updates=0: it must be 1 or more"):
        parse(["--d_updates=0"])


@pytest.mark.usefixtures("eagerly")
def test_where_g_comes_first_d_sees_what_the_new_g_makes() -> None:
    """Held against the two updates by hand, from the same weights."""
    dcgan, other = (small(loss="gan-halved", architecture="gan") for _ in range(2))
    images, z, _ = batch(dcgan)
    result = dcgan.train_step(images, z, watch=True)
    np.testing.assert_allclose(result["G"], other.generator(z, None, True), atol=1e-6)
    for name, variable in dcgan.generator.named_variables().items():
        if variable.trainable:
            other.named_variables()[name].assign(variable)
    of_reals = other.discriminator(tf.constant(images), None, True)
    of_fakes = other.discriminator(other.generator(z, None, True), None, True)
    assert float(result["d_loss_fake"]) == pytest.approx(float(fake_loss(of_fakes)) / 2, rel=1e-5)
    assert float(result["d_loss_real"]) == pytest.approx(float(real_loss(of_reals)) / 2, rel=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_a_penalty_moves_no_averages_and_its_places_follow_from_the_seed() -> None:
    """With the weights held still only the places between reals and fakes can differ."""
    dcgan, plain = (small(loss=name, learning_rate=0.0, d_updates=1) for name in ("wgan-gp", "gan"))
    images, z, _ = batch(dcgan)
    first, again, other = (
        float(dcgan.train_step(images, z, penalty_seed=(1, number))["d_loss"])
        for number in (5, 5, 6)
    )
    assert first == again != other
    once = small(loss="wgan-gp", learning_rate=0.0, d_updates=1, g_updates=2)
    once.train_step(images, z, penalty_seed=(1, 2))
    plain.train_step(images, z)
    for name, variable in once.discriminator.named_variables().items():
        np.testing.assert_array_equal(variable, plain.named_variables()[name], err_msg=name)
    with pytest.raises(
        ValueError, match="penalty_seed is missing: random numbers are drawn from it"
    ):
        dcgan.train_step(images, z)


@pytest.mark.usefixtures("eagerly")
def test_a_run_with_a_drawn_penalty_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    """The seed of each step follows from the run's seed and the step."""
    straight = small(loss="wgan-gp", d_updates=2)
    data = Dataset(np.zeros((8, 8, 8, 1), np.uint8), None, None, 4, math.inf, 0)

    def step(dcgan: DCGAN, number: int) -> None:
        settings = parse(["--batch_size=4", "--loss=wgan-gp"])
        devices = OneDevice(dcgan)
        run = Run(settings, 3, data, dcgan, tmp_path, devices)
        devices.train_step(functools.partial(make_batch, run, number), False, False, Wish())

    step(straight, 0)
    straight.save(tmp_path, 1)
    resumed = DCGAN.from_checkpoint(tmp_path)
    for dcgan in (straight, resumed):
        step(dcgan, 1)
    for name, variable in straight.named_variables().items():
        np.testing.assert_array_equal(variable, resumed.named_variables()[name], err_msg=name)
    run = Run(parse(["--batch_size=4"]), 3, data, straight, tmp_path, OneDevice(straight))
    seeds = {tuple(make_batch(run, number, 0)["penalty_seed"]) for number in (0, 1, 1)}
    assert len(seeds) == 2
