"""DCGAN: any shape takes a step, averages move as often as they must, what is saved comes back."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from gan.config import TrainingConfig
from gan.description import DESCRIPTION_FILE, Description, write_description
from model import DCGAN
from support.errors import RunError, UserError

OTHER_CHANNELS = [((28, 28), 3, 1), ((17, 30), 1, 7), ((1, 3), 3, 2)]


@pytest.mark.parametrize("y_dim", [None, 3])
@pytest.mark.parametrize(
    ("size", "c_dim", "count"),
    [
        ((28, 28), 1, 1),
        ((17, 30), 3, 7),
        ((1, 3), 1, 2),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in OTHER_CHANNELS),
    ],
)
def test_any_size_takes_a_step(
    size: tuple[int, int], c_dim: int, y_dim: int | None, count: int
) -> None:
    dcgan = small(size[0], size[1], c_dim, y_dim=y_dim)
    before = {n: v.numpy() for n, v in dcgan.named_variables().items()}
    images, z, y = batch(dcgan, count)
    result = dcgan.train_step(images, z, y, evaluate=True)
    assert all(np.isfinite(float(value)) for value in result.values())
    moved = [n for n, v in dcgan.named_variables().items() if (v.numpy() != before[n]).any()]
    assert any(name.startswith("generator/") for name in moved)
    assert any(name.startswith("discriminator/") for name in moved)
    fakes = dcgan.sampler(z, y).numpy()
    assert fakes.shape == (count, *size, c_dim)
    low, high = (0, 1) if y_dim else (-1, 1)
    assert low <= fakes.min() <= fakes.max() <= high


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("y_dim", [None, 3])
@pytest.mark.parametrize(("evaluate", "passes"), [(False, 3), (True, 5)])
def test_g_averages_move_once_for_each_pass(y_dim: int, evaluate: bool, passes: int) -> None:
    """With the weights held still all passes see the same batch, so the average tells the count."""
    dcgan = small(y_dim=y_dim, learning_rate=0.0)
    images, z, y = batch(dcgan)
    dcgan.train_step(images, z, y, evaluate=evaluate)
    variables = dcgan.named_variables()
    bias = variables["generator/g_bn0/moving_mean"].numpy()
    inputs = z if y is None else np.concatenate([z, y], 1)
    linear = inputs @ variables["generator/g_h0_lin/Matrix"].numpy()
    mean = linear.reshape(-1, len(bias)).mean(0)
    np.testing.assert_allclose(bias, (1 - 0.9**passes) * mean, rtol=1e-4, atol=1e-7)


@pytest.mark.usefixtures("eagerly")
def test_adam_counts_one_update_of_d_and_two_of_g() -> None:
    dcgan = small()
    dcgan.train_step(*batch(dcgan))
    assert float(dcgan.d_optim.beta1_power) == 0.5**2
    assert float(dcgan.g_optim.beta1_power) == 0.5**3


@pytest.mark.usefixtures("eagerly")
def test_watching_adds_what_tensorboard_shows() -> None:
    dcgan = small()
    images, z, _ = batch(dcgan)
    names = {"d_loss", "d_loss_real", "d_loss_fake", "g_loss"}
    assert set(dcgan.train_step(images, z)) == names
    result = dcgan.train_step(images, z, watch=True)
    assert set(result) == names | {"d", "d_", "G"}
    assert result["G"].shape == images.shape
    for name in ("d", "d_"):
        assert ((result[name].numpy() > 0) & (result[name].numpy() < 1)).all()


def test_the_sampler_does_not_depend_on_its_company() -> None:
    dcgan = small(y_dim=3)
    for seed in range(3):
        dcgan.train_step(*batch(dcgan, seed=seed))
    _, z, y = batch(dcgan, 9)
    together = dcgan.sampler(z, y).numpy()
    alone = np.concatenate([dcgan.sampler(z[k : k + 1], y[k : k + 1]).numpy() for k in range(9)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_labels_where_none_belong_are_refused() -> None:
    dcgan = small()
    images, z, _ = batch(dcgan)
    with pytest.raises(ValueError, match="no labels"):
        dcgan.train_step(images, z, np.eye(4, 10))
    with pytest.raises(ValueError, match=r"one-hot labels \[N, 3\]"):
        small(y_dim=3).sampler(z)


def test_what_was_saved_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    straight = small(y_dim=3)
    for seed in range(2):
        straight.train_step(*batch(straight, seed=seed))
    path = straight.save(tmp_path, 2)
    assert path.name == "DCGAN.model-2"

    resumed = DCGAN.from_checkpoint(tmp_path)
    assert int(resumed.step) == 2
    for dcgan in (straight, resumed):
        dcgan.train_step(*batch(dcgan, seed=2))
    for name, variable in straight.named_variables().items():
        np.testing.assert_array_equal(variable, resumed.named_variables()[name], err_msg=name)


def test_networks_are_not_saved_among_checkpoints_of_others(tmp_path: Path) -> None:
    small().save(tmp_path, 3, max_to_keep=1)
    with pytest.raises(UserError, match="have another shape: z_dim is 5, not 6"):
        small(z_dim=6).save(tmp_path, 4, max_to_keep=1)
    assert int(DCGAN.from_checkpoint(tmp_path).step) == 3


def test_they_are_not_either_where_the_description_is_gone(tmp_path: Path) -> None:
    small().save(tmp_path, 3, max_to_keep=1)
    (tmp_path / DESCRIPTION_FILE).unlink()
    with pytest.raises(UserError, match="holds checkpoints of other networks"):
        small(z_dim=6).save(tmp_path, 4, max_to_keep=1)
    small().save(tmp_path, 4, max_to_keep=1)
    assert int(DCGAN.from_checkpoint(tmp_path).step) == 4


def test_a_checkpoint_of_a_step_below_zero_is_of_no_use(tmp_path: Path) -> None:
    dcgan = small()
    dcgan.step.assign(-5)
    tf.train.Checkpoint(dcgan=dcgan).write(str(tmp_path / "DCGAN.model-7"))
    write_description(tmp_path, Description(dcgan.config, dcgan.training))
    with pytest.raises(RunError, match="is of no use: it is of step -5"):
        DCGAN.from_checkpoint(tmp_path)


def test_fields_that_are_not_given_as_keywords_are_refused() -> None:
    with pytest.raises(TypeError, match="is no NetworkConfig: give its fields as keywords"):
        DCGAN({"y_dim": 3})  # type: ignore[arg-type]


def test_an_empty_folder_has_nothing_to_load(tmp_path: Path) -> None:
    assert small().load(tmp_path) == (False, 0)
    with pytest.raises(UserError, match="no checkpoint in"):
        DCGAN.from_checkpoint(tmp_path)


def test_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    small(c_dim=1).save(tmp_path, 1)
    with pytest.raises(UserError, match=r"output_height is 8, not 16, c_dim is 1, not 3"):
        small(height=16, c_dim=3).load(tmp_path)


def test_what_is_not_finite_is_named() -> None:
    dcgan = small()
    assert dcgan.not_finite(moments=True) == ""
    dcgan.g_optim.m["generator/g_h2/w"][0, 0, 0, 0].assign(np.inf)
    assert dcgan.not_finite() == ""
    assert dcgan.not_finite(moments=True).startswith("generator/g_h2/w/Adam has 1 of ")
    dcgan.named_variables()["discriminator/d_bn1/moving_mean"].assign([np.nan] * 4)
    named = "discriminator/d_bn1/moving_mean has 4 of 4 values that are not finite"
    assert dcgan.not_finite() == named


def test_a_missing_description_is_asked_for(tmp_path: Path) -> None:
    small().save(tmp_path, 1)
    (tmp_path / "DCGAN.model.json").unlink()
    with pytest.raises(UserError, match=r"DCGAN\.model\.json is missing beside .*DCGAN\.model-1"):
        DCGAN.from_checkpoint(tmp_path)


def test_the_precision_comes_back_with_the_networks(tmp_path: Path) -> None:
    small(precision="bfloat16").save(tmp_path, 1)
    assert DCGAN.from_checkpoint(tmp_path).config.precision == "bfloat16"


@pytest.mark.parametrize("value", ["float16", 32])
def test_a_precision_that_does_not_exist_is_refused(value: object, tmp_path: Path) -> None:
    small().save(tmp_path, 1)
    path = tmp_path / "DCGAN.model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"precision": value}))
    with pytest.raises(UserError, match=f"precision is {value!r}, it must be float32 or bfloat16"):
        DCGAN.from_checkpoint(tmp_path)


def test_the_checkpoint_explains_itself(tmp_path: Path) -> None:
    small(height=9, y_dim=3).save(tmp_path, 1)
    stored = json.loads((tmp_path / "DCGAN.model.json").read_text())
    assert stored["output_height"] == 9
    assert stored["y_dim"] == 3


@pytest.mark.parametrize("y_dim", [None, 3])
def test_bfloat16_is_near_float32_and_keeps_what_must_be_exact(y_dim: int | None) -> None:
    plain, half = (small(y_dim=y_dim, precision=p) for p in ("float32", "bfloat16"))
    images, z, y = batch(plain, 8)
    losses = [dcgan.train_step(images, z, y, evaluate=True) for dcgan in (plain, half)]
    for name, loss in losses[0].items():
        assert losses[1][name].dtype == "float32"
        assert float(losses[1][name]) == pytest.approx(float(loss), abs=0.02), name
    assert losses[0] != losses[1]
    moments = [*half.g_optim.m.values(), *half.d_optim.v.values()]
    assert all(v.dtype == "float32" for v in (*half.named_variables().values(), *moments))
    for name, variable in plain.named_variables().items():
        half.named_variables()[name].assign(variable)
    np.testing.assert_array_equal(half.sampler(z, y), plain.sampler(z, y), "always float32")


@pytest.mark.slow
def test_a_step_that_xla_compiled_is_the_same_step() -> None:
    plain, compiled = small(y_dim=3), small(y_dim=3, xla=True)
    images, z, y = batch(plain, 8)
    losses = [dcgan.train_step(images, z, y, evaluate=True) for dcgan in (plain, compiled)]
    for name, loss in losses[0].items():
        assert float(losses[1][name]) == pytest.approx(float(loss), abs=1e-5), name


@pytest.mark.usefixtures("eagerly")
def test_a_checkpoint_goes_on_with_its_learning_rate_and_beta1(tmp_path: Path) -> None:
    straight = small(learning_rate=0.01, beta1=0.3)
    straight.train_step(*batch(straight))
    straight.save(tmp_path, 1)
    resumed = DCGAN.from_checkpoint(tmp_path)
    assert resumed.training == TrainingConfig(4, 0.01, 0.3)
    for dcgan in (straight, resumed):
        dcgan.train_step(*batch(dcgan, seed=1))
    for name, variable in straight.named_variables().items():
        np.testing.assert_array_equal(variable, resumed.named_variables()[name], err_msg=name)


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("learning_rate", "fast", "a number, 0 or more"),
        ("beta1", -1.0, "a number, 0 or more"),
        ("batch_size", 0, "a whole number, 1 or more"),
        ("loss", "lsgan2", "gan"),
        ("gf_dim", 2.5, "a whole number, 1 or more"),
        ("architecture", 3, "a name"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(
    field: str, value: object, wanted: str, tmp_path: Path
) -> None:
    small().save(tmp_path, 1)
    path = tmp_path / "DCGAN.model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(UserError, match=f"{field} is {value!r}, it must be {wanted}"):
        DCGAN.from_checkpoint(tmp_path)


def test_what_an_earlier_version_could_not_have_written_is_refused(tmp_path: Path) -> None:
    small().save(tmp_path, 1)
    path = tmp_path / "DCGAN.model.json"
    stored = json.loads(path.read_text())
    del stored["architecture"]
    for change, told in (
        ({"convolutions": 3}, "convolutions is 3, it must be 2 or 4"),
        ({"convolutions": 2}, "dcgan_mnist needs labels"),
    ):
        path.write_text(json.dumps(stored | change))
        with pytest.raises(UserError, match=f"{path}: .*{told}"):
            DCGAN.from_checkpoint(tmp_path)
    del stored["gf_dim"]
    path.write_text(json.dumps(stored))
    with pytest.raises(UserError, match="gf_dim is missing"):
        DCGAN.from_checkpoint(tmp_path)


def test_networks_are_named_by_a_config_or_by_its_fields() -> None:
    assert small(y_dim=3, convolutions=4).config.architecture == "dcgan"
    with pytest.raises(TypeError, match="given twice: z_dim"):
        DCGAN(small().config, z_dim=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'zdim'"):
        DCGAN(zdim=3)
