"""TensorFlow starts quietly, on the device asked for."""

import subprocess
import sys

import pytest
from conftest import PROJECT


def start(device: str, verbose: bool = False) -> subprocess.CompletedProcess[str]:
    code = f"from startup import start_tensorflow; start_tensorflow({device!r}, {verbose})"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_only_one_line_is_said() -> None:
    done = start("cpu")
    assert done.stderr == ""
    assert done.stdout.startswith("TensorFlow 2.")
    assert " on CPU (" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu:97", "TensorFlow sees"), ("tpu", "it takes auto, cpu, gpu"), ("gpu:x", "it takes auto")],
)
def test_a_device_that_is_not_there_is_refused(device: str, message: str) -> None:
    done = start(device)
    assert done.returncode == 1
    assert f"errors.UserError: --device={device}: {message}" in done.stderr


def test_a_missing_tensorflow_is_one_sentence() -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from main import main; sys.exit(main(['--dataset=mnist']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: TensorFlow cannot be loaded")
    assert done.stderr.rstrip().endswith("pip install -r requirements.txt")
    assert "Traceback" not in done.stderr
