"""A loss is a row of LOSSES: the step, what is shown and what is stored follow from it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from gan import losses
from gan.losses import LOSSES, Loss, fake_loss, real_loss
from main import parse
from model import DCGAN
from support.errors import UserError


def test_the_originals_losses_are_cross_entropies() -> None:
    logits = tf.constant([[-3.0], [0.0], [20.0]])
    probability = 1 / (1 + np.exp(-logits.numpy()))
    assert float(real_loss(logits)) == pytest.approx(-np.log(probability).mean(), rel=1e-5)
    wanted = np.log1p(np.exp(logits.numpy())).mean()
    assert float(fake_loss(logits)) == pytest.approx(wanted, rel=1e-5)
    np.testing.assert_allclose(LOSSES["gan"].probability(logits), probability, rtol=1e-5)
    real, fake = LOSSES["gan"].d(logits, -logits)
    assert float(real) == float(fake) == float(LOSSES["gan"].g(logits))


@pytest.fixture
def least_squares(monkeypatch: pytest.MonkeyPatch) -> Loss:
    """Least squares with a penalty: what another loss needs (Mao et al. 2017)."""

    def penalty(logits_of, images: tf.Tensor, fakes: tf.Tensor) -> tf.Tensor:  # type: ignore[no-untyped-def]
        between = (images + fakes) / 2
        with tf.GradientTape() as tape:
            tape.watch(between)
            logits = logits_of(between)
        return 10 * tf.reduce_mean(tf.square(tape.gradient(logits, between)))

    loss = Loss(
        d=lambda reals, fakes: (tf.reduce_mean((reals - 1) ** 2), tf.reduce_mean(fakes**2)),
        g=lambda fakes: tf.reduce_mean((fakes - 1) ** 2),
        probability=lambda logits: tf.clip_by_value(logits, 0, 1),
        penalty=penalty,
        d_updates=3,
    )
    monkeypatch.setitem(losses.LOSSES, "made_up", loss)
    return loss


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
    assert DCGAN.from_checkpoint(tmp_path).loss is least_squares


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
    assert parse(["--loss=gan"]).loss == "gan"
    with pytest.raises(UserError, match="--loss=made_up: there are gan"):
        parse(["--loss=made_up"])


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_trains_and_shows_a_probability(name: str) -> None:
    dcgan = small(loss=name)
    images, z, _ = batch(dcgan)
    for _ in range(2):
        result = dcgan.train_step(images, z, evaluate=True, watch=True)
    assert all(np.isfinite(value).all() for value in result.values())
    for logits in (tf.constant([[-9.0], [0.0], [9.0]]), np.array([-9.0, 0.0, 9.0])):
        shown = np.asarray(dcgan.loss.probability(logits)).ravel()
        assert 0 <= shown[0] <= shown[1] <= shown[2] <= 1
