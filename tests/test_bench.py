"""bench.py: it counts correctly and prints what it has measured."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from makers import Run, one_error_line

import bench
from bench import table
from model import DCGAN
from training import measurements
from training.measurements import multiplications, step_gflop


def test_the_multiplications_of_each_layer_are_counted() -> None:
    mnist = DCGAN(output_height=28, output_width=28, c_dim=1, y_dim=10)
    g = [110 * 1024, 1034 * 6272, 25 * 138 * 128 * 7 * 7, 25 * 138 * 14 * 14]
    d = [25 * 11 * 11 * 14 * 14, 25 * 21 * 74 * 7 * 7, (3626 + 10) * 1024, 1034]
    assert multiplications(mnist.generator, (28, 28)) == g
    assert multiplications(mnist.discriminator, (28, 28)) == d
    # G: 2 forward, 2 gradients by each weight and, but for the first, by each input.
    # D: 4 forward, 2 by each weight, 4 by each input, of the images only for G's sake.
    of_g = 4 * sum(g) + 2 * sum(g[1:])
    of_d = 6 * sum(d) + 2 * d[0] + 4 * sum(d[1:])
    assert step_gflop(mnist, 64) == pytest.approx(64 * 2 * (of_g + of_d) / 1e9)


def test_odd_sizes_are_counted_by_their_smaller_maps() -> None:
    small = DCGAN(output_height=17, output_width=3, c_dim=3, gf_dim=2, df_dim=2, z_dim=5)
    areas = [2 * 1, 3 * 1, 5 * 1, 9 * 2]
    widths = [(16, 8), (8, 4), (4, 2), (2, 3)]
    deconvolutions = [25 * a * i * o for a, (i, o) in zip(areas, widths, strict=True)]
    assert multiplications(small.generator, (17, 3)) == [5 * 2 * 1 * 16, *deconvolutions]


@pytest.mark.slow
def test_a_table_and_a_json_come_out(run: Run, tmp_path: Path) -> None:
    tiny = ("--height=9", "--width=8", "--c_dim=1", "--batch_size=2", "--steps=3", "--rounds=1")
    done = run("bench.py", *tiny, "--precision", "float32")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "bench.json").read_text())
    row = found["steps"]["9x8x1 float32"]
    assert 0 < row["ms_least"] <= row["ms"] <= row["ms_most"]
    assert row["gflop"] > 0
    assert row["peak_mib"] > 100
    assert f"{row['ms']:.1f}" in done.stdout
    assert "TensorFlow 2." in done.stdout
    assert "   x 1.000" in table(found, found)[-1]


def test_bfloat16_is_compared_with_float32_and_both_with_an_earlier_run() -> None:
    plain = dict.fromkeys(
        ("ms_least", "ms_most", "images_per_s", "gflop", "gflop_per_s", "peak_mib"), 1.0
    )
    plain |= {"ms": 200.0, "gemm_gflop_per_s": 4.0}
    steps = {"mnist float32": plain, "mnist bfloat16": plain | {"ms": 124.0}}
    found: dict[str, Any] = {
        "machine": "",
        "batch_size": 64,
        "steps": steps,
        "start": {"start, s": 9.0},
    }
    before: dict[str, Any] = {
        "steps": {"mnist bfloat16": plain | {"ms": 248.0}},
        "start": {"start, s": 6.0},
    }
    before["machine"] = "an older one"
    assert table(found, before)[:2] == ["", "compared with an older one"]
    *_, of_float32, of_bfloat16, start = table(found, before)
    assert of_float32.split()[-3:] == ["4", "0.25", "1"]
    assert of_bfloat16.split()[-3:] == ["0.62", "x", "0.500"]
    assert start.split()[-3:] == ["9", "x", "1.500"]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--compare=none.json"], 2, "none.json: there is no such file"),
        (["--compare=other.json"], 2, "other.json: bench.py did not write it"),
        (["--compare=old.json"], 2, "its batch size is 32, not 64. Give --batch_size 32"),
        (["--width=9"], 2, "--width belongs to a size of your own: give --height, too"),
        (["--c_dim=1"], 2, "--c_dim belongs to a size of your own: give --height, too"),
        (["--cases", "mnist", "--height=9"], 2, "--cases and --height do not go together"),
        (["--case_s=mnist"], 2, "not understood: --case_s=mnist. Did you mean --cases?"),
        (["--steps=0"], 2, "argument --steps: 0: it must be a whole number, 1 or more. All flags"),
        (["--json=folder"], 2, "--json folder: it is a folder"),
        (["--json=old.json/new.json"], 2, "old.json is a file. Give a folder"),
        (["--json=link.json"], 2, "link.json is a link"),
    ],
)
def test_wrong_input_is_named_before_measuring(
    options: list[str],
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "measure_all", lambda _: pytest.fail("it measures"))
    Path("folder").mkdir()
    Path("other.json").write_text('{"a": 1}')
    Path("old.json").write_text('{"batch_size": 32}')
    Path("link.json").symlink_to("elsewhere.json")
    done = subprocess.CompletedProcess(options, bench.main(options), *capsys.readouterr())
    assert said in one_error_line(done, status)


def test_parts_are_medians_of_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round measures everything once, in turn; only the first one measures the loop."""
    asked: list[str] = []
    step = {"machine": "m", "ms": [2.0], "gemm_ms": [1.0], "gflop": 1, "gemm_gflop": 1}

    def measured(what: str, *_: object) -> dict[str, Any]:
        asked.append(what)
        of_rounds = [5, 1, 3]
        return (
            step | {"peak_mib": 1} if what == "step" else {what: of_rounds[asked.count(what) - 1]}
        )

    monkeypatch.setattr(bench, "in_a_process", measured)
    found = bench.measure_all(bench.parser().parse_args([]))
    steps = ["step"] * 6
    assert asked == [*steps, "pipeline", "loop", "start", *[*steps, "pipeline", "start"] * 2]
    parts = {part: found[part][part] for part in bench.PARTS}
    assert parts == {"pipeline": 3, "loop": 5, "start": 3}


