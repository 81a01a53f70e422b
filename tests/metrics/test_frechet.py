"""The Frechet distance: closed forms, and the number of another program."""

import numpy as np
import pytest
from makers import two_sets

from metrics.frechet import frechet_distance


def test_a_set_is_no_distance_from_itself() -> None:
    real, _ = two_sets()
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)
    few = real[:9]  # fewer rows than columns: the covariance has no inverse
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-6)


def test_shifted_and_stretched_gaussians_have_the_closed_form() -> None:
    real, _ = two_sets()
    shift = np.linspace(-1, 1, real.shape[1])
    assert frechet_distance(real, real + shift) == pytest.approx(np.square(shift).sum(), rel=1e-6)
    # (C 4C)^(1/2) = 2C, so tr(C + 4C - 2 * 2C) = tr C; the means move apart by the mean itself.
    expected = np.cov(real, rowvar=False).trace() + np.square(real.mean(0)).sum()
    assert frechet_distance(real, 2 * real) == pytest.approx(expected, rel=1e-5)


def test_another_program_computes_the_same() -> None:
    """torch-fidelity 0.4.0, fid_statistics_to_metric of fid_features_to_statistics of both sets."""
    assert frechet_distance(*two_sets()) == pytest.approx(2.2391187556346814, rel=1e-6)
