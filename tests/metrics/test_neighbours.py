"""What lies among whose neighbours: a dropped class is seen; another program's numbers."""

import numpy as np
import pytest
from makers import two_sets

from metrics import neighbours as module
from metrics.neighbours import neighbours


def test_a_set_covers_itself() -> None:
    real, _ = two_sets()
    found = neighbours(real, real)
    assert found[:2] == (1, 1)
    assert found.coverage == 1
    assert found.density == pytest.approx(1, abs=0.05)


def test_sets_far_apart_share_nothing() -> None:
    real, _ = two_sets()
    assert neighbours(real, real + 100) == (0, 0, 0, 0)


def test_a_dropped_class_is_seen_in_recall_and_coverage_but_not_in_precision() -> None:
    real, _ = two_sets()
    centres = np.repeat(np.eye(4, 16) * 50, 100, axis=0)
    fake = np.roll(real, 1, axis=0) * 1.01 + centres
    whole, without = (neighbours(real + centres, rows) for rows in (fake, fake[100:]))
    assert whole.recall > 0.95
    assert without.recall == pytest.approx(0.75, abs=0.03)
    assert without.coverage == pytest.approx(0.75, abs=0.03)
    assert without.precision > 0.95


@pytest.mark.parametrize("values", [1, 4000, 2**23])
def test_another_program_computes_the_same(values: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """prdc 0.2, compute_prdc with nearest_k=3 (precision, recall) and 5 (density, coverage)."""
    monkeypatch.setattr(module, "BLOCK_VALUES", values)
    expected = (0.89, 0.345, 1.7913333333333334, 0.925)
    assert neighbours(*two_sets()) == pytest.approx(expected)
