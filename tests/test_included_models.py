"""The included models: each is small, says where it is from, and makes pictures at once."""

from pathlib import Path

import numpy as np
import pytest
from makers import PROJECT, Here, ok, one_error_line, written
from PIL import Image

from support.files import read_json
from training.run_report import report_of

LICENCES = {"mnist": "CC BY-SA 3.0", "faces": "Wischofsky"}


@pytest.fixture(params=LICENCES)
def folder(request: pytest.FixtureRequest) -> Path:
    return PROJECT / "pretrained" / str(request.param)


def test_it_is_15_mb_at_most(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 15e6


def test_its_card_names_the_data_and_their_licence(folder: Path) -> None:
    card = read_json(folder / "model.json")
    assert card["data"]["name"]
    assert card["data"]["images"]
    assert LICENCES[folder.name] in card["data"]["licence"]
    assert card["data"]["licence"] in (folder / "model.md").read_text("utf-8")
    assert [one["same"] for one in card["exports"]] == [True]


def test_its_report_names_the_licence_and_what_did_not_come_along(folder: Path) -> None:
    lead = report_of(folder).lead
    assert LICENCES[folder.name] in lead
    assert "without its curves and sample pictures" in lead


def test_its_weights_are_named_as_its_card_has_them(folder: Path, made: Here) -> None:
    once = ("--run", str(folder), "--num", "1")
    assert ", averaged weights" in ok(made(*once, "--weights", "ema"))
    line = one_error_line(made(*once, "--weights", "raw"), 2)
    assert f"--weights=raw: {folder} was passed on with its averaged weights alone" in line


def test_it_makes_pictures_by_label(folder: Path, made: Here) -> None:
    """The ten digits of one seed, or faces of ten seeds; they differ."""
    classes = read_json(folder / "model.json")["inputs"]["y"]["classes"]
    which = ("--seeds", "1", "--label", "0-9") if len(classes) == 10 else ("--num", "10")
    paths = written(made("--run", str(folder), *which))
    assert paths[0].parent == Path("samples", folder.name, "generated")
    pictures = [np.asarray(Image.open(path)).astype(float) for path in paths[0].parent.iterdir()]
    assert len(pictures) == 10
    for number, one in enumerate(pictures):
        assert one.std() > 15
        assert all(np.abs(one - other).mean() > 2 for other in pictures[:number])
