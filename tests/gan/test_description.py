"""What stands beside a checkpoint is held against it before networks are made of it."""

from pathlib import Path

import pytest
import tensorflow as tf
from makers import small

from gan.checkpoints import write_checkpoint
from gan.description import DESCRIPTION_FILE
from model import DCGAN
from support.errors import RunError, UserError
from support.files import read_json, write_json


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"z_dim": 10**9}, r"z_dim 1000000000, .*g_h0_lin/Matrix as 1000000000x16, .* 5x16"),
        ({"gf_dim": 10**30}, r"gf_dim 10{30}, .*\) cannot be made"),
        ({"df_dim": 3}, r"d_h0_conv/w as 5x5x1x3, the checkpoint has it as 5x5x1x2"),
    ],
)
def test_networks_of_another_size_are_refused_before_they_are_made(
    change: dict[str, int], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small().save(tmp_path, 1)
    write_json(tmp_path / DESCRIPTION_FILE, read_json(tmp_path / DESCRIPTION_FILE) | change)
    monkeypatch.setattr("model.build", lambda *_: pytest.fail("they were made"))
    with pytest.raises(UserError, match=rf"{tmp_path}/DCGAN\.model\.json: put back .*{told}"):
        DCGAN.from_checkpoint(tmp_path)


def test_more_frozen_layers_than_d_has_are_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small().save(tmp_path, 1)
    path = tmp_path / DESCRIPTION_FILE
    write_json(path, read_json(path) | {"freeze_d": 2**20})
    monkeypatch.setattr("model.build", lambda *_: pytest.fail("they were made"))
    with pytest.raises(UserError, match=rf"^{path}: freeze_d is 1048576: D has 5 layers"):
        DCGAN.from_checkpoint(tmp_path)


@pytest.mark.parametrize("checkpoint", ["damaged", "of something else"])
def test_networks_of_which_nothing_is_known_are_not_made(
    checkpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A JSON that asks for more than any memory holds, beside what tells nothing of the sizes."""
    small().save(tmp_path, 1)
    write_json(
        tmp_path / DESCRIPTION_FILE, read_json(tmp_path / DESCRIPTION_FILE) | {"z_dim": 10**9}
    )
    index = tmp_path / "DCGAN.model-1.index"
    monkeypatch.setattr("model.build", lambda *_: pytest.fail("they were made"))
    if checkpoint == "damaged":
        index.write_bytes(index.read_bytes()[:40])
        with pytest.raises(RunError, match=f"no checkpoint in {tmp_path} can be read"):
            DCGAN.from_checkpoint(tmp_path)
        assert f"{tmp_path}/DCGAN.model-1 is damaged: " in capsys.readouterr().err
    else:
        write_checkpoint(tf.train.Checkpoint(v=tf.Variable(1.0)).write, tmp_path, 1, 5)
        with pytest.raises(UserError, match=r"json: put back .*h0_lin/Matrix, the checkpoint does"):
            DCGAN.from_checkpoint(tmp_path)


def test_what_a_later_version_or_a_person_added_stays(tmp_path: Path) -> None:
    path = tmp_path / DESCRIPTION_FILE
    dcgan = small()
    dcgan.save(tmp_path, 1)
    write_json(path, read_json(path) | {"note": "the good one", "z_dim": 5})
    dcgan.save(tmp_path, 2)
    assert read_json(path)["note"] == "the good one"
    path.write_text("{ damaged")
    dcgan.save(tmp_path, 3)
    assert int(DCGAN.from_checkpoint(tmp_path).step) == 3
