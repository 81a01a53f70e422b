"""The real images: which, with which labels, their features computed once."""

from pathlib import Path

import numpy as np
import pytest
from makers import write_jpegs, write_mnist

from main import parse
from metrics import reals
from metrics.reals import Reals, compared, drawn_labels, features_of_reals, open_halves, open_reals
from metrics.spaces import Space
from support.errors import UserError


def counted(identity: str = "sums 1") -> tuple[Space, list[int]]:
    """A space that notes how many pictures it was asked for."""
    asked: list[int] = []

    def features(pictures: np.ndarray) -> np.ndarray:
        asked.append(len(pictures))
        return pictures.sum((1, 2)).astype(np.float32)

    return Space("sums", identity, features), asked


def test_of_an_idx_set_the_training_part_counts(tmp_path: Path) -> None:
    labels = write_mnist(tmp_path / "mnist")
    settings = parse(["--dataset=mnist", f"--data_dir={tmp_path}"])
    real, others = open_halves(settings, print)
    assert real.labels is not None
    assert real.labels.tolist() == labels[:112].tolist()
    assert others.images.shape == (16, 28, 28, 1)
    assert (open_reals(settings, print).images == real.images).all()
    assert real.classes == list("0123456789")


def test_a_folder_is_split_in_two(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "faces", 21, 20, 20)
    settings = parse(["--dataset=faces", f"--data_dir={tmp_path}", "--output_height=16"])
    halves = open_halves(settings, lambda line: None)
    found = [image.tobytes() for half in halves for image in half.images]
    whole = [image.tobytes() for image in open_reals(settings, lambda line: None).images]
    assert [len(half.images) for half in halves] == [11, 10]
    assert sorted(found) == sorted(whole)


def test_too_few_are_refused(tmp_path: Path) -> None:
    write_jpegs(tmp_path / "faces", 9, 20, 20)
    settings = parse(["--dataset=faces", f"--data_dir={tmp_path}"])
    with pytest.raises(UserError, match="faces: 9 images to compare with: 10"):
        open_reals(settings, lambda line: None)


def test_features_are_computed_once_for_the_same_pixels_and_space(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), np.uint8)
    space, asked = counted()
    first = features_of_reals(space, images, tmp_path, print)
    again = features_of_reals(space, images.copy(), tmp_path, print)
    assert (first.values == again.values).all()
    assert (first.space, again.space, asked) == ("sums 1", "sums 1", [20])
    changed = images.copy()
    changed[3, 0, 0] ^= 1
    features_of_reals(space, changed, tmp_path, print)
    other, asked_of_other = counted("sums 2")
    assert features_of_reals(other, images, tmp_path, print).space == "sums 2"
    assert (asked, asked_of_other) == ([20, 20], [20])


def test_many_images_are_thinned_out_with_their_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reals, "COMPARED", 30)
    numbers = np.arange(100, dtype=np.uint8)
    real = Reals(numbers.reshape(100, 1, 1, 1), numbers, [])
    found = compared(real)
    assert found.labels is not None
    assert len(set(found.labels.tolist())) == 30
    assert (found.images.ravel() == found.labels).all()
    assert (compared(real).images == found.images).all()
    assert compared(found) is found


def test_labels_come_in_the_proportions_of_the_data() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    real = Reals(np.zeros((100, 1, 1, 1), np.uint8), labels, ["a", "b", "c"])
    assert np.bincount(drawn_labels(real, 300, 0)).tolist() == [150, 90, 60]
    drawn = drawn_labels(real, 60, 7)
    assert (drawn == drawn_labels(real, 60, 7)).all()
    assert (drawn != drawn_labels(real, 60, 8)).any()
    assert np.bincount(drawn)[0] == pytest.approx(30, abs=8)
