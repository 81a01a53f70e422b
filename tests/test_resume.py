"""A run that was stopped, by whatever, and by whichever version, goes on as if it had not been."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from makers import PROJECT, Here, ok, write_mnist
from PIL import Image
from soak import soak, tensors

from gan.config import TrainingConfig
from model import DCGAN

# Five steps of tiny networks, and the steps after them, by the version whose code was one flat
# folder: networks named by a number of convolutions, precision and learning rate in two files.
BEFORE = PROJECT / "tests/data/run_before_packages"
LAST = {"noise": 9, "mnist": 10}
LOSSES = {  # d_loss and g_loss, as that version printed them from the sixth step on
    "noise": [
        *(1.38634777, 0.68155938, 1.38520694, 0.68090051),
        *(1.38601303, 0.68204218, 1.38704813, 0.68174791),
    ],
    "mnist": [
        *(1.38650846, 0.70197272, 1.38637733, 0.69143373, 1.38646436, 0.70179892),
        *(1.38643837, 0.69856447, 1.38656163, 0.69171232),
    ],
}


@pytest.mark.slow
def test_kills_in_a_save_change_nothing(tmp_path: Path) -> None:
    """With labels; `make soak` does it 30 times, also while starting and in training."""
    told = soak(tmp_path, "mnist", ["saving"], steps=30)
    assert told.startswith("1 of 1 kills survived")
    assert told.endswith("pictures, 30 printed losses")


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """Both runs as they were after five steps, and their data."""
    stream = np.random.default_rng(5)
    (tmp_path / "data/noise").mkdir(parents=True)
    for number in range(12):
        pixels = stream.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"data/noise/{number:02}.png")
    write_mnist(tmp_path / "data/mnist", train=32, test=8)
    for name, last in LAST.items():
        later = shutil.ignore_patterns(f"DCGAN.model-{last}.*")
        run = f"{name}_4_16_16"
        shutil.copytree(BEFORE / run, tmp_path / "checkpoint" / run, ignore=later)
    return tmp_path


@pytest.mark.parametrize("name", LAST)
def test_a_run_of_the_version_before_goes_on(name: str, begun: Path, here: Here) -> None:
    """Its losses and its end are those of the version that began it."""
    flags = [f"--dataset={name}", "--output_height=16", "--batch_size=4", "--train", "--epoch=3"]
    flags += ["--epoch=1"] if name == "mnist" else ["--input_fname_pattern=*.png"]
    out = ok(here(begun, *flags))
    for line in ("as the run was: --learning_rate=0.001 --beta1=0.4", "resuming from step 5 of"):
        assert line in out
    printed = [float(text) for text in re.findall(r"_loss: ([\d.]+)", out)]
    # On the machine that made the data they are the same to the last digit; others round otherwise.
    assert printed == pytest.approx(LOSSES[name], abs=1e-4)
    run = f"checkpoint/{name}_4_16_16"
    wanted, found = (
        tensors(folder / f"DCGAN.model-{LAST[name]}")
        for folder in (BEFORE / f"{name}_4_16_16", begun / run)
    )
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        if "CHECKPOINTABLE" not in key:  # TensorFlow's description of its objects
            # A bias that feeds a batch norm is moved by rounding noise, by a learning rate a step.
            np.testing.assert_allclose(found[key], value, atol=0.02, err_msg=key)
    stored = json.loads((begun / run / "DCGAN.model.json").read_text())
    assert stored["architecture"] == {"noise": "dcgan", "mnist": "dcgan_mnist"}[name]


@pytest.mark.parametrize("name", LAST)
def test_what_the_version_before_saved_is_read_whole(name: str, begun: Path) -> None:
    folder = begun / f"checkpoint/{name}_4_16_16"
    dcgan = DCGAN.from_checkpoint(folder)
    assert dcgan.training == TrainingConfig(4, 0.001, 0.4)
    stored = tensors(folder / "DCGAN.model-5")
    values = [value for key, value in stored.items() if key.endswith("VARIABLE_VALUE")]
    held = [variable.numpy().tobytes() for variable in dcgan.variables]
    assert sorted(held) == sorted(value.tobytes() for value in values)
