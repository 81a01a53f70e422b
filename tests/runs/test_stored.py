"""What stands in run.json, and which run a command means."""

import json
from pathlib import Path
from typing import Any

import pytest

from main import parse
from runs.settings import Settings
from runs.stored import RUN_FILE, class_names, read_settings, source_of, store_run, trained_run
from support.errors import UserError


def settings(out_dir: Path, *flags: str) -> Settings:
    return parse(["--dataset=anime", f"--out_dir={out_dir}", *flags])


def make_run(out_dir: Path, *flags: str, images: int = 100) -> Path:
    """A run's folder with a checkpoint, as far as finding it goes."""
    run = settings(out_dir, "--seed=5", *flags)
    folder = run.run_folder(run.checkpoint_dir)
    store_run(run, images, folder)
    (folder / "DCGAN.model-1.index").touch()
    return folder


def test_settings_come_back_in_their_types(tmp_path: Path) -> None:
    typed = ("--crop", "--learning_rate=0.001", "--labels_file=a b.csv", "--ckpt_minutes=inf")
    folder = make_run(tmp_path, *typed, "--option=3", "--epoch=7")
    found = read_settings(folder)
    wanted = settings(tmp_path, "--seed=5", *typed, "--epoch=7")
    assert {name: getattr(wanted, name) for name in found} == found
    assert found["labels_file"] == Path("a b.csv")
    assert "option" not in found, "it decided what one command did"
    assert read_settings(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("crop", "maybe", "crop is 'maybe': true or false is needed"),
        ("epoch", 0, "epoch is 0: it must be 1 or more"),
        ("epoch", [3], r"epoch is \[3\]: a whole number is needed"),
        ("learning_rate", None, ""),
        ("learning_rate", "fast", "learning_rate is 'fast': a number is needed"),
        ("z_dist", "gauss", "z_dist is 'gauss': there are uniform_signed"),
        ("dataset", 7, "dataset is 7: a name is needed"),
        ("labels_file", {}, "labels_file is {}: a name is needed"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_file(
    name: str, value: object, wanted: str, tmp_path: Path
) -> None:
    path = make_run(tmp_path) / RUN_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    if not wanted:
        assert name not in read_settings(path.parent)
        return
    with pytest.raises(UserError, match=rf"{path}: {wanted}.*\. Correct it"):
        read_settings(path.parent)


def test_other_images_are_said(tmp_path: Path) -> None:
    folder = make_run(tmp_path, images=4096)
    (said,) = store_run(settings(tmp_path), 5000, folder)
    assert said.startswith("changed: images 4,096 -> 5,000")
    assert json.loads((folder / RUN_FILE).read_text())["images"] == 5000


def test_all_flags_and_the_seed_are_stored(tmp_path: Path) -> None:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is not JSON")

    folder = make_run(tmp_path, "--input_fname_pattern=**/*.png", "--ckpt_minutes=inf")
    stored = json.loads((folder / RUN_FILE).read_text(), parse_constant=refuse)
    assert stored.keys() == settings(tmp_path).as_json().keys() | {"images", "replicas"}
    assert (stored["seed"], stored["images"], stored["ckpt_minutes"]) == (5, 100, "inf")


def test_a_checkpoint_may_lie_in_the_checkpoint_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint/DCGAN.model-4.index").touch()
    assert source_of(settings(tmp_path))[0] == tmp_path / "checkpoint"
    assert trained_run(settings(tmp_path))[0] == tmp_path / "checkpoint"
    folder = make_run(tmp_path)
    assert source_of(settings(tmp_path))[0] == folder, "the run's own comes first"


def test_the_only_run_of_another_batch_size_is_taken(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "--batch_size=7")
    assert trained_run(settings(tmp_path))[0] == folder
    make_run(tmp_path, "--batch_size=8")
    with pytest.raises(UserError, match="holds anime_7_64_64, anime_8_64_64"):
        trained_run(settings(tmp_path))


def test_what_is_not_a_list_of_names_is_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    assert class_names(folder, 3) == []
    path = folder / RUN_FILE
    for value in (5, ["a", 2, "c"], {"a": 1}):
        path.write_text(json.dumps({"classes": value}))
        with pytest.raises(UserError, match=rf'{path}: "classes" is not a list of names'):
            class_names(folder, 3)
    path.write_text(json.dumps({"classes": ["a", "b"]}))
    assert class_names(folder, 2) == ["a", "b"]
    with pytest.raises(UserError, match="it names 2 classes, the networks have 3"):
        class_names(folder, 3)
