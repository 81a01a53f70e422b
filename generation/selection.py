"""Which pictures are asked for: the z, the label and the name of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.latent import labels_of_seeds, z_of_seeds
from support.text import name_in_file


@dataclass(frozen=True)
class Selection:
    """Pictures numbered 0 ... count - 1; z and labels are made for a part of them at a time.

    numbers: seeds, or the rows of `rows`. rows: z from a file, [N, z_dim], or None. labels: each
    number's picture is made with each of these, one after the other; if empty, with one drawn from
    the number. classes: their names; empty for networks without labels.
    """

    numbers: Sequence[int]
    rows: np.ndarray | None
    labels: list[int]
    classes: list[str]
    count: int
    z_dist: str
    z_dim: int
    truncation: float | None = None

    def z(self, part: slice) -> np.ndarray:
        """Float32 [N, z_dim] of some of the pictures."""
        numbers = self._numbers(part)
        if self.rows is not None:
            return np.asarray(self.rows[numbers], np.float32)
        return z_of_seeds(numbers, self.z_dist, self.z_dim, self.truncation)

    def labels_of(self, part: slice) -> np.ndarray | None:
        """Class numbers [N] of some of the pictures, None without labels."""
        if not self.classes:
            return None
        if self.labels:
            each = len(self.labels)
            return np.array([self.labels[k % each] for k in range(self.count)[part]], int)
        return labels_of_seeds(self._numbers(part), len(self.classes))

    def names(self, part: slice) -> list[str]:
        """What files of some of the pictures are called: seed00000, or seed00000_label3."""
        kind = "seed" if self.rows is None else "z"
        names = [f"{kind}{number:05}" for number in self._numbers(part)]
        labels = self.labels_of(part)
        if labels is None:
            return names
        return [f"{n}_{self.label_name(k)}" for n, k in zip(names, labels, strict=True)]

    def label_name(self, label: int) -> str:
        """label3, or with a class name, as far as a file's name can hold it: label3_dark-hair."""
        name = self.classes[label]
        if name == str(label):
            return f"label{label}"
        return f"label{label}_{name_in_file(name)}"

    def _numbers(self, part: slice) -> list[int]:
        each = max(1, len(self.labels))
        return [self.numbers[k // each] for k in range(self.count)[part]]