def test_xla_adds_a_row_to_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, list[str]] = {}
    step = {"machine": "m", "ms": [2.0], "gemm_ms": [1.0], "gflop": 1, "gemm_gflop": 1}

    def measured(what: str, row: str, _: object, options: list[str]) -> dict[str, Any]:
        asked[row] = options
        return step | {"peak_mib": 1}

    monkeypatch.setattr(bench, "in_a_process", measured)
    words = ["--cases", "mnist", "--precision", "float32", "--xla"]
    found = bench.measure_all(bench.parser().parse_args(words))
    plain = ["--case", "mnist", "--precision", "float32"]
    assert asked == {"mnist float32": plain, "mnist float32 xla": [*plain, "--xla"]}
    assert list(found["steps"]) == list(asked)


def test_a_step_is_compiled_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def build(**settings: Any) -> None:
        given.append(settings["xla"])
        raise RuntimeError("seen")

    monkeypatch.setattr(measurements, "DCGAN", build)
    for xla in (True, False):
        with pytest.raises(RuntimeError, match="seen"):
            measurements.step(measurements.Case(8, 8, 1), "float32", 2, 1, xla)
    assert given == [True, False]


@pytest.mark.slow
def test_the_input_the_loop_and_the_start_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"SCANNED": 5, "MANY_IMAGES": 7, "EPOCH_BATCHES": 3, "LOOPS": {2: 2}, "BARE_STEPS": 1}
    for name, value in small.items():
        monkeypatch.setattr(measurements, name, value)
    pipeline = measurements.pipeline(2)
    *rates, added = pipeline.values()
    assert min(rates) > 0
    assert added >= 0
    ms, images_per_s = rates[1:]
    assert images_per_s == pytest.approx(2000 / ms)
    (ratio,) = measurements.loop(2).values()
    assert ratio > 0
    (seconds,) = measurements.start(2, time.monotonic() - 100).values()
    assert 100 < seconds < 200
