"""Frozen layers of D stay as they are, and all others are trained."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from makers import batch, small

from gan.freezing import trained_of
from support.errors import UserError

pytestmark = pytest.mark.usefixtures("eagerly")
LAYERS = {"dcgan": 5, "dcgan_mnist": 4, "gan": 4}


def values(variables: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in variables.items()}


@pytest.mark.parametrize("architecture", LAYERS)
def test_each_architecture_freezes_from_the_images_on(architecture: str) -> None:
    dcgan = small(architecture=architecture, y_dim=3)
    trainable = dcgan.discriminator.trainable()
    assert trained_of(dcgan.discriminator, 0) == trainable
    left = [set(trained_of(dcgan.discriminator, n)) for n in range(LAYERS[architecture])]
    assert left[0] == set(trainable)
    for before, after in pairwise(left):
        assert after < before
    assert {"h0" in name for name in left[0] - left[1]} == {True}
    assert {name.split("/")[1][:4] for name in left[-1]} == {f"d_h{LAYERS[architecture] - 1}"}
    with pytest.raises(UserError, match=f"D has {LAYERS[architecture]} layers"):
        small(architecture=architecture, y_dim=3, freeze_d=LAYERS[architecture])


@pytest.mark.parametrize("loss", ["gan", "wgan-gp"])
def test_what_is_frozen_stays_in_every_bit_and_adam_has_no_moments_of_it(loss: str) -> None:
    dcgan = small(16, 16, 3, freeze_d=2, loss=loss)
    frozen = {"d_h0_conv", "d_h1_conv", "d_bn1"}
    before = values(dcgan.named_variables())
    seed = np.array([1, 2], np.int32) if dcgan.loss.draws else None
    for step in range(2):
        images, z, y = batch(dcgan, seed=step)
        dcgan.train_step(images, z, y, penalty_seed=seed)
    for name, value in values(dcgan.named_variables()).items():
        is_weight = "moving" not in name
        stays = name.split("/")[1] in frozen and is_weight
        # Some biases have no gradient to speak of: before a batch norm, or a Wasserstein D's last.
        if stays or not name.endswith(("biases", "bias")):
            assert (value == before[name]).all() == stays, name
    for name in dcgan.discriminator.trainable():
        moments = dcgan.d_optim.v[name].numpy()
        if name.split("/")[1] in frozen:
            assert not moments.any(), name
        elif not name.endswith(("biases", "bias")):
            assert moments.any(), name


def test_frozen_layers_keep_their_spectral_norm() -> None:
    dcgan = small(16, 16, 3, freeze_d=2, spectral_norm=True, loss="hinge")
    before = values(dcgan.named_variables())
    dcgan.train_step(*batch(dcgan))
    for name, value in values(dcgan.named_variables()).items():
        if name.endswith("/u") and len(value) > 1:  # a single number stays 1 or -1
            assert (value == before[name]).all() == ("d_h0" in name or "d_h1" in name), name


@pytest.mark.parametrize("optimizer", ["rmsprop", "sgd"])
def test_no_optimizer_moves_what_is_frozen(optimizer: str) -> None:
    dcgan = small(16, 16, 3, freeze_d=1, optimizer=optimizer)
    before = values(dcgan.discriminator.trainable())
    dcgan.train_step(*batch(dcgan))
    after = values(dcgan.discriminator.trainable())
    same = {name for name in before if (before[name] == after[name]).all()}
    assert {"discriminator/d_h0_conv/w", "discriminator/d_h0_conv/biases"} <= same
    assert "discriminator/d_h1_conv/w" not in same
