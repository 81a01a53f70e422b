"""An export is loaded by a program of its own, and what differs from the run is seen."""

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest
from makers import PROJECT, lived, opened, small

from exports.check import BATCHES, BEGINNING, check, compared, inputs, outputs, read_back
from exports.formats import Written
from exports.graphs import labels_to_try
from exports.weights import write
from support.errors import RunError

FORMAT_FILES = sorted(
    path.stem for path in (PROJECT / "exports").glob("*.py") if "\nREADER = " in path.read_text()
)
RUNTIMES = {"tensorflow", "onnxruntime", "ai_edge_litert"}


def test_a_run_of_tags_is_tried_with_several_and_none() -> None:
    y = inputs(opened(small(y_dim=3, tags=True)))["y"]
    assert y.shape == (sum(BATCHES), 3)
    assert {0, 1, 2} <= set(y.sum(1).tolist())
    classes = inputs(opened(small(y_dim=3)))["y"]
    assert (classes.sum(1) == 1).all()
    of_many = labels_to_try(small(y_dim=40))
    assert of_many is not None
    assert of_many.argmax(1).tolist() == [k * 40 // 16 for k in range(16)], "from all over"


@pytest.mark.parametrize("name", FORMAT_FILES)
def test_what_reads_an_export_imports_nothing_of_this_program(name: str) -> None:
    text = (PROJECT / f"exports/{name}.py").read_text()
    values = {
        target.id: node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    reader = ast.literal_eval(values["READER"])
    nodes = list(ast.walk(ast.parse(BEGINNING + reader)))
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in imported} <= {
        *("sys", "base64", "json", "re", "numpy"),
        *RUNTIMES,
    }


def test_each_format_has_a_file_that_writes_it() -> None:
    from exports.formats import FORMATS

    modules = {one.module for one in FORMATS.values()}
    assert modules - {"training.run_report"} == {f"exports.{name}" for name in FORMAT_FILES}
    assert callable(importlib.import_module("exports.weights").write)


def test_the_weights_are_read_by_a_fresh_process(tmp_path: Path) -> None:
    trained = opened(lived(small(y_dim=3)))
    (written,) = write(trained, tmp_path)
    checked = check(trained, written)
    assert checked.is_same
    assert checked.difference == 0
    assert checked.words == "0.0e+00 apart at most (1e-05 is allowed)"


def test_the_batches_are_given_one_by_one(tmp_path: Path) -> None:
    trained = opened(lived(small(y_dim=3)))
    reader = "outputs = {'rows': np.array([len(b['y']) for b in batches]), **joined(dict)}\n"
    given = inputs(trained)
    found = read_back(Written(tmp_path, "", reader), given)
    assert found["rows"].tolist() == list(BATCHES)
    assert all(np.array_equal(found[name], values) for name, values in given.items())
    assert {"images", "logits", "probability", "features"} < outputs(trained, given).keys()


def test_a_process_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    written = Written(tmp_path / "x", "", "raise ValueError('this file is cut short')\n")
    with pytest.raises(RunError, match="x: a fresh process cannot use it: ValueError: this file"):
        read_back(written, inputs(opened(small())))


WANTED = {"images": np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 2, 2, 1)}
PLAIN, PICTURES = (Written(Path("x"), "", "", least) for least in (None, 30))


@pytest.mark.parametrize(
    ("found", "is_same"),
    [
        (WANTED["images"], True),
        (WANTED["images"] + PLAIN.most / 2, True),
        (WANTED["images"] + 2 * PLAIN.most, False),
        (WANTED["images"] * np.nan, False),
        (WANTED["images"] + np.inf, False),
        (WANTED["images"][:2], False),
    ],
)
def test_what_differs_is_seen(found: np.ndarray, is_same: bool) -> None:
    checked = compared(PLAIN, {"images": found}, WANTED, (0, 1))
    assert checked.is_same == is_same


@pytest.mark.parametrize(("apart", "psnr"), [(0, np.inf), (0.01, 40), (0.1, 20), (np.nan, np.nan)])
def test_pictures_of_few_bits_are_held_against_decibels(apart: float, psnr: float) -> None:
    checked = compared(PICTURES, {"images": WANTED["images"] + apart}, WANTED, (0, 1))
    assert checked.psnr == pytest.approx(psnr, nan_ok=True)
    assert checked.is_same == (psnr >= 30)
    twice = {"images": 2 * (WANTED["images"] + apart) - 1}
    spread = compared(PICTURES, twice, {"images": 2 * WANTED["images"] - 1}, (-1, 1))
    assert spread.psnr == pytest.approx(psnr, nan_ok=True)


def test_too_few_pictures_are_not_the_same() -> None:
    assert not compared(PICTURES, {"images": WANTED["images"][:1]}, WANTED, (0, 1)).is_same


def test_pixels_are_those_of_the_images() -> None:
    pixels = np.rint(WANTED["images"] * 255).astype(np.uint8)
    for wrong, is_same in ((0, True), (1, False)):
        found = {**WANTED, "pixels": pixels + np.uint8(wrong)}
        assert compared(Written(Path("x"), "", ""), found, WANTED, (0, 1)).is_same == is_same


def test_an_export_that_gives_nothing_is_not_the_same() -> None:
    assert not compared(PLAIN, {}, WANTED, (0, 1)).is_same
