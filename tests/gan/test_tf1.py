"""Checkpoints that the original wrote: recognised, matched by name, and gone on with."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import PROJECT

from gan.config import NetworkConfig
from gan.tf1 import is_tf1, network_config
from model import DCGAN
from support.errors import UserError

DATA = PROJECT / "tests/data"
SIZES = {"mnist": (28, 28), "color": (48, 48)}
GOLDEN = {"mnist": "mnist_28x28.npz", "color": "color_48x48.npz"}
NAMES = list(SIZES)


def folder(name: str) -> Path:
    return DATA / f"tf1_checkpoint_{name}"


def stored(name: str) -> dict[str, np.ndarray]:
    """Names and values in a golden checkpoint."""
    reader = tf.train.load_checkpoint(str(folder(name) / "DCGAN.model-4"))
    return {n: reader.get_tensor(n) for n in reader.get_variable_to_shape_map()}


def write_tf1(path: Path, values: dict[str, np.ndarray], version: int = 2) -> None:
    """A checkpoint as TensorFlow 1's Saver writes it; version 1 is the format of 2016."""
    path.mkdir()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.Variable(value, name=name) for name, value in values.items()]
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(variables, write_version=version)
        saver.save(session, str(path / "DCGAN.model"), 4)


@pytest.mark.parametrize("name", NAMES)
def test_the_sampler_gives_the_originals_pictures(name: str) -> None:
    golden = np.load(DATA / GOLDEN[name])
    dcgan = DCGAN.from_checkpoint(folder(name), SIZES[name])
    assert int(dcgan.step) == 4
    labels = golden["sample_y"] if name == "mnist" else None
    np.testing.assert_allclose(
        dcgan.sampler(golden["sample_z"], labels), golden["sample"], atol=1e-5
    )


def test_its_shapes_tell_the_networks() -> None:
    of_mnist = NetworkConfig("dcgan_mnist", 28, 28, 1, 10, 12, 4, 4, 16, 16)
    assert network_config(folder("mnist") / "DCGAN.model-4", (28, 28)) == of_mnist
    of_color = NetworkConfig("dcgan", 48, 40, 3, None, 10, 4, 4)
    assert network_config(folder("color") / "DCGAN.model-4", (48, 40)) == of_color


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("mnist", None, "for square images of 25 to 28 pixels. Give --output_height"),
        ("mnist", (64, 64), "for square images of 25 to 28 pixels, not 64x64"),
        ("color", (64, 64), "for square images of 33 to 48 pixels, not 64x64"),
    ],
)
def test_a_size_that_does_not_fit_is_asked_for(
    name: str, size: tuple[int, int] | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        DCGAN.from_checkpoint(folder(name), size)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_names_and_files_of_2016_are_read(name: str, version: int, tmp_path: Path) -> None:
    values = stored(name)
    names = {n.partition("/")[2]: value for n, value in values.items()}
    write_tf1(tmp_path / "old", names, version)
    variables = DCGAN.from_checkpoint(tmp_path / "old", SIZES[name]).named_variables()
    assert variables.keys() == values.keys()
    for variable_name, value in values.items():
        np.testing.assert_array_equal(variables[variable_name], value, err_msg=variable_name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"generator/g_bn1/beta": None}, r"lacks generator/g_bn1/beta: it is not of these"),
        ({"discriminator/d_h0_conv/w": None}, r"discriminator/d_h0_conv/w' is missing"),
        ({"global_step": np.int64(4)}, "also holds global_step"),
        ({"g_bn1/beta": np.zeros(3)}, "holds generator/g_bn1/beta twice"),
        ({"generator/g_bn1/beta": np.zeros(3, np.float32)}, r"DCGAN\.model-4: .*shape"),
        ({"discriminator/d_h0_conv/w": np.zeros((5, 5, 1, 1))}, "names, but not its shapes"),
    ],
    ids=["missing", "missing, needed for sizes", "unknown", "twice", "another shape", "0 classes"],
)
def test_what_does_not_match_is_named(
    change: dict[str, np.ndarray | None], message: str, tmp_path: Path
) -> None:
    values = {n: v for n, v in (stored("mnist") | change).items() if v is not None}
    write_tf1(tmp_path / "other", values)
    with pytest.raises(UserError, match=message):
        DCGAN.from_checkpoint(tmp_path / "other", SIZES["mnist"])


@pytest.mark.parametrize("name", NAMES)
def test_training_goes_on_with_a_fresh_adam_and_is_saved_anew(name: str, tmp_path: Path) -> None:
    old = tmp_path / "run"
    shutil.copytree(folder(name), old)
    dcgan = DCGAN.from_checkpoint(old, SIZES[name])
    stream = np.random.default_rng(0)
    images = stream.uniform(*dcgan.value_range, (4, *dcgan.image_shape)).astype(np.float32)
    z = stream.uniform(-1, 1, (4, dcgan.z_dim)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[:4] if dcgan.y_dim else None
    dcgan.train_step(images, z, y)
    assert float(dcgan.d_optim.beta1_power) == 0.5**2
    dcgan.save(old, 5, max_to_keep=1)
    assert not is_tf1(old / "DCGAN.model-5")
    assert is_tf1(old / "DCGAN.model-4"), "the original's file is kept whatever max_to_keep is"
    again = DCGAN.from_checkpoint(old)
    assert int(again.step) == 5
    for variable_name, variable in dcgan.named_variables().items():
        np.testing.assert_array_equal(variable, again.named_variables()[variable_name])


def test_adam_is_forgotten_by_networks_that_were_trained_before() -> None:
    dcgan = DCGAN.from_checkpoint(folder("color"), SIZES["color"])
    images, z = np.zeros((2, *dcgan.image_shape)), np.ones((2, dcgan.z_dim))
    dcgan.train_step(images, z)
    dcgan.load(folder("color"))
    assert float(dcgan.g_optim.beta1_power) == 0.5
    assert not any(slot.numpy().any() for slot in dcgan.g_optim.m.values())
