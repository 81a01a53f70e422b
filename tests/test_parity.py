"""The original's own numbers, step for step: golden files of TensorFlow 1 runs."""

import numpy as np
import pytest
from makers import PROJECT

from model import DCGAN

DATA = PROJECT / "tests/data"
LOSS = 1e-5  # absolute
WEIGHT = 2e-5  # relative to the array's largest value, as all below
MOMENT = 2e-5
# The gradient of a bias that feeds a batch_norm is zero: Adam moves it by rounding noise, and with
# it G's moving means and, where they are coarse, the samples. Each of at most 8 updates moves a
# bias by about the learning rate, 2e-4, whichever way the noise falls on this CPU.
NOISY_BIAS = 2e-3  # absolute
G_MOVING_MEAN = 6e-3
SAMPLE = {True: 1e-5, False: 2e-3}  # with labels, without; absolute
LOSS_COLUMNS = {
    "d_loss": 0,
    "d_loss_real": 1,
    "d_loss_fake": 2,
    "g_loss": 4,
    "eval_d_loss_fake": 5,
    "eval_d_loss_real": 6,
    "eval_g_loss": 7,
}


class Golden:
    """One golden file, and a DCGAN that starts from its weights."""

    def __init__(self, name: str):
        self.arrays = np.load(DATA / f"{name}.npz")
        config = {
            k.removeprefix("config/"): self.arrays[k].item()
            for k in self.arrays.files
            if k.startswith("config/")
        }
        self.steps, _, height, width, c_dim = self.arrays["x_uint8"].shape
        self.labelled = "y" in self.arrays.files
        self.dcgan = DCGAN(
            output_height=height,
            output_width=width,
            c_dim=c_dim,
            y_dim=10 if self.labelled else None,
            df_dim=config["gf_dim"],
            dfc_dim=config["gfc_dim"],
            **config,
        )
        for variable_name, variable in self.dcgan.named_variables().items():
            variable.assign(self.arrays[f"init/{variable_name}"])

    def step(self, index: int) -> dict:
        x = self.arrays["x_uint8"][index].astype(np.float32)
        images = x / 255 if self.labelled else x / 127.5 - 1
        y = self.arrays["y"][index] if self.labelled else None
        return self.dcgan.train_step(images, self.arrays["z"][index], y, evaluate=True)

    def error(self, name: str, value: np.ndarray) -> float:
        wanted = self.arrays[name]
        return float(np.abs(value - wanted).max() / np.abs(wanted).max())

    def feeds_batch_norm(self, name: str) -> bool:
        layers = (
            ("g_h0_lin", "g_h1_lin", "g_h2", "d_h1_conv", "d_h2_lin")
            if self.labelled
            else ("g_h1", "g_h2", "g_h3", "d_h1_conv", "d_h2_conv", "d_h3_conv")
        )
        return name.split("/")[1] in layers and name.split("/")[2] in ("bias", "biases")


@pytest.fixture(params=["mnist_28x28", "color_48x48"])
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


def test_variables_have_the_originals_names_and_shapes(golden: Golden) -> None:
    wanted = {
        name.removeprefix("init/"): golden.arrays[name].shape
        for name in golden.arrays.files
        if name.startswith("init/")
    }
    assert {n: tuple(v.shape) for n, v in golden.dcgan.named_variables().items()} == wanted


def test_losses_weights_moments_and_samples_are_the_originals(golden: Golden) -> None:
    for index in range(golden.steps):
        result = golden.step(index)
        for name, column in LOSS_COLUMNS.items():
            wanted = golden.arrays["losses"][index, column]
            assert float(result[name]) == pytest.approx(wanted, abs=LOSS), (index, name)
        if f"after_{index + 1}/beta1_power" in golden.arrays.files:
            check_state(golden, f"after_{index + 1}")

    y = golden.arrays["sample_y"] if golden.labelled else None
    sample = golden.dcgan.sampler(golden.arrays["sample_z"], y).numpy()
    tolerance = SAMPLE[golden.labelled]
    np.testing.assert_allclose(sample, golden.arrays["sample"], rtol=0, atol=tolerance)


def check_state(golden: Golden, moment: str) -> None:
    for name, variable in golden.dcgan.named_variables().items():
        if name.startswith("discriminator/") and "moving" in name:
            continue  # two updates race for them in the original; nothing reads them
        if golden.feeds_batch_norm(name):
            wanted = golden.arrays[f"{moment}/{name}"]
            np.testing.assert_allclose(variable.numpy(), wanted, rtol=0, atol=NOISY_BIAS)
            continue
        tolerance = G_MOVING_MEAN if name.endswith("moving_mean") else WEIGHT
        assert golden.error(f"{moment}/{name}", variable.numpy()) <= tolerance, (moment, name)
    for adam, suffix in ((golden.dcgan.d_optim, ""), (golden.dcgan.g_optim, "_1")):
        for name in adam.m:
            if not golden.feeds_batch_norm(name):
                assert golden.error(f"{moment}/{name}/Adam", adam.m[name].numpy()) <= MOMENT
                assert golden.error(f"{moment}/{name}/Adam_1", adam.v[name].numpy()) <= MOMENT
        for power in ("beta1_power", "beta2_power"):
            value = getattr(adam, power).numpy()
            assert golden.error(f"{moment}/{power}{suffix}", value) <= 1e-6


def test_without_evaluation_the_same_is_trained(golden: Golden) -> None:
    """The weights do not depend on how often the losses are printed."""
    twin = Golden("mnist_28x28" if golden.labelled else "color_48x48")
    for index in range(2):
        golden.step(index)
        x = twin.arrays["x_uint8"][index].astype(np.float32)
        images = x / 255 if twin.labelled else x / 127.5 - 1
        y = twin.arrays["y"][index] if twin.labelled else None
        twin.dcgan.train_step(images, twin.arrays["z"][index], y)
    for name, variable in golden.dcgan.named_variables().items():
        if "moving" not in name and not golden.feeds_batch_norm(name):
            other = twin.dcgan.named_variables()[name].numpy()
            np.testing.assert_allclose(variable.numpy(), other, rtol=0, atol=1e-6, err_msg=name)
