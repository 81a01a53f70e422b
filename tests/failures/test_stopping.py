"""Signals: before the training they end it, in the training they save first."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from makers import TINY, TRAIN, Here, Run, await_line, start, write_jpegs

from model import DCGAN


def has_tensorflow(pid: int) -> bool:
    """Whether a process has begun to load TensorFlow's library, which Linux shows."""
    maps = Path(f"/proc/{pid}/maps")
    if not maps.exists():
        pytest.skip("this system has no /proc")
    return "tensorflow" in maps.read_text()


OTHER_SIGNALS = [
    pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGTERM, signal.SIGHUP)
]


@pytest.mark.parametrize("moment", ["loading", "decoding"])
@pytest.mark.parametrize("number", [signal.SIGINT, *OTHER_SIGNALS])
def test_a_signal_before_the_training_says_so(
    number: signal.Signals, moment: str, tmp_path: Path
) -> None:
    """Also while what libraries write to stderr is held back."""
    write_jpegs(tmp_path / "data/tiny", 3000, 20, 20)
    begun = {"loading": has_tensorflow, "decoding": lambda _: any(tmp_path.rglob(".tiny*.part*"))}
    with start(tmp_path, *TRAIN) as process:
        while process.poll() is None and not begun[moment](process.pid):
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}" in out + err
    assert "Traceback" not in err
    assert not list((tmp_path / "data/.arrays").glob("[!.]*")), "nothing half under a final name"


SCRIPTS = [f"{name}.py" for name in ("main", "generate", "evaluate", "export", "download", "bench")]


# The first modules that a script loads, which are Python's own, and the first of others.
@pytest.mark.parametrize("modules", ["signal", "argparse", "absl numpy filelock"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_signal_while_modules_are_loaded_says_so(
    script: str, modules: str, run: Run, tmp_path: Path
) -> None:
    for module in modules.split():
        (tmp_path / f"{module}.py").write_text("import os; os.kill(os.getpid(), 2)")
    done = run(script, "--help", environment={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 130
    assert done.stderr == "stopped by SIGINT; every file written is whole\n"


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_saves_and_stops(number: signal.Signals, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 20, 20)
    flags = [*TINY, "--train", "--epoch=100000", "--log_freq=1"]
    with start(tmp_path, *flags) as process:
        await_line(process, "Epoch")
        process.send_signal(number)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    steps = rest.count("Epoch:") + 1
    assert f"stopped by {number.name} at step {steps:,} of 200,000, nothing is lost" in rest
    (saved,) = (tmp_path / "checkpoint/tiny_4_16_16").glob("DCGAN.model-*.index")
    assert saved.name == f"DCGAN.model-{steps}.index", "the last step that was made"


def test_a_signal_after_the_last_step_promises_no_more_steps(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jpegs(tmp_path / "data/tiny", 4, 20, 20)
    save = DCGAN.save

    def interrupted(*words: Any) -> Path:
        os.kill(os.getpid(), signal.SIGTERM)
        return save(*words)

    monkeypatch.setattr(DCGAN, "save", interrupted)
    done = here(tmp_path, *TRAIN)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stdout.endswith(
        "stopped by SIGTERM after the last step, 1, nothing is lost; all of the training is saved\n"
    )


AS_NOHUP_DOES = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]


def test_an_ignored_signal_stays_so_and_a_second_one_says_what_is_lost(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 20, 20)
    flags = [*TINY, "--train", "--epoch=100000", "--log_freq=1"]
    with start(tmp_path, *flags, before=AS_NOHUP_DOES) as process:
        await_line(process, "Epoch")
        process.send_signal(signal.SIGHUP)
        for _ in range(3):
            await_line(process, "Epoch")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 143)
    assert "steps since the last checkpoint are lost" in err
