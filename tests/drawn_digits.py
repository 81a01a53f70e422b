"""Which digits a run draws, as they are and without specks: the tables of docs/comparison.md.

PYTHONPATH=. python tests/drawn_digits.py RUN STEP [DATA_DIR]

A classifier that learned from clean digits calls a picture full of specks something, often an 8. A
median over 3x3 pixels removes them; the first lines show that real digits keep their class.
"""

import sys
from pathlib import Path

import numpy as np
from makers import drawn
from scipy.ndimage import median_filter

from datasets.dataset import arrays_of
from metrics.reals import open_reals, settings_of_data
from metrics.spaces import Space, blocks_of, features_of, open_space
from runs.opened import open_run

COUNT = 2000


def main(run: Path, step: str, data_dir: str = "data") -> None:
    """Print the share of each digit, in percent, of real digits and of the run's pictures."""
    trained = open_run(run, {"which": step, "data_dir": data_dir})
    settings = settings_of_data(trained)
    real = open_reals(settings, print).images[:COUNT]
    space = open_space("mnist", settings, arrays_of(settings), print)
    for name, images in (("real", real), ("drawn", drawn(trained, COUNT))):
        seen = classes(space, images)
        smoothed = classes(space, median_filter(images, (1, 3, 3, 1)))
        print(f"{name}: {shares(seen)}")
        print(f"{name}, median: {shares(smoothed)}; {np.mean(seen == smoothed):.1%} the same class")


def classes(space: Space, images: np.ndarray) -> np.ndarray:
    """The class of each image, by the classifier of evaluate.py, int [N]."""
    assert space.classes
    return space.classes(features_of(space, blocks_of(images), len(images), "").values)


def shares(found: np.ndarray) -> str:
    """The percentage of each of ten classes."""
    return " ".join(f"{number}: {np.mean(found == number):.0%}" for number in range(10))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
