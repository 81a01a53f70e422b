"""Many pictures: the same alone and in company, whole files, bounded memory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from makers import small, stretched
from PIL import Image

from generation import sampling
from generation.sampling import sampled, save_z, write_array, write_singles
from generation.selection import Selection
from model import DCGAN


def selection(dcgan: DCGAN, numbers: Sequence[int], labels: Sequence[int] = ()) -> Selection:
    classes = [str(n) for n in range(dcgan.y_dim or 0)]
    count = len(numbers) * max(1, len(labels))
    return Selection(numbers, None, list(labels), classes, count, "uniform_signed", dcgan.z_dim)


@pytest.mark.parametrize("y_dim", [None, 3])
@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_a_seed_has_its_picture_whatever_the_batch(y_dim: int | None, at_once: int) -> None:
    dcgan = stretched(small(12, 10, 3, y_dim=y_dim, gf_dim=16, gfc_dim=64, batch_size=at_once))
    _, together = zip(*sampled(dcgan, selection(dcgan, range(70))), strict=True)
    wanted = np.concatenate(together)
    assert len(np.unique(wanted.reshape(70, -1), axis=0)) == 70
    for start in range(0, 70, at_once):
        numbers = range(start, min(start + at_once, 70))
        _, alone = zip(*sampled(dcgan, selection(dcgan, numbers)), strict=True)
        assert (np.concatenate(alone) == wanted[list(numbers)]).all()


@pytest.mark.parametrize("c_dim", [1, 3])
@pytest.mark.parametrize("kind", ["png", "webp", "jpg"])
def test_files_hold_the_pictures(tmp_path: Path, c_dim: int, kind: str) -> None:
    dcgan = small(8, 8, c_dim, y_dim=3)
    asked = selection(dcgan, range(66), [0, 2])
    paths = write_singles(dcgan, asked, tmp_path, kind)
    assert paths[0].name == f"seed00000_label0.{kind}"
    assert paths[-1].name == f"seed00065_label2.{kind}"
    assert len(list(tmp_path.iterdir())) == 132
    pixels = np.concatenate([part for _, part in sampled(dcgan, asked)])
    for name, own in zip(asked.names(slice(None)), pixels, strict=True):
        shown = np.asarray(Image.open(tmp_path / f"{name}.{kind}").convert("RGB"))
        if kind != "jpg":
            assert (shown == own).all()


def test_an_array_holds_them_all(tmp_path: Path) -> None:
    dcgan = small(y_dim=3)
    asked = selection(dcgan, range(70))
    paths = write_array(dcgan, asked, tmp_path)
    pictures, labels = (np.load(path) for path in paths)
    assert pictures.dtype == np.uint8
    assert (pictures == np.concatenate([part for _, part in sampled(dcgan, asked)])).all()
    assert (labels == asked.labels_of(slice(None))).all()


def test_the_z_that_is_saved_is_that_of_the_pictures(tmp_path: Path) -> None:
    asked = selection(small(y_dim=3), range(40), [1, 2])
    z = np.load(save_z(asked, tmp_path / "deep/z.npy"))
    assert z.dtype == np.float32
    assert (z == asked.z(slice(None))).all()
    assert (z[0] == z[1]).all(), "one seed in two labels"


def test_pictures_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sampler waits for the files: never more than AHEAD and one pass are underway."""
    written: list[Path] = []
    made = 0
    dcgan = small()
    real_sample, real_write = sampling.sample_pixels, sampling._write_one

    def sample(*arguments: object) -> np.ndarray:
        nonlocal made
        assert made - len(written) <= sampling.AHEAD
        pixels = real_sample(*arguments)  # type: ignore[arg-type]
        made += len(pixels)
        return pixels

    def write(picture: np.ndarray, path: Path) -> Path:
        written.append(real_write(picture, path))
        return path

    monkeypatch.setattr(sampling, "AHEAD", 10)
    monkeypatch.setattr(sampling, "sample_pixels", sample)
    monkeypatch.setattr(sampling, "_write_one", write)
    write_singles(dcgan, selection(dcgan, range(300)), tmp_path, "png")
    assert len(written) == made == 300


def test_a_picture_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    dcgan = small()
    (tmp_path / "seed00003.png").mkdir()
    with pytest.raises(OSError, match="seed00003"):
        write_singles(dcgan, selection(dcgan, range(9)), tmp_path, "png")
    assert not list(tmp_path.glob(".*")), "nothing half written stays"


def test_class_names_are_safe_in_file_names() -> None:
    classes = ["dark hair", "../x", "2"]
    asked = Selection([4], None, [0, 1, 2], classes, 3, "normal01", 5)
    assert asked.names(slice(None)) == [
        "seed00004_label0_dark-hair",
        "seed00004_label1_-x",
        "seed00004_label2",
    ]
