"""bench.py: what it counts is right, what it prints is what it measured."""

import json
from pathlib import Path

import pytest
from conftest import Run, one_error_line

from bench import table
from measurements import multiplications, step_gflop
from model import DCGAN


def test_multiplications_are_those_of_the_layers() -> None:
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


def test_a_table_and_a_json_come_out(run: Run, tmp_path: Path) -> None:
    tiny = ("--height=9", "--width=8", "--c_dim=1", "--batch_size=2", "--steps=3", "--rounds=1")
    done = run("bench.py", *tiny, "--precision", "float32")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "bench.json").read_text())
    row = found["steps"]["own float32"]
    assert 0 < row["ms_least"] <= row["ms"] <= row["ms_most"]
    assert row["gflop"] > 0
    assert row["peak_mib"] > 100
    assert f"{row['ms']:.1f}" in done.stdout
    assert "TensorFlow 2." in done.stdout
    assert "   x 1.000" in table(found, found)[-1]


def test_bfloat16_is_told_as_a_part_of_float32_and_both_of_an_earlier_run() -> None:
    plain = dict.fromkeys(
        ("ms_least", "ms_most", "images_per_s", "gflop", "gflop_per_s", "peak_mib"), 1.0
    )
    plain |= {"ms": 200.0, "gemm_gflop_per_s": 4.0}
    steps = {"mnist float32": plain, "mnist bfloat16": plain | {"ms": 124.0}}
    found = {"machine": "", "batch_size": 64, "steps": steps, "start": {"start, s": 9.0}}
    before = {"steps": {"mnist bfloat16": plain | {"ms": 248.0}}, "start": {"start, s": 6.0}}
    *_, of_float32, of_bfloat16, start = table(found, before)
    assert of_float32.split()[-3:] == ["4", "0.25", "1"]
    assert of_bfloat16.split()[-3:] == ["0.62", "x", "0.500"]
    assert start.split()[-3:] == ["9", "x", "1.500"]


def test_a_missing_comparison_is_told_before_measuring(run: Run) -> None:
    done = run("bench.py", "--compare=none.json")
    assert "none.json: there is no such file" in one_error_line(done, 2)
