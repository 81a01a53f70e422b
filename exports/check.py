"""Whether an export gives what the run gives: loaded by a program that has nothing of ours."""

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exports.formats import Written
from exports.graphs import labels_to_try
from exports.weights import arrays_of
from support.errors import RunError
from support.streams import draw_z, random_stream
from utils import to_pixels

if TYPE_CHECKING:
    from runs.opened import Trained

BATCHES = (1, 3, 12)
Arrays = Mapping[str, Any]  # arrays by name
# The program that reads an export: this, then the format's own lines, which make `outputs` of
# `path` and `batches`, then the last line. It imports NumPy and the runtime, nothing else.
BEGINNING = """
import sys
import numpy as np

path, given, found = sys.argv[1:]
given = dict(np.load(given))
ends = np.cumsum(given.pop("sizes"))[:-1]
parts = zip(*(np.split(values, ends) for values in given.values()))
batches = [dict(zip(given, part)) for part in parts]

def joined(run):
    made = [run(dict(batch)) for batch in batches]
    return {name: np.concatenate([each[name] for each in made]) for name in made[0]}
"""
END = "np.savez(found, **outputs)\n"


@dataclass(frozen=True)
class Checked:
    """How far an export is from the run: the largest difference, of pictures also in dB.

    is_same: whether that is near enough.
    """

    written: Written
    difference: float
    psnr: float | None
    is_same: bool

    @property
    def words(self) -> str:
        """The figure, and what is wanted."""
        if self.written.least is None:
            return f"{self.difference:.1e} apart at most ({self.written.most:.0e} is allowed)"
        return f"{self.psnr:.1f} dB ({self.written.least:g} or more are wanted)"


def check(trained: "Trained", written: Written) -> Checked:
    """Have a fresh process load the export, give it what the run is given, compare.

    Raises:
        RunError: the process fails.
    """
    given = inputs(trained)
    found = read_back(written, given)
    return compared(written, found, outputs(trained, given), trained.dcgan.value_range)


def inputs(trained: "Trained") -> dict[str, Any]:
    """z, with labels y, and images that the run makes of them: float32, in all batches together."""
    dcgan, count = trained.dcgan, sum(BATCHES)
    stream = random_stream(0, "export check")
    given = {"z": draw_z(stream, trained.settings.z_dist, count, dcgan.z_dim)}
    if (y := labels_to_try(dcgan, count)) is not None:
        given["y"] = y
    return given | {"images": dcgan.sampler(given["z"], given.get("y")).numpy()}


def outputs(trained: "Trained", given: Arrays) -> dict[str, Any]:
    """All that an export may give, as the run itself gives it: by name."""
    dcgan, asked = trained.dcgan, (given["images"], given.get("y"))
    logits = dcgan.discriminate(*asked).numpy()
    return {
        "images": given["images"],
        "logits": logits,
        "probability": np.asarray(dcgan.loss.probability(logits)),
        "features": dcgan.features(*asked).numpy(),
        **arrays_of(dcgan),
    }


def read_back(written: Written, given: Arrays) -> dict[str, Any]:
    """What a fresh process gets out of an export.

    Raises:
        RunError: it fails; says the last that it printed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "given.npz", sizes=np.array(BATCHES), **given)
        # In a folder with no code; on the CPU, as a GPU's memory may be taken, and may round.
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        paths = [written.path.resolve(), folder / "given.npz", folder / "found.npz"]
        done = subprocess.run(
            [sys.executable, "-c", BEGINNING + written.reader + END, *map(str, paths)],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
            raise RunError(f"{written.path}: a fresh process cannot use it: {lines[-1]}")
        with np.load(folder / "found.npz") as found:
            return dict(found)


def compared(
    written: Written, found: Arrays, wanted: Arrays, value_range: tuple[float, float]
) -> Checked:
    """How far what was found is from what is wanted; pixels must be those of the images found."""
    worst, is_near = 0.0 if found else math.inf, True
    for name, values in found.items():
        if name == "pixels":
            is_right = np.array_equal(values, to_pixels(found["images"], value_range))
            worst = worst if is_right else math.inf
        elif values.shape != wanted[name].shape:
            worst = math.inf
        else:
            apart = np.abs(values - wanted[name]).max(initial=0)
            scale = max(1.0, np.abs(wanted[name]).max(initial=0))
            worst = np.maximum(worst, apart / scale)
            is_near &= bool(apart <= written.rounded.get(name, math.inf))
    if written.least is None:
        return Checked(written, float(worst), None, is_near and bool(worst <= written.most))
    psnr = math.nan
    if math.isfinite(worst):
        error = np.square(found["images"] - wanted["images"]).mean()
        span = value_range[1] - value_range[0]
        psnr = 10 * math.log10(span**2 / error) if error else math.inf
    return Checked(written, float(worst), psnr, psnr >= written.least)
