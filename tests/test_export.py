"""export.py as it is typed: what it writes, how it ends, and what it loads."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from makers import DIGITS, FACES, PROJECT, Here, Script, lived, ok, one_error_line, small

import export
from exports import formats, weights
from support.files import read_json

if TYPE_CHECKING:
    from model import DCGAN

ONNX = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxruntime")),
    reason="pip install -r requirements-extras.txt",
)
LITERT = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None,
    reason="pip install -r requirements-extras.txt",
)
DIGITS_EXPORTED = Path("exported/digits/step_000001")


@pytest.fixture
def exported(among_runs: Callable[[Script], Here]) -> Here:
    """exported("--format", "npz") is export.py among runs."""
    return among_runs(export.main)


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (("npz",), ["weights.npz"]),
        (("frozen,savedmodel",), ["frozen_graph.pb", "saved_model"]),
        pytest.param(("onnx",), ["generator.onnx", "discriminator.onnx"], marks=ONNX),
        pytest.param(
            ("litert",),
            [f"generator_{kind}.tflite" for kind in ("float32", "float16", "int8")],
            marks=(LITERT, pytest.mark.slow),
        ),
    ],
)
def test_each_format_is_written_and_gives_a_fresh_process_the_same(
    words: tuple[str, ...], files: list[str], exported: Here
) -> None:
    out = ok(exported(*DIGITS, "--format", *words)).splitlines()
    wrote = [line.partition(" (")[0] for line in out if line.startswith("wrote ")]
    cards = ["model.json", "model.md"]
    assert wrote == [f"wrote {DIGITS_EXPORTED / name}" for name in [*files, *cards]]
    assert sum("in a process of its own:" in line for line in out) == len(files)
    card = read_json(DIGITS_EXPORTED / "model.json")
    assert [one["file"] for one in card["exports"]] == files
    assert all(one["same"] for one in card["exports"])
    assert {path.name for path in DIGITS_EXPORTED.iterdir()} == {*files, *cards}


def test_what_differs_stays_and_ends_with_status_1(
    exported: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exports.check import arrays_of  # which check goes on with

    name = "generator/g_h1/w"

    def wrong(dcgan: "DCGAN") -> dict[str, np.ndarray]:
        arrays = arrays_of(dcgan)
        return {**arrays, name: arrays[name] + np.float32(0.3)}

    monkeypatch.setattr(weights, "arrays_of", wrong)
    done = exported(*FACES, "--format", "npz", "--out", "there")
    line = one_error_line(done, 1)
    assert line.startswith("error: weights.npz of there: not what the run itself gives")
    assert "3.0e-01 apart at most (1e-05 is allowed)" in done.stdout
    assert Path("there/weights.npz").is_file()
    assert "**not the same**" in Path("there/model.md").read_text()


def test_the_checkpoint_and_the_weights_are_those_asked_for(exported: Here) -> None:
    dcgan = lived(small(c_dim=3, ema=0.5))
    dcgan.save("checkpoint/faces", 2)
    shutil.rmtree("checkpoint/digits")
    for weights_of, name in (("ema", "step_000002_ema"), ("raw", "step_000002")):
        ok(exported(*FACES, "--format", "npz", "--which", "2", "--weights", weights_of))
        dcgan.choose(weights_of)
        wanted = dcgan.sampled.named_variables()["generator/g_h1/w"]
        with np.load(Path("exported/faces", name, "weights.npz")) as arrays:
            np.testing.assert_array_equal(arrays["generator/g_h1/w"], wanted)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "npz"), "--run is missing"),
        (
            FACES,
            "--format is missing: there are savedmodel, frozen, onnx, litert, npz, pretrained",
        ),
        ((*FACES, "--format", ","), "--format is missing"),
        ((*FACES, "--format", "npz,onyx"), "there is no format onyx: there are savedmodel, "),
        ((*FACES, "--format", "npz", "onyx"), "Did you mean onnx?"),
        (("--run", "none", "--format", "npz"), "none: there is no such folder"),
        ((*FACES, "--format", "npz", "--which", "first"), "--which"),
        ((*FACES, "--format", "npz", "--weights", "mean"), "--weights"),
        ((*FACES, "--format", "npz", "--out", "checkpoint/faces/run.json"), "is a file"),
        ((*FACES, "--format", "npz", "--ouput", "x"), "Did you mean --out"),
        ((*FACES, "--format", "npz", "--which", "7"), "no checkpoint"),
        ((*FACES, "--format", "npz", "--weights", "ema"), "no averaged weights"),
    ],
)
def test_a_wrong_command_line_is_answered_in_one_line(
    words: tuple[str, ...], message: str, exported: Here
) -> None:
    assert message in one_error_line(exported(*words), 2)
    assert not Path("exported").exists()


def test_a_report_needs_no_card_and_no_comparison(exported: Here) -> None:
    done = exported(*FACES, "--format", "report", "--out", "told")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in Path("told").iterdir()] == ["report.html"]
    assert "A DCGAN after 1 step of" in Path("told/report.html").read_text()


def test_the_page_is_written_in_both_sizes(exported: Here) -> None:
    done = exported(*FACES, "--format", "web", "web-int8", "--out", "pages")
    assert done.returncode == 0, done.stderr
    sizes = {path.name: path.stat().st_size for path in Path("pages").iterdir()}
    assert sizes.keys() == {"page.html", "page_int8.html", "model.json", "model.md"}
    assert sizes["page_int8.html"] < sizes["page.html"]


def test_a_missing_package_is_named_before_anything_is_done(
    exported: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = formats.Format(
        "", "exports.weights", (("is-there", "numpy"), ("no-such", "no_such_module"))
    )
    monkeypatch.setitem(formats.FORMATS, "onnx", row)
    line = one_error_line(exported(*FACES, "--format", "npz", "onnx"), 1)
    assert line == "error: --format onnx needs more packages: pip install no-such"
    assert not Path("exported").exists()


def test_a_wrong_command_line_is_answered_without_tensorflow(tmp_path: Path) -> None:
    code = "import sys, export; export.main(sys.argv[1:]); print('tensorflow' in sys.modules)"
    command = [sys.executable, "-c", code, "--run", ".", "--format", "x"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr


def test_help_names_each_format(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        export.main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown and row.text in shown for name, row in formats.FORMATS.items())
