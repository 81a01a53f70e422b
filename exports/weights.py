"""All weights as arrays, by the original's names."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exports.formats import Written
from support.files import written_aside

if TYPE_CHECKING:
    from model import DCGAN
    from runs.opened import Trained

FILE = "weights.npz"
READER = """
outputs = dict(np.load(path))
"""


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/weights.npz."""
    path = folder / FILE
    with written_aside(path) as aside:
        np.savez(aside, **arrays_of(trained.dcgan))
    return [Written(path, "weights and moving averages of both networks", READER)]


def arrays_of(dcgan: "DCGAN") -> dict[str, Any]:
    """Both networks' weights and moving averages, by their original names; G as it is sampled."""
    variables = dcgan.sampled.named_variables() | dcgan.discriminator.named_variables()
    return {name: variable.numpy() for name, variable in variables.items()}
