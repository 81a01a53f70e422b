"""What DCGAN's methods are given: wrong types, shapes and ranges are refused by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from gan.config import NetworkConfig, TrainingConfig
from gan.networks import ARCHITECTURES
from model import DCGAN
from support.text import shortened

Given = dict[str, Any]


def given(dcgan: DCGAN) -> Given:
    return dict(zip(("images", "z", "y"), batch(dcgan), strict=True))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda b: b | {"images": (b["images"] * 255).astype(np.uint8)},
            "images: uint8 .*to_range",
        ),
        (lambda b: b | {"images": b["images"] * 255}, r"images: values in .* not in 0 \.\.\. 1"),
        (lambda b: b | {"images": b["images"] * 2 - 1}, r"images: values in -.* not in 0 \.\.\. 1"),
        (lambda b: b | {"images": b["images"] * np.nan}, "images: values in nan"),
        (
            lambda b: b | {"images": b["images"][..., 0]},
            r"images: .*\[4, 8, 8\], not float32 \[N, ",
        ),
        (lambda b: b | {"images": b["images"][:3]}, "not 3 images, 4 z, 4 y"),
        (lambda b: b | {"z": b["z"][:2]}, "not 4 images, 2 z, 4 y"),
        (lambda b: b | {"y": b["y"][:1]}, "not 4 images, 4 z, 1 y"),
        (lambda b: b | {"z": b["z"][:, :4]}, r"z: float32 \[4, 4\], not float32 \[N, 5\]: z_dim"),
        (lambda b: b | {"z": b["z"] + 1j}, "z: complex"),
        (lambda b: b | {"y": np.arange(4) % 3}, r"y: int64 \[4\], not .*np\.eye\(dcgan\.y_dim\)"),
        (lambda b: b | {"y": b["y"] * 0}, "y: row 0 is not one-hot: .* sum 0; np.eye"),
        (lambda b: b | {"y": b["y"] * 4 - 1}, "y: row 0 is not one-hot: its least value is -1"),
        (lambda b: b | {"y": tf.constant([["a"] * 3] * 4)}, "y: string"),
        (lambda b: {name: part[:0] for name, part in b.items()}, "images: there are 0"),
        (lambda b: b | {"augment_seed": [0.5, 1]}, r"augment_seed: float64 \[2\], not int32 \[2\]"),
        (lambda b: b | {"augment_seed": 7}, r"augment_seed: int64 \[\], not int32 \[2\]"),
    ],
)
def test_a_batch_that_is_none_is_refused(change: Callable[[Given], Given], told: str) -> None:
    dcgan = small(y_dim=3)
    before = [v.numpy() for v in dcgan.variables]
    with pytest.raises(ValueError, match=told):
        dcgan.train_step(**change(given(dcgan)))
    for was, now in zip(before, dcgan.variables, strict=True):
        np.testing.assert_array_equal(was, now)


def test_types_and_shapes_are_looked_at_in_later_steps_too() -> None:
    dcgan = small(y_dim=3)
    good = given(dcgan)
    dcgan.train_step(**good)
    for name in good:
        with pytest.raises(ValueError, match="equally many"):
            dcgan.train_step(**good | {name: good[name][:2]})
    with pytest.raises(ValueError, match="images: uint8"):
        dcgan.train_step(**good | {"images": good["images"].astype(np.uint8)})
    with pytest.raises(ValueError, match="images: there are 0"):
        dcgan.train_step(**{name: part[:0] for name, part in good.items()})
    with pytest.raises(ValueError, match="z: row 0 has NaN"):
        dcgan.train_step(**good | {"z": good["z"] * np.nan})
    assert "eval_g_loss" in dcgan.train_step(**good, evaluate=np.bool_(True))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5, True, None, "a"])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(ValueError, match=f"seed is {seed!r}, it must be a whole number, 0 or more"):
        small(seed=seed)


def test_values_are_looked_at_when_there_are_some() -> None:
    dcgan = small()
    images, z, _ = batch(dcgan)
    tf.function(dcgan.train_step, autograph=False)(tf.constant(images * 255), tf.constant(z))
    with pytest.raises(ValueError, match="images: values in"):
        dcgan.train_step(images * 255, z)


@pytest.mark.usefixtures("eagerly")
def test_images_that_are_all_light_are_pointed_out_once(capfd: pytest.CaptureFixture[str]) -> None:
    dcgan = small()
    images, z, _ = batch(dcgan)
    for _ in range(2):
        dcgan.train_step(images / 2 + 0.5, z)
    assert capfd.readouterr().err.count("no pixel of the first images is darker than middle") == 1
    small().train_step(images, z)
    assert "grey" not in capfd.readouterr().err


@pytest.mark.usefixtures("eagerly")
def test_other_types_that_hold_the_same_numbers_do() -> None:
    dcgan = small(y_dim=3)
    images, z, y = batch(dcgan)
    z = z.astype(np.float16).astype(np.float32)
    wanted = dcgan.sampler(z, y).numpy()
    for kind in (np.float64, ">f4", np.float16):
        np.testing.assert_array_equal(dcgan.sampler(z.astype(kind), y.astype(int)), wanted)
    np.testing.assert_array_equal(dcgan.sampler(z.tolist(), y > 0), wanted)
    tensor = tf.constant(z, tf.float64)
    np.testing.assert_array_equal(dcgan.sampler(tensor, tf.Variable(y)), wanted)
    dcgan.train_step(images.astype(np.float64), z.tolist(), y.astype(bool), augment_seed=(1, 2))


def test_z_without_a_picture_are_refused_and_mixed_labels_taken() -> None:
    dcgan = small(y_dim=3)
    _, z, y = batch(dcgan)
    for bad in (np.nan, np.inf, 1e300, 1e38):
        far = z.astype(float)
        far[2, 1] = bad
        with pytest.raises(ValueError, match="z: row 2 has NaN, or a number beyond 1,000,000"):
            dcgan.sampler(far, y)
    with pytest.raises(ValueError, match="y: row 0 is not one-hot"):
        dcgan.sampler(z, y / 2)
    with pytest.raises(ValueError, match="not 4 z, 3 y"):
        dcgan.sampler(z, y[:3])
    assert dcgan.sampler(z, (y + y[::-1]) / 2).shape == (4, *dcgan.image_shape)


@pytest.mark.parametrize("name", ["discriminate", "features"])
def test_d_is_asked_about_images_only(name: str) -> None:
    dcgan = small(y_dim=3)
    images, _, y = batch(dcgan)
    ask = getattr(dcgan, name)
    for wrong, told in (
        ((images * 255, y), "images: values in"),
        ((images.astype(int), y), "images: int64"),
        ((images, y[:1]), "not 4 images, 1 y"),
        ((images, y * 0), "y: row 0"),
    ):
        with pytest.raises(ValueError, match=told):
            ask(*wrong)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_gives_nothing_in_the_right_shape(architecture: str) -> None:
    dcgan = small(c_dim=3, y_dim=3, architecture=architecture)
    images, z, y = (part[:0] for part in batch(dcgan))
    assert dcgan.sampler(z, y).shape == (0, *dcgan.image_shape)
    assert dcgan.discriminate(images, y).shape == (0, 1)
    width = dcgan.features(np.zeros((2, *dcgan.image_shape)), np.eye(2, 3)).shape[1]
    assert dcgan.features(images, y).shape == (0, width)


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("output_height", 0, "a whole number, 1 or more"),
        ("c_dim", True, "a whole number, 1 or more"),
        ("z_dim", 2.0, "a whole number, 1 or more"),
        ("y_dim", "10", "a whole number, 1 or more, or None"),
        ("y_dim", 0, "a whole number, 1 or more, or None"),
        ("precision", "float16", "float32 or bfloat16"),
        ("architecture", None, "a name"),
        ("batch_size", None, "a whole number, 1 or more"),
        ("loss", "nosuch", "gan"),
        ("learning_rate", np.nan, "a number, 0 or more"),
        ("learning_rate", 10**400, "a number, 0 or more"),
        ("beta1", 1, "a number, 0 or more and below 1"),
        ("g_learning_rate", -1.0, r"a number, 0 or more and below 1e\+38, or None"),
        ("d_learning_rate", "fast", r"a number, 0 or more and below 1e\+38, or None"),
        ("penalty_weight", 0.0, r"a number, above 0 and below 1e\+38, or None"),
        ("ema", 1.0, "a number, 0 or more and below 1"),
        ("ema", None, "a number, 0 or more and below 1"),
        ("optimizer", "adamw", "adam or rmsprop or sgd"),
        ("g_optimizer", "adamw", "adam or rmsprop or sgd, or None"),
        ("activation", "step", ".*tanh, or None"),
        ("spectral_norm", 1, "true or false"),
        ("g_dropout", 1.0, "a number, 0 or more and below 1"),
        ("instance_noise", np.nan, "a number, 0 or more and below 100"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(field: str, value: Any, wanted: str) -> None:
    kind = NetworkConfig if field in NetworkConfig.__dataclass_fields__ else TrainingConfig
    for make in (kind, small):
        with pytest.raises(
            ValueError, match=f"{field} is {shortened(repr(value))}, it must be {wanted}"
        ):
            make(**{field: value})


def test_numpys_numbers_become_pythons() -> None:
    config = NetworkConfig(y_dim=np.int64(3))
    training = TrainingConfig(batch_size=np.int32(4), beta1=np.float32(0.5))
    assert type(config.y_dim) is type(training.batch_size) is int
    assert type(training.beta1) is type(TrainingConfig(learning_rate=1).learning_rate) is float


def test_a_step_that_is_none_is_not_saved_nor_loaded(tmp_path: Any) -> None:
    dcgan = small()
    for arguments, told in (
        ((-1,), "step is -1"),
        ((2.5,), "step is 2.5"),
        ((1, 0), "max_to_keep"),
    ):
        with pytest.raises(ValueError, match=told):
            dcgan.save(tmp_path, *arguments)
    assert not list(tmp_path.iterdir())
    dcgan.save(tmp_path, np.int64(1))
    for load in (dcgan.load, DCGAN.from_checkpoint):
        with pytest.raises(ValueError, match="step is '1', it must be a whole number"):
            load(tmp_path, step="1")  # type: ignore[arg-type]
