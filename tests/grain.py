"""Where the grain of a run's pictures comes from: two tables and a picture of docs/quality.md.

PYTHONPATH=. python tests/grain.py RUN [DATA_DIR]

RUN is the folder of the checkpoints of a run with --ema. DATA_DIR is the one it was trained with.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from makers import drawn

from metrics.reals import open_reals, settings_of_data
from runs.opened import Trained, open_run
from utils import save_grid

COUNT = 512
LAST = "generator/g_h4/w"  # of G's last transposed convolution, [5, 5, c_dim, gf_dim]
STRIDE = 2
SHOWN, ENLARGED = 8, 3


def main(run: Path, data_dir: str = "data") -> None:
    """Print both tables, of real images and of raw and averaged weights; write the picture."""
    averaged, raw = (open_run(run, {"data_dir": data_dir, "weights": w}) for w in ("ema", "raw"))
    data = open_reals(settings_of_data(averaged), print).images
    sets = {"real": data[:COUNT], "raw": drawn(raw, COUNT), "averaged": drawn(averaged, COUNT)}
    shown = np.concatenate([sets["raw"][:SHOWN], sets["averaged"][:SHOWN]])
    even_out(averaged)
    sets["averaged, evened out"] = drawn(averaged, COUNT)
    powers = {name: power(images) for name, images in sets.items()}
    for table in (alternating, by_frequency):
        for name, found in powers.items():
            print(f"| {name} | {' | '.join(table(found))} |", flush=True)
    large = shown.repeat(ENLARGED, 1).repeat(ENLARGED, 2)
    print(f"wrote {save_grid(large, Path('docs/images/quality_grain.png'), (2, SHOWN))}")


def even_out(trained: Trained) -> None:
    """Have the four kinds of pixels that the last layer makes answer alike to an even input.

    A pixel in an odd row or column gets other taps of the filter than its neighbours do. Here the
    sums of each of the four sets of taps become their mean.
    """
    weights = trained.dcgan.sampled.named_variables()[LAST]
    values = weights.numpy().copy()
    sets = [values[row::STRIDE, column::STRIDE] for row in (0, 1) for column in (0, 1)]
    mean = np.mean([taps.sum((0, 1)) for taps in sets], 0)
    for taps in sets:
        taps[:] += (mean - taps.sum((0, 1))) / (taps.shape[0] * taps.shape[1])
    weights.assign(values)


def power(images: np.ndarray) -> np.ndarray:
    """The mean power of each frequency of the grey pictures, [H, W]; their mean is taken out."""
    grey = images.astype(float).mean(-1)
    grey -= grey.mean((1, 2), keepdims=True)
    height, width = grey.shape[1:]
    return np.square(np.abs(np.fft.fft2(grey)) / (height * width)).mean(0)


def alternating(found: np.ndarray) -> list[str]:
    """Of a `power`, that of what changes from pixel to pixel: chequered, in rows, in columns."""
    height, width = (side // 2 for side in found.shape)
    return [f"{found[at]:.3f}" for at in ((height, width), (height, 0), (0, width))]


def by_frequency(found: np.ndarray) -> list[str]:
    """Of a `power`, that of six bands, from the lowest frequencies to the highest."""
    rows, columns = (np.abs(np.fft.fftfreq(side)) * 2 for side in found.shape)
    radius = np.hypot(rows[:, np.newaxis], columns)
    bands = pairwise((0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 2))
    return [f"{found[(radius >= low) & (radius < high)].sum():.0f}" for low, high in bands]


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
