"""Runs and checkpoints that are damaged or of another shape, cases 9 and 10."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from makers import PROJECT, TINY, TRAIN, Case, Check, tiny, trained

import main

RUN = Path("checkpoint/tiny_4_16_16")


def half_written(folder: Path) -> None:
    trained()(folder)
    data = folder / RUN / "DCGAN.model-2.data-00000-of-00001"
    with data.open("rb+") as file:
        file.truncate(data.stat().st_size // 2)


def all_half_written(folder: Path) -> None:
    half_written(folder)
    (folder / RUN / "DCGAN.model-1.index").write_bytes(b"")


def no_json(folder: Path) -> None:
    trained()(folder)
    (folder / RUN / "DCGAN.model.json").write_text("{half")


def renamed(folder: Path) -> None:
    """A run of one size under the name of another."""
    trained()(folder)
    (folder / RUN).rename(folder / "checkpoint/tiny_4_32_32")


def described(content: dict[str, object]) -> Callable[[Path], None]:
    """A run with another description of its networks."""

    def prepare(folder: Path) -> None:
        trained()(folder)
        (folder / RUN / "DCGAN.model.json").write_text(json.dumps(content))

    return prepare


def run_file(content: dict[str, object]) -> Callable[[Path], None]:
    """A run with other flags on file."""

    def prepare(folder: Path) -> None:
        trained()(folder)
        (folder / RUN / "run.json").write_text(json.dumps(content))

    return prepare


def without_run_file(folder: Path) -> None:
    trained()(folder)
    (folder / RUN / "run.json").unlink()


def old_checkpoint(folder: Path) -> None:
    tiny(folder)
    shutil.copytree(PROJECT / "tests/data/tf1_checkpoint_color", folder / "old")


def killed_in_a_save(folder: Path) -> None:
    trained()(folder)
    aside = folder / RUN / ".DCGAN.model-3.99999999.part"
    aside.with_name(f"{aside.name}_temp").mkdir()
    aside.with_name(f"{aside.name}.data-00000-of-00001").write_bytes(b"half")
    (folder / RUN / "DCGAN.model-3.data-00000-of-00001").write_bytes(b"whole, but no index")


CASES = [
    Case("9 no checkpoint", tiny, TINY, 2, "no checkpoint in checkpoint/tiny_4_16_16"),
    Case("9 half written", half_written, TINY, 0, "loaded step 1 of checkpoint/tiny_4_16_16"),
    Case("9 all half written", all_half_written, TRAIN, 1, "can be read (2 tried)"),
    Case("9 half a description", no_json, TRAIN, 2, "is not valid JSON"),
    Case("9 another z_dim", trained("--z_dim=12"), (*TRAIN, "--z_dim=9"), 2, "z_dim is 12, not 9"),
    Case(
        "9 another size", renamed, (*TRAIN, "--output_height=32"), 2, "output_height is 16, not 32"
    ),
    Case(
        "9 a description of something else",
        described({"output_height": "16"}),
        TRAIN,
        2,
        "DCGAN.model.json: output_height is '16'",
    ),
    Case("9 a damaged run file", run_file({"seed": 1, "beta1": "x"}), TRAIN, 2, "beta1 is 'x'"),
    Case(
        "9 no run file",
        without_run_file,
        (*TRAIN, "--epoch=2"),
        0,
        "holds no run.json: what else was not typed is new",
    ),
    Case(
        "9 an old checkpoint of an unknown size",
        old_checkpoint,
        ("--dataset=tiny", "--train", "--init_from=old"),
        2,
        "for square images of 33 to 48 pixels. Give --output_height and --output_width",
    ),
    Case(
        "9 an old checkpoint of another z_dim",
        old_checkpoint,
        ("--dataset=tiny", "--train", "--init_from=old", "--output_height=48", "--z_dim=99"),
        2,
        "the networks in old have another shape: z_dim is 10, not 99",
    ),
    Case("9 another c_dim", trained(), (*TRAIN, "--c_dim=1"), 2, "c_dim is 3, not 1"),
    Case("10 finished", trained(), TRAIN, 0, "this run is finished: it has made 2 steps"),
    Case(
        "10 changed flags",
        trained(),
        (*TRAIN, "--epoch=2", "--learning_rate=0.001"),
        0,
        "changed: learning_rate 0.0002 -> 0.001",
    ),
    Case("15 killed in a save", killed_in_a_save, (*TRAIN, "--epoch=2"), 0, "resuming from step 2"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mode)
def test_it_is_survived_or_named_in_one_line(case: Case, check: Check) -> None:
    check(case)


def test_a_damaged_checkpoint_shows_what_the_one_before_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every bit."""
    monkeypatch.chdir(tmp_path)
    half_written(tmp_path)
    pictures = tmp_path / "samples/tiny_4_16_16/option_0"
    shown = []
    for _ in range(2):
        assert main.main([*TINY, "--seed=1"]) == 0
        (picture,) = pictures.glob("*.png")
        shown.append(picture.read_bytes())
        picture.unlink()
        for path in (tmp_path / RUN).glob("DCGAN.model-2.*"):
            path.unlink()
    assert shown[0] == shown[1]
