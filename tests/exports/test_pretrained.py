"""A run to pass on is small, and opened as any other: the same pictures, and training goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, lived, opened, small

from exports import pretrained
from exports.card import describe, write_card
from exports.check import check, compared
from exports.pretrained import write
from exports.web import write_page
from exports.weights import arrays_of
from model import DCGAN
from runs.opened import Trained, open_run
from support.errors import RunError, UserError
from support.files import read_json, write_json
from training.run_report import report_of

KNOWN = frozenset({"dataset", "output_height", "output_width", "z_dist", "seed"})
FILES = ["DCGAN.model-9.data-00000-of-00001", "DCGAN.model-9.index", "DCGAN.model.json"]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """A run of names, of an average, from somebody's disk."""
    monkeypatch.chdir(tmp_path)
    stored = {"images": 400, "classes": ["dark", "fair", "red"], "data_dir": "/home/somebody"}
    write_json(Path("checkpoint/run/run.json"), stored)
    dcgan = lived(small(y_dim=3, ema=0.5))
    dcgan.choose("ema")
    dcgan.step.assign(9)
    settings = {"dataset": "/home/somebody/faces", "output_height": 8, "z_dist": "normal01"}
    return replace(opened(dcgan, output_width=8, seed=7, **settings), known=KNOWN)


def test_a_fresh_process_finds_the_same_numbers_but_for_rounding(trained: Trained) -> None:
    (written,) = write(trained, Path("out"))
    checked = check(trained, written)
    assert checked.is_same
    assert 0 < checked.difference <= 2**-11
    assert sorted(path.name for path in Path("out").iterdir()) == [*FILES, "checkpoint", "run.json"]


def test_of_large_arrays_a_number_takes_a_byte(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is off by half a unit at most; 127 of them make the largest number of its column."""
    (whole,) = write(trained, Path("in float16"))
    monkeypatch.setattr(pretrained, "LARGE", 40)
    (written,) = write(trained, Path("out"))
    assert written.path.stat().st_size < 0.8 * whole.path.stat().st_size
    assert check(trained, written).is_same
    again = open_run(Path("out"), {}).dcgan.named_variables()
    for name, array in arrays_of(trained.dcgan).items():
        largest = np.abs(array).max(tuple(range(max(array.ndim - 1, 0))), keepdims=True)
        parts = 0 if array.ndim < 2 else 1 / 253 if array.size >= 40 else 2**-11
        assert (np.abs(again[name] - array) <= largest * parts).all(), name
        limit = written.rounded[name]
        found = {name: array + 1.01 * limit}
        assert not compared(written, found, {name: array}, (0, 1)).is_same or not limit, name


def test_units_of_another_shape_are_refused(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded = pretrained._rounded
    cut = {"generator/g_h1_lin/Matrix/scale": np.ones(2, np.float32)}
    monkeypatch.setattr(pretrained, "LARGE", 40)
    monkeypatch.setattr(pretrained, "_rounded", lambda *array: rounded(*array) | cut)
    write(trained, Path("out"))
    with pytest.raises(UserError, match=r"out/DCGAN\.model-9: operands could not be broadcast"):
        open_run(Path("out"), {})


def test_it_is_opened_as_any_run(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    write(trained, Path("out"))
    again = open_run(Path("out"), {})
    _, z, y = batch(trained.dcgan)
    near = trained.dcgan.sampler(z, y).numpy() - again.dcgan.sampler(z, y).numpy()
    assert 0 < np.abs(near).max() < 2e-3
    assert again.loaded == "step 9 of out"
    assert again.classes == ["dark", "fair", "red"]
    assert again.settings.z_dist == "normal01"
    assert "".join(capsys.readouterr()) == "", "of the optimizers only a training has to know"
    trained.dcgan.load("out")
    said = "out/DCGAN.model-9 holds weights and averages alone: Adam starts anew"
    assert said in capsys.readouterr().err


def test_it_names_no_folder_of_the_machine(trained: Trained) -> None:
    write(trained, Path("out"))
    assert "somebody" not in "".join(path.read_text("latin1") for path in Path("out").iterdir())
    assert read_json(Path("out/run.json")) == {
        "dataset": "faces",
        "output_height": 8,
        "output_width": 8,
        "z_dist": "normal01",
        "seed": 7,
        "images": 400,
        "replicas": 1,
        "classes": ["dark", "fair", "red"],
    }


def test_training_goes_on_from_it(trained: Trained) -> None:
    write(trained, Path("out"))
    dcgan = DCGAN.from_checkpoint("out")
    assert not dcgan.training.ema
    before = dcgan.named_variables()["discriminator/d_h3_lin/Matrix"].numpy()
    dcgan.train_step(*batch(dcgan))
    assert np.abs(dcgan.named_variables()["discriminator/d_h3_lin/Matrix"] - before).max() > 0
    dcgan.save("on", 10)
    assert DCGAN.from_checkpoint("on").step == 10


def test_it_can_be_written_again_but_not_over_another_checkpoint(trained: Trained) -> None:
    write(trained, Path("out"))
    (written,) = write(trained, Path("out"))
    assert written.path.name == FILES[0]
    trained.dcgan.step.assign(10)
    with pytest.raises(UserError, match=r"out holds another checkpoint, DCGAN\.model-9: give"):
        write(trained, Path("out"))
    trained.dcgan.save("run", 10)
    before = Path("run/DCGAN.model-10.index").read_bytes()
    with pytest.raises(UserError, match=r"run holds another checkpoint, DCGAN\.model-10"):
        write(trained, Path("run"))
    assert Path("run/DCGAN.model-10.index").read_bytes() == before


def test_numbers_that_float16_cannot_hold_are_refused(trained: Trained) -> None:
    weights = trained.dcgan.sampled.named_variables()["generator/g_h1_lin/Matrix"]
    weights.assign(tf.fill(weights.shape, 1e5))
    with pytest.raises(RunError, match="generator/g_h1_lin/Matrix has numbers beyond float16's"):
        write(trained, Path("out"))
    assert not Path("out").exists()


def test_its_card_goes_along_with_what_is_made_of_it(trained: Trained) -> None:
    write(trained, Path("out"))
    figures = {"samples": 9, "reals": 9, "space": "pixels", "figures": {"frechet": 1.5}}
    of_this = figures | {"step": 9, "weights": "ema", "identity": "x"}
    write_json(Path("logs/run/evaluated/of_this.json"), of_this)
    write_card(trained, [], Path("out"), "CC BY 4.0, somebody")
    again = open_run(Path("out"), {})
    card = describe(again, [])
    assert card["data"] == {"name": "faces", "images": 400, "licence": "CC BY 4.0, somebody"}
    assert [one["figures"] for one in card["figures"]] == [{"frechet": 1.5}]
    assert again.loaded.endswith(", averaged weights")
    assert (card["weights"], card["training"]["ema"]) == ("ema", 0.5), "though it has one set"
    page = write_page(again, Path("page.html")).read_text("utf-8")
    assert "CC BY 4.0, somebody" in page
    assert '["Weights", "averaged, kept here as float16"]' in page
    assert '["Measured in pixels", "frechet 1.5; 9 pictures"]' in page
    assert [one["figures"] for one in report_of(Path("out")).evaluations] == [{"frechet": 1.5}]
