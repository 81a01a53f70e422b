"""The exported SavedModel gives what the model gives."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small, stretched

from exports.saved_model import save_model
from support.errors import UserError
from utils import to_pixels


@pytest.mark.parametrize("y_dim", [None, 3])
def test_the_saved_model_gives_the_same(tmp_path: Path, y_dim: int | None) -> None:
    dcgan = stretched(small(y_dim=y_dim, ema=0.1 if y_dim else 0.0))
    images, z, y = batch(dcgan, 6)
    if y_dim:
        for _ in range(3):
            dcgan.train_step(images, z, y)
        dcgan.choose("ema")
    labels = {} if y is None else {"y": tf.constant(y)}
    for _ in range(2):  # the second one replaces the first
        folder = save_model(dcgan, tmp_path / "export")
    loaded = tf.saved_model.load(str(folder)).signatures
    for name in ("generate", "serving_default"):
        made = loaded[name](z=tf.constant(z), **labels)
        np.testing.assert_allclose(made["images"], dcgan.sampler(z, y), atol=1e-6)
        assert np.array_equal(made["pixels"], to_pixels(made["images"], dcgan.value_range))
        assert np.ptp(made["pixels"]) > 3, "a picture, not one grey"
    said = loaded["discriminate"](images=tf.constant(images), **labels)
    logits = dcgan.discriminate(images, y)
    np.testing.assert_allclose(said["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(said["probability"], tf.sigmoid(logits), atol=1e-5)
    np.testing.assert_allclose(said["features"], dcgan.features(images, y), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_a_link_in_the_way_leads_no_export_elsewhere(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "run"
    outside.mkdir()
    folder.mkdir()
    (folder / ".export.part").symlink_to(outside)
    with subprocess.Popen([sys.executable, "-c", ""]) as killed:
        left = folder / f".export.{killed.pid}-0a.part"
    left.mkdir()
    os.utime(left, (1, 1))
    assert save_model(small(), folder / "export").is_dir()
    assert list(outside.iterdir()) == []
    assert not left.exists(), "what a killed export left is swept"


def test_what_is_no_saved_model_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export/thesis.txt").write_text("of three years")
    with pytest.raises(UserError, match="no SavedModel: it is not replaced"):
        save_model(small(), tmp_path / "export")
    assert (tmp_path / "export/thesis.txt").read_text() == "of three years"


def test_an_export_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(module: tf.Module, folder: str, signatures: object) -> None:
        Path(folder, "half").write_text("half")
        raise OSError("No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(OSError, match="No space"):
        save_model(small(), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []
