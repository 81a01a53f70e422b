"""Settings that would do nothing beside others are refused in one line that names both."""

import re

import pytest

from main import parse
from support.errors import UserError


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--arch=gan --gf_dim=8", "--gf_dim=8 does not go with --arch=gan"),
        ("--arch=gan --df_dim=64", "--df_dim=64 does not go with --arch=gan"),
        ("--arch=gan --nod_batch_norm", "--nod_batch_norm does not go with --arch=gan"),
        ("--gfc_dim=9", "--gfc_dim=9 does not go with --arch=dcgan: it is of dcgan_mnist"),
        ("--dataset=mnist --nolabels --dfc_dim=9", "--dfc_dim=9 does not go with --arch=dcgan"),
        ("--loss=wgan-gp --label_smoothing=0.1", "--label_smoothing=0.1 does not go with loss=wga"),
        ("--loss=hinge --label_smoothing=0.1", "--label_smoothing=0.1 does not go with loss=hinge"),
        (
            "--penalty_weight=2",
            "--penalty_weight=2 does not go with loss=gan, which has no penalty",
        ),
        ("--loss=hinge --penalty_weight=2 --train", "--penalty_weight=2 does not go with loss=hin"),
        ("--sample_dropout", "--sample_dropout keeps on the dropout of g_dropout"),
        ("--optimizer=sgd --beta1=0.3", "--beta1=0.3 does not go with --optimizer=sgd"),
        (
            "--g_optimizer=sgd --d_optimizer=rmsprop --beta1=0.3",
            "--beta1=0.3 does not go with --g_optimizer=sgd and --d_optimizer=rmsprop: it is Adam",
        ),
        (
            "--optimizer=rmsprop --d_optimizer=sgd --beta1=0.3",
            "--beta1=0.3 does not go with --optimizer=rmsprop and --d_optimizer=sgd: it is Adam's",
        ),
        (
            "--learning_rate=0.1 --g_learning_rate=0.2 --d_learning_rate=0.3",
            "--learning_rate=0.1 does nothing beside --g_learning_rate=0.2 and "
            "--d_learning_rate=0.3: leave it out",
        ),
        (
            "--optimizer=sgd --g_optimizer=sgd --d_optimizer=adam --train",
            "--optimizer=sgd does nothing beside --g_optimizer=sgd and --d_optimizer=adam: leave",
        ),
        (
            "--dataset=mnist --preset=better --learning_rate=0.1",
            "--learning_rate=0.1 does nothing beside --g_learning_rate=0.00015 and "
            "--d_learning_rate=0.0006 of --preset=better: type --g_learning_rate and "
            "--d_learning_rate in its place",
        ),
        (
            "--arch=gan --preset=better",
            "--preset=better does not go with --arch=gan: it was chosen for the DCGAN's two "
            "networks. Give --preset=fully_connected, or --ema=0.1 alone",
        ),
        (
            "--eval_space=pixels",
            "--eval_space=pixels says what --eval_freq measures in: give that, too",
        ),
        (
            "--init_from=a --initializer=he_normal",
            "--initializer=he_normal does not go with --init",
        ),
    ],
)
def test_both_are_named(flags: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(said)}"):
        parse(flags.split())


@pytest.mark.parametrize(
    "flags",
    [
        "--gf_dim=8 --df_dim=4",
        "--dataset=mnist --gfc_dim=9 --dfc_dim=9",
        "--loss=lsgan --label_smoothing=0.1",
        "--loss=wgan-gp --penalty_weight=2",
        "--optimizer=sgd --g_optimizer=adam --beta1=0.3",
        "--optimizer=rmsprop --preset=fully_connected",
        "--g_dropout=0.5 --sample_dropout",
        "--learning_rate=0.1 --d_learning_rate=0.3",
        "--eval_space=pixels --eval_freq=9",
        "--preset=better --learning_rate=0.1",
        "--dataset=mnist --preset=better --g_learning_rate=0.1 --d_learning_rate=0.1",
    ],
)
def test_what_goes_together_is_taken(flags: str) -> None:
    settings = parse(flags.split())
    settings.training()
    settings.network(1, None)
