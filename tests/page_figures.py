"""How large, fast and exact the pages of the included models are: a table of docs/web.md.

PYTHONPATH=. python tests/page_figures.py
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from browser import opened, pixels, running
from makers import PROJECT

from exports.web import write_page
from generation.latent import labels_of_seeds, z_of_seeds
from runs.opened import Trained, open_run
from utils import sample_pixels

SEEDS = range(64)
LOADS = 3
HEADER = "page            MB  ms a picture  s until the first  error of 255     dB  worst dB"


def main() -> None:
    """Print a line for each model, in float16 and in int8."""
    print(HEADER)
    with running() as browser, tempfile.TemporaryDirectory() as name:
        for run in ("mnist", "faces"):
            trained = open_run(PROJECT / "pretrained" / run, {})
            for int8 in (False, True):
                page = write_page(trained, Path(name) / f"{run}.html", int8)
                print(f"{run + ' int8' * int8:12}{figures(browser, page, trained)}", flush=True)


def figures(browser: Any, path: Path, trained: Trained) -> str:
    """What a page takes, as medians of some loads, and how far its pictures are from the run's."""
    loads = [load(browser, path) for _ in range(LOADS)]
    apart = np.abs(loads[0][2].astype(float) - wanted(trained))
    power = np.square(apart).mean((1, 2, 3))
    of_each = 10 * np.log10(255**2 / np.maximum(power, 1e-9))
    of_all = 10 * np.log10(255**2 / power.mean())
    ms = statistics.median(one[0] for one in loads)
    first = statistics.median(one[1] for one in loads)
    speed = f"{path.stat().st_size / 1e6:6.1f} {ms:13.1f} {first:18.2f}"
    return f"{speed} {apart.mean():13.4f} {of_all:6.1f} {of_each.min():9.1f}"


def load(browser: Any, path: Path) -> tuple[float, float, np.ndarray]:
    """Open a page -> ms a picture as it shows it, s until its first picture, all pictures."""
    begun = time.monotonic()
    page = opened(browser, path, f"seed={SEEDS[0]}")
    first = time.monotonic() - begun
    made = []
    for seed in SEEDS:
        page.fill("#seed", str(seed))
        page.press("#seed", "Enter")
        made.append(pixels(page))
    ms = float(page.inner_text("#speed").partition(" ")[0])
    page.context.close()
    return ms, first, np.stack(made)


def wanted(trained: Trained) -> np.ndarray:
    """The same pictures by the run itself: uint8 [64, H, W, 3]."""
    dcgan, classes = trained.dcgan, len(trained.classes)
    z = z_of_seeds(SEEDS, trained.settings.z_dist, dcgan.z_dim)
    labels = labels_of_seeds(SEEDS, classes) if classes else None
    return np.broadcast_to(sample_pixels(dcgan, z, labels), (len(SEEDS), *dcgan.image_shape[:2], 3))


if __name__ == "__main__":
    main()
