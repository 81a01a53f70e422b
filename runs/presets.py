"""--preset: names for lists of flags. What is typed beside one has precedence over it."""

from collections.abc import Mapping
from typing import Any

from runs.flags import as_flag

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "original": {},
    # Chosen by the figures in docs/quality.md.
    "better": {"ema": 0.1},
    # The GAN that tutorials begin with: on MNIST, without convolutions, a picture of 25 digits.
    "fully_connected": {
        "arch": "gan",
        "loss": "gan-halved",
        "z_dist": "normal01",
        "learning_rate": 0.0001,
        "beta1": 0.9,
        "labels": False,
        "sample_num": 25,
        "sample_freq": 1000,
    },
}


def flags_in(preset: str) -> str:
    """The flags that a preset stands for, as one types them; "" for the original's."""
    return " ".join(as_flag(name, value) for name, value in PRESETS[preset].items())
