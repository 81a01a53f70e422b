"""The model card says what was exported, and nothing of the machine."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from makers import opened, small

from exports.card import write_card
from exports.check import Checked
from exports.formats import Written
from runs.opened import Trained
from support.files import read_json, write_json

KNOWN = frozenset({"dataset", "crop", "flip", "seed", "labels_file"})


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    monkeypatch.chdir(tmp_path)
    write_json(Path("checkpoint/run/run.json"), {"dataset": "mnist", "images": 70000})
    settings = {"dataset": "mnist", "seed": 7, "data_dir": "/home/somebody/data"}
    return replace(opened(small(y_dim=3), **settings), known=KNOWN)


def checked(difference: float, is_same: bool, least: float | None = None) -> Checked:
    Path("x.npz").write_bytes(b"123")
    psnr = None if least is None else difference
    return Checked(Written(Path("x.npz"), "some arrays", "", least), difference, psnr, is_same)


def test_the_card_tells_data_step_settings_and_files(trained: Trained) -> None:
    trained.dcgan.step.assign(1200)
    paths = write_card(trained, [checked(0, True)], Path("out"))
    assert paths == [Path("out/model.json"), Path("out/model.md")]
    card, text = read_json(paths[0]), paths[1].read_text()
    assert (card["run"], card["step"], card["weights"]) == ("run", 1200, "raw")
    assert card["data"]["images"] == 70000
    assert "CC BY-SA 3.0" in card["data"]["licence"]
    assert card["settings"] == {"crop": False, "flip": False, "seed": 7}
    assert card["networks"]["z_dim"] == 5
    assert card["training"]["learning_rate"] == 0.0002
    (file,) = card["exports"]
    assert (file["file"], file["bytes"], file["same"]) == ("x.npz", 3, True)
    assert "# run, step 1,200\n" in text
    assert "| x.npz | some arrays | 3 bytes | 0.0e+00 apart at most" in text
    assert "y: the class, one-hot float32 [N, 3]: 0 to 2." in text
    assert "/home/somebody" not in text + paths[0].read_text()


def test_the_card_of_tags_says_that_there_may_be_several(trained: Trained) -> None:
    tags = replace(trained, dcgan=small(y_dim=3, tags=True))
    write_card(tags, [], Path("out"))
    assert (
        "y: a 1 for each tag that a picture has, float32 [N, 3]" in Path("out/model.md").read_text()
    )


def test_figures_are_those_of_this_step_and_these_weights_and_the_runs_own_data(
    trained: Trained,
) -> None:
    trained.dcgan.step.assign(9)
    told = {"identity": "x", "samples": 500, "reals": 700, "figures": {"frechet": 12.5}}
    told |= {"dataset": "faces", "digest": "0123"}
    measured = {"step": 9, "weights": "raw", "space": "mnist"} | told
    folder = Path("logs/run/evaluated")
    write_json(folder / "step_000009_mnist.json", measured)
    write_json(folder / "step_000009_ema_mnist.json", measured | {"weights": "ema"})
    write_json(folder / "step_000008_mnist.json", measured | {"step": 8})
    for name, value in {"dataset": "cats", "num": 500, "seed": 7}.items():
        differing = measured | {"differs": {name: value}}
        write_json(folder / f"step_000009_{name}_mnist.json", differing)
    write_card(trained, [], Path("out"))
    assert read_json(Path("out/model.json"))["figures"] == [told | {"space": "mnist"}]
    text = Path("out/model.md").read_text()
    assert (
        "## Figures of the run itself in the space mnist: 500 pictures against 700 real images of "
        "faces" in text
    )
    assert "| frechet | 12.5 |" in text


def test_what_is_not_the_same_is_said_and_json_stays_json(trained: Trained) -> None:
    checks = [checked(float("nan"), False), checked(float("inf"), True, least=30.0)]
    paths = write_card(trained, checks, Path("out"))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    card = json.loads(paths[0].read_text(), parse_constant=refuse)
    assert [one["difference"] for one in card["exports"]] == [None, None]
    assert "nan apart at most (1e-05 is allowed): **not the same**" in paths[1].read_text()
    assert "inf dB (30 or more are wanted) |" in paths[1].read_text()


def test_data_that_are_not_known_are_not_guessed(trained: Trained) -> None:
    of_others = replace(trained, known=frozenset({"weights"}))
    write_card(of_others, [], Path("out"))
    data = read_json(Path("out/model.json"))["data"]
    assert data == {"name": "", "images": None, "licence": "not known to this program"}
    assert "Trained on: data that are not known." in Path("out/model.md").read_text()


def test_names_of_classes_do_no_harm_to_the_page(trained: Trained) -> None:
    named = replace(trained, classes=["a|b", "c\nd", "e"], named=True)
    write_card(named, [], Path("out"))
    assert "0 a|b, 1 c\\nd, 2 e." in Path("out/model.md").read_text()
