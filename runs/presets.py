"""--preset: names for lists of flags. What is typed beside one has precedence over it."""

from collections.abc import Mapping
from typing import Any

from runs.flags import as_flag, flags_of

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "original": {},
    # Chosen by the figures in docs/quality.md, as is what MNIST's networks have instead.
    "better": {"learning_rate": 0.0004, "ema": 0.1},
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

# D of the original's network for digits with labels hardly learns beside two updates of G. D of the
# other one, for colour pictures, does.
OF_DIGITS: Mapping[str, Mapping[str, Any]] = {
    "better": {
        # Lower rates make the first thousand steps slow; with higher ones D gets the better of G.
        "g_learning_rate": 0.00015,
        "d_learning_rate": 0.0006,
        "decay_steps": 3000,
        "g_updates": 1,
        "ema": 0.05,  # over a longer part of the run the digits become bolder than real ones
    },
}

# A preset of figures is for the networks whose figures they are. Others are for all.
CHOSEN_FOR = {"better": ("dcgan", "dcgan_mnist")}


def meant_by(preset: str, architecture: str) -> Mapping[str, Any]:
    """The settings that a preset stands for, of these networks."""
    of_digits = OF_DIGITS if architecture == "dcgan_mnist" else {}
    return of_digits.get(preset, PRESETS[preset])


def applied(settings: Any, architecture: str) -> dict[str, Any]:
    """The fields of a Settings that make it what its preset stands for, of these networks.

    What is typed stays. What the preset had set before, of other networks, is the default again.
    """
    before = settings.by_preset or frozenset()
    typed = settings.given - before
    meant = {n: v for n, v in meant_by(settings.preset, architecture).items() if n not in typed}
    defaults = {name: one.default for name, one in flags_of(settings).items() if name in before}
    given = {"given": typed | meant.keys(), "by_preset": frozenset(meant)}
    return defaults | meant | given


def flags_in(preset: str, architecture: str) -> str:
    """The same as one types them; "" for the original's."""
    return " ".join(as_flag(name, value) for name, value in meant_by(preset, architecture).items())
