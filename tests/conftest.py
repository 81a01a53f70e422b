"""Fixtures: the scripts run as a user types them, small disks, no proxy, tiny data sets."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from forked import run_forked
from hosts import SHORT, Host, running_host
from makers import (
    PROJECT,
    Case,
    Check,
    Fails,
    Here,
    Run,
    Script,
    ok,
    one_error_line,
    small,
    stretched,
)
from tiny_sets import ARCHIVE, GZIPPED, data_sets

import download
import generate
import main
from downloads import http

# A shell may have started the tests with these ignored, which programs started here would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Leave what TensorFlow's modules hold out of every later collection: that took 0.3 s each."""
    gc.freeze()


def forget() -> None:
    """Free the networks of a command: hundreds of MB, in a circle with their graphs.

    TensorFlow never lets go of a gradient that was traced: that, too, is not looked at again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def eagerly() -> Iterator[None]:
    """Compute a step without tracing it, which takes longer than a few tiny steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """run("main.py", "--train", ...) in an empty folder; output captured as text.

    With largest_file no file may grow above as many bytes: what a full disk does, without a disk.
    """

    def call(
        script: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        largest_file: int | None = None,
    ) -> subprocess.CompletedProcess[str]:
        every = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **(environment or {})}
        if "PYTHONPATH" not in (environment or {}):
            return run_forked(PROJECT / script, arguments, tmp_path, every, largest_file)
        return subprocess.run(
            [sys.executable, str(PROJECT / script), *arguments],
            cwd=tmp_path,
            env=every,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return call


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """here(folder, "--train", ...) as run, but main.main in this process: TensorFlow is loaded."""

    def call(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        capfd.readouterr()
        status = main.main(flags)
        forget()
        return subprocess.CompletedProcess(flags, status, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs digits (3 labels) and faces (colour), of normal z."""
    from runs.stored import store_run

    flags = ["--dataset=faces", "--output_height=8", "--crop", "--input_height=20"]
    flags += ["--batch_size=4", "--z_dist=normal01", "--train_size=7"]
    above = tmp_path_factory.mktemp("runs")
    for name, c_dim, y_dim in (("digits", 1, 3), ("faces", 3, None)):
        stretched(small(c_dim=c_dim, y_dim=y_dim)).save(above / name, 1)
        store_run(main.parse(flags), 7, above / name)
    return above


@pytest.fixture
def among_runs(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: Path
) -> Callable[[Script], Here]:
    """among_runs(script.main) is that script in an empty folder, but for the runs in checkpoint."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(runs, "checkpoint")

    def of(script: Script) -> Here:
        def call(*words: str) -> subprocess.CompletedProcess[str]:
            capfd.readouterr()
            status = script(words)
            forget()
            return subprocess.CompletedProcess(words, status, *capfd.readouterr())

        return call

    return of


@pytest.fixture
def made(among_runs: Callable[[Script], Here]) -> Here:
    """made("--num", "3") is generate.py among runs."""
    return among_runs(generate.main)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Here, run: Run) -> Check:
    """check(case) prepares an empty folder, runs the command there, and sees how it ends."""
    monkeypatch.chdir(tmp_path)

    def call(case: Case) -> None:
        case.prepare(tmp_path)
        flags = [flag.replace("{folder}", str(tmp_path)) for flag in case.flags]
        done = run("main.py", *flags, **case.options) if case.options else here(tmp_path, *flags)
        if case.status:
            assert case.says in one_error_line(done, case.status)
        else:
            assert any(case.says in line for line in (ok(done) + done.stderr).splitlines())

    return call


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """mounted("size=64k") -> a file system with these options; skips where none may be mounted."""
    place = tmp_path / "disk"

    def mount(options: str) -> Path:
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        allowed = not os.geteuid() and shutil.which("mount")
        if not allowed or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("no disk can be mounted; elsewhere a limit on file sizes stands for one")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def small_disk(mounted: Callable[[str], Path]) -> Path:
    """A file system of 64 KiB, where one may be mounted."""
    return mounted("size=64k")


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is asked directly, whatever the machine is set up for."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: None) -> Iterator[Host]:
    """A host with tiny data sets in place of the real ones; no npm client; an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(http, "Patience", lambda: SHORT)
    with running_host() as running:
        running.files = {**GZIPPED, "a.zip": ARCHIVE}
        monkeypatch.setattr(download, "DATA_SETS", data_sets(running.address))
        yield running


@pytest.fixture
def fails(capfd: pytest.CaptureFixture[str]) -> Fails:
    """fails(1, "mnist"): run download.py, assert the status and the one error line, return it."""

    def call(expected: int, *arguments: str) -> str:
        assert download.main(arguments) == expected
        errors = [e for e in capfd.readouterr().err.splitlines() if e.startswith("error: ")]
        assert len(errors) == 1
        assert "By hand: " in errors[0]
        return errors[0]

    return call
