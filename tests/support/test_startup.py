"""TensorFlow starts quietly, on the device asked for."""

import subprocess
import sys
import types
from pathlib import Path

import pytest
from makers import PROJECT

from support import startup
from support.errors import UserError


def test_starting_says_only_one_line() -> None:
    call = "start_tensorflow('cpu', verbose=False)"
    code = f"from support.startup import start_tensorflow; print({call})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.startswith("TensorFlow 2.")
    assert " on CPU (" in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_missing_gpu_is_refused() -> None:
    import tensorflow as tf

    with pytest.raises(UserError, match="--device=gpu:97: TensorFlow sees"):
        startup.choose_device("gpu:97", tf)


def test_a_tensorflow_too_old_is_refused(tmp_path: Path) -> None:
    for name in ("tensorflow", "tensorboard"):
        (tmp_path / f"{name}.py").write_text('__version__ = "2.17.1"')
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import main; main.main([])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.stderr == (
        "error: TensorFlow 2.17.1 is too old, 2.18 is needed: pip install -r requirements.txt\n"
    )


class MadeUpConfig:
    """tf.config on a machine with two GPUs: records what is made visible."""

    def __init__(self) -> None:
        self.visible: object = None
        self.growing: list[str] = []
        self.experimental = self

    def list_physical_devices(self, kind: str) -> list[str]:
        return ["GPU 0", "GPU 1"]

    def set_visible_devices(self, devices: object, kind: str) -> None:
        self.visible = devices

    def set_memory_growth(self, device: str, enable: bool) -> None:
        self.growing.append(device)

    def get_device_details(self, device: str) -> dict[str, str]:
        return {"device_name": "Made-up 9000"}


@pytest.mark.parametrize(
    ("device", "many", "visible", "said"),
    [
        ("auto", False, ["GPU 0"], "GPU 0 of 2 (Made-up 9000) and CPU"),
        ("gpu", False, ["GPU 0"], "GPU 0 of 2"),
        ("gpu:1", False, ["GPU 1"], "GPU 1 of 2"),
        ("cpu", False, [], "CPU ("),
        ("auto", True, ["GPU 0", "GPU 1"], "2 GPUs (Made-up 9000) and CPU"),
        ("cpu", True, [], "CPU ("),
    ],
)
def test_only_the_requested_gpus_are_visible(
    device: str, many: bool, visible: list[str], said: str
) -> None:
    config = MadeUpConfig()
    tf = types.SimpleNamespace(config=config)
    assert startup.choose_device(device, tf, many).startswith(said)  # type: ignore[arg-type]
    assert config.visible == visible
    assert config.growing == visible


def test_a_missing_tensorflow_is_one_line() -> None:
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


@pytest.mark.parametrize(
    ("cpuinfo", "lacks"),
    [
        ("flags\t\t: fpu fma avx2\n", True),
        ("flags\t\t: fpu fma avx2 avx512bw avx512_bf16\n", False),
        ("Features\t: fp asimd bf16\n", False),
        ("Features\t: fp asimd\n", True),
        ("processor\t: 0\n", False),
        (None, False),
    ],
)
def test_a_processor_without_bfloat16_is_known(
    cpuinfo: str | None, lacks: bool, tmp_path: Path
) -> None:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    assert startup.lacks_bfloat16(path) == lacks
