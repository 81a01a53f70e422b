"""A trained run is opened in one way, by its folder: what it stored, with what was typed."""

import json
from pathlib import Path

import pytest
from makers import small

from main import parse
from runs.opened import open_run
from runs.stored import store_run
from support.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with three named classes and flags of its own."""
    run = parse(["--dataset=faces", "--z_dist=normal01", "--crop", "--out_dir=elsewhere"])
    store_run(run, 9, tmp_path / "run", ["dark", "fair", "red"])
    small(y_dim=3, architecture="dcgan").save(tmp_path / "run", 7)
    return tmp_path / "run"


def test_the_run_tells_everything_but_what_was_typed(folder: Path) -> None:
    trained = open_run(folder, {"dataset": "others"})
    assert int(trained.dcgan.step) == 7
    assert trained.dcgan.config.architecture == "dcgan"
    now = trained.settings
    assert (now.dataset, now.z_dist, now.crop) == ("others", "normal01", True)
    assert now.out_dir == Path("."), "where it wrote is not where this command writes"
    assert now.given == {"dataset"}
    assert {"z_dist", "dataset"} <= trained.known
    assert "option" not in trained.known
    assert trained.own_names([2, 0]) == ["red", "dark"]
    cropped = open_run(folder, {"input_height": 48}).settings
    assert (cropped.input_height, cropped.input_width) == (48, 48), "not the 108 that it was"


def test_a_run_that_tells_nothing_is_opened_with_the_defaults(folder: Path) -> None:
    (folder / "run.json").unlink()
    trained = open_run(folder, {})
    assert (trained.settings.z_dist, trained.known) == ("uniform_signed", frozenset())
    assert (trained.classes, trained.named) == (["0", "1", "2"], False)
    assert trained.own_names([2, 0]) == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (
            {"output_height": 64},
            "another shape: output_height is 8, not 64. Leave out what differs",
        ),
        ({"labels": False}, "was trained with labels, and this command is without"),
        ({"z_dist": "gauss"}, "--z_dist=gauss: there are"),
    ],
)
def test_what_does_not_fit_the_run_is_refused(
    typed: dict[str, object], told: str, folder: Path
) -> None:
    with pytest.raises(UserError, match=told):
        open_run(folder, typed)


def test_of_a_run_file_that_makes_no_sense_the_file_is_blamed(folder: Path) -> None:
    path = folder / "run.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps(stored | {"train_size": 1.5}))
    with pytest.raises(UserError, match=f"{path}: --train_size=1.5"):
        open_run(folder, {})
    assert open_run(folder, {"train_size": 2}).settings.train_size == 2


def test_the_runs_below_a_folder_are_named(folder: Path) -> None:
    with pytest.raises(UserError, match=f"there is no checkpoint in it; there are {folder}"):
        open_run(folder.parent, {})
    with pytest.raises(UserError, match="nor in a folder below it"):
        open_run(folder / "nowhere", {})
