"""How much of a run's `kid` is noise on flat areas: two tables of docs/quality.md.

PYTHONPATH=. python tests/noise.py RUN [DATA_DIR]

RUN is the folder of the checkpoints of a run on drawings, whose corners are flat. DATA_DIR is the
one it was trained with.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from makers import drawn
from scipy.ndimage import gaussian_filter, median_filter

from datasets.dataset import arrays_of
from metrics.kid import kernel_distance
from metrics.reals import open_reals, settings_of_data
from metrics.spaces import blocks_of, features_of, open_space
from runs.opened import open_run

COUNT = 512
SUBSETS = 50
DEVIATIONS = (1, 2, 4, 8, 16)  # of 255
BLURS = (0.4, 0.7, 1.0)  # pixels
CORNER = slice(1, 9)


def main(run: Path, data_dir: str = "data") -> None:
    """Print `kid` of real images with noise and blurred; then what the run's pictures are like."""
    averaged, raw = (open_run(run, {"data_dir": data_dir, "weights": w}) for w in ("ema", "raw"))
    settings = settings_of_data(averaged)
    data = open_reals(settings, print).images
    real, others = data[:COUNT], data[COUNT : 2 * COUNT]
    space = open_space("efficientnet", settings, arrays_of(settings), print)

    def kid(one: np.ndarray, other: np.ndarray) -> str:
        features = [features_of(space, blocks_of(x), len(x), "").values for x in (one, other)]
        return f"{kernel_distance(features[0], features[1], SUBSETS).mean:.4f}"

    noise = np.random.Generator(np.random.Philox(0)).normal(0, 1, others.shape)
    for deviation in DEVIATIONS:
        print(f"| noise, deviation {deviation} | {kid(real, whole(others + deviation * noise))} |")
    for blur in BLURS:
        blurred = gaussian_filter(others.astype(float), (0, blur, blur, 0))
        print(f"| blurred by {blur} pixels | {kid(real, whole(blurred))} |", flush=True)
    print(f"| corners of real images | {unevenness(real):.1f} |")
    for trained in (raw, averaged):
        pictures, weights = drawn(trained, COUNT), trained.weights
        print(f"| corners, {weights} | {unevenness(pictures):.1f} |")
        for name, smoothed in SMOOTHED.items():
            print(f"| {weights}, {name} | {kid(smoothed(real), smoothed(pictures))} |", flush=True)


def whole(values: np.ndarray) -> np.ndarray:
    """Values about 0 ... 255 as pixels, uint8."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def unevenness(images: np.ndarray) -> float:
    """The standard deviation within the upper left corner of each channel, on average."""
    return float(images[:, CORNER, CORNER].astype(float).std((1, 2)).mean())


SMOOTHED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as they are": np.asarray,
    "both by a median of 3x3": lambda images: median_filter(images, (1, 3, 3, 1)),
    "both by a median of 5x5": lambda images: median_filter(images, (1, 5, 5, 1)),
}

if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
