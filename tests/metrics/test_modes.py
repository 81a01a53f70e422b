"""The classes that are drawn."""

import math

import numpy as np
import pytest

from metrics.modes import label_accuracy, modes


def test_even_classes_have_the_largest_entropy() -> None:
    even = np.arange(1000) % 10
    found = modes(even, even, 10)
    assert found.histogram == pytest.approx([0.1] * 10)
    assert found.entropy == pytest.approx(math.log(10))
    assert found.modes == 10


def test_a_dropped_class_and_a_rare_one_are_no_modes() -> None:
    even = np.arange(1000) % 10
    drawn = np.concatenate([np.arange(792) % 8, np.full(9, 8)])  # 9 never, 8 rarely
    assert modes(even, drawn, 10).modes == 9
    assert modes(even, drawn[:-3], 10).modes == 8
    assert modes(even, drawn, 10).histogram[9] == 0
    assert modes(even, np.full(5, 3), 10) == ([0, 0, 0, 1, 0, 0, 0, 0, 0, 0], 0, 1)


def test_a_class_that_the_data_do_not_have_is_no_mode() -> None:
    assert modes(np.array([0, 1]), np.array([0, 1, 2, 2]), 3).modes == 2


def test_label_accuracy_counts_what_was_asked_for() -> None:
    assert label_accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 4])) == 0.75
