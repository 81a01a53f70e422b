"""All figures together, as evaluate.py and a training ask for them."""

import numpy as np
import pytest
from makers import two_sets

from metrics import evaluation
from metrics.evaluation import FIGURES, distances, evaluate
from metrics.spaces import Features, Space, blocks_of
from support.errors import UserError


def as_pictures(features: np.ndarray) -> np.ndarray:
    return np.clip(features * 30 + 128, 0, 255).astype(np.uint8).reshape(-1, 4, 4, 1)


def flat(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1).astype(np.float32)


def bright(features: np.ndarray) -> np.ndarray:
    return (features.mean(1) > 128).astype(int)


FLAT = Space("flat", "flat 1", flat, 100, bright, 2)


def test_a_training_gets_what_is_quick_and_the_command_everything() -> None:
    real, fake = (as_pictures(rows) for rows in two_sets())
    features = Features("flat 1", flat(real))
    quick = evaluate(FLAT, features, blocks_of(fake, 64), 300, near=False)
    assert list(quick.figures) == ["frechet", "kid", "kid_error", "modes", "entropy"]
    asked = bright(flat(fake))
    asked[:30] = 1 - asked[:30]
    whole = evaluate(FLAT, features, blocks_of(fake, 64), 300, asked, images=real)
    assert list(whole.figures) == list(FIGURES)
    assert whole.figures["label_accuracy"] == pytest.approx(0.9)
    assert quick.figures.items() <= whole.figures.items()
    assert (whole.samples, whole.reals, whole.identity) == (300, 400, "flat 1")
    assert sum(whole.histogram) == pytest.approx(1)


def test_a_space_without_a_classifier_says_nothing_of_classes() -> None:
    real, fake = (as_pictures(rows) for rows in two_sets())
    space = Space("flat", "flat 1", flat)
    found = evaluate(space, Features("flat 1", flat(real)), [fake], 300, np.zeros(300, int))
    assert found.histogram == ()
    assert not {"modes", "entropy", "label_accuracy"} & found.figures.keys()


def test_two_spaces_are_not_compared() -> None:
    real, fake = two_sets()
    with pytest.raises(UserError, match="features of two spaces cannot be compared: a 1, a 2"):
        distances(Features("a 1", real), Features("a 2", fake))


def test_too_few_pictures_are_refused() -> None:
    real, fake = two_sets()
    with pytest.raises(UserError, match="9 pictures to compare: 10 or more are needed"):
        distances(Features("a", real), Features("a", fake[:9]))
    few = distances(Features("a", real[:10]), Features("a", fake[:10]))
    assert all(np.isfinite(value) for value in few.values())


def test_copies_are_looked_for_in_all_pictures_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "SEARCHED", 60)
    real, fake = (as_pictures(rows) for rows in two_sets())
    fake[150:] = real[:150]
    features = Features("flat 1", flat(real))
    found = evaluate(FLAT, features, blocks_of(fake, 64), 300, near=False, images=real)
    assert found.figures["duplicates"] == pytest.approx(0.5, abs=0.02)
