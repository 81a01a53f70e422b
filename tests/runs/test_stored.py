"""What stands in run.json, and which run a command means."""

import json
from pathlib import Path
from typing import Any

import pytest

from main import parse
from runs.settings import Settings
from runs.stored import (
    RUN_FILE,
    beside,
    class_names,
    read_run,
    source_of,
    store_run,
    trained_run,
)
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
    found = read_run(folder).settings
    wanted = settings(tmp_path, "--seed=5", *typed, "--epoch=7")
    assert {name: getattr(wanted, name) for name in found} == found
    assert found["labels_file"] == Path("a b.csv")
    assert "option" not in found, "it decided what one command did"
    assert read_run(tmp_path).settings == {}


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("crop", "maybe", "crop is 'maybe': true or false is needed"),
        ("epoch", 0, "epoch is 0: it must be 1 or more"),
        ("epoch", [3], r"epoch is \[3\]: a whole number is needed"),
        ("epoch", 2.5, "epoch is 2.5: a whole number is needed"),
        ("epoch", True, "epoch is True: a whole number is needed"),
        ("epoch", 10**12, "epoch is 1000000000000: it must be up to 2147483647"),
        ("learning_rate", None, "learning_rate is None: a number is needed"),
        ("learning_rate", 10**400, "learning_rate is 1000.*: a number is needed"),
        ("data_dir", "a\0b", r"data_dir is 'a\\x00b': a name is needed"),
        ("option", 9, "option is 9: it must be 0 or more and up to 4"),
        ("images", None, "images is None: it must be a whole number, 1 or more"),
        ("images", "abc", "images is 'abc': it must be"),
        ("images", [1], r"images is \[1\]: it must be"),
        ("replicas", 0, "replicas is 0: it must be"),
        ("classes", 5, '"classes" is not a list of names'),
        ("classes", None, '"classes" is not a list of names'),
        ("classes", [["a"], "b"], '"classes" is not a list of names'),
        ("classes", ["a", 2, "c"], '"classes" is not a list of names'),
        ("classes", ["a", ""], '"classes" is not a list of names'),
        ("classes", ["a", "b", "a"], "\"classes\" holds 'a' twice"),
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
    with pytest.raises(UserError, match=rf"{path}: {wanted}.*\. Correct it"):
        read_run(path.parent)


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


def test_each_class_has_a_name_or_none_has(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    assert class_names(read_run(folder), 3) == []
    store_run(settings(tmp_path), 100, folder, ["a", "b"])
    assert class_names(read_run(folder), 2) == ["a", "b"]
    with pytest.raises(UserError, match="it names 2 classes, the networks have 3"):
        class_names(read_run(folder), 3)


def test_what_a_later_version_or_a_person_added_stays(tmp_path: Path) -> None:
    path = make_run(tmp_path) / RUN_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"note": ["from Ana"], "images": 7}))
    assert read_run(path.parent).others == {"note": ["from Ana"]}
    store_run(settings(tmp_path), 9, path.parent)
    stored = json.loads(path.read_text())
    assert (stored["note"], stored["images"]) == (["from Ana"], 9)


def test_pictures_go_beside_the_run_or_here_whatever_its_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(tmp_path / "out", "--sample_dir=/etc/pictures", "--out_name=elsewhere")
    assert beside(folder, "logs") == folder.parent.parent / "logs" / folder.name
    monkeypatch.chdir(folder)
    assert beside(Path(), "samples") == Path("../../samples", folder.name)
    monkeypatch.chdir(tmp_path)
    assert beside(Path("checkpoint/mnist"), "samples") == Path("samples/mnist")
    assert beside(Path("from a friend/mnist"), "samples") == Path("samples/mnist")
    assert beside(Path("/media/stick/mnist/"), "samples") == Path("samples/mnist")
