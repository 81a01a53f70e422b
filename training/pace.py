"""What is otherwise for a few hundred images: pictures and checkpoints come sooner, and advice."""

import math
from collections.abc import Iterator

from runs.settings import Settings

SMALL = 500  # images in an epoch, at most
ENOUGH_STEPS = 2000
# Steps that lie between two at least: a checkpoint is large, and a picture seldom new.
AT_LEAST = {"sample_freq": 20, "ckpt_freq": 100}


def frequency(settings: Settings, name: str, images: int, batches: int) -> int:
    """Steps from one sample picture ("sample_freq") or checkpoint ("ckpt_freq") to the next.

    What the flag says, if it was given or the set is not small. Otherwise one at the end of each
    epoch, or where epochs are short of every so many, but not more seldom than the flag's default.
    """
    usual: int = getattr(settings, name)
    if name in settings.given or images > SMALL:
        return usual
    return min(usual, batches * math.ceil(AT_LEAST[name] / batches))


def pace(settings: Settings, images: int, batches: int) -> str:
    """How often there is a sample picture and a checkpoint, in words."""
    sample, checkpoint = (frequency(settings, name, images, batches) for name in AT_LEAST)
    return f"a sample picture every {sample:,} steps, a checkpoint every {checkpoint:,}"


def advice(settings: Settings, images: int, batches: int) -> Iterator[str]:
    """A line for a small set that lacks what would help; else none."""
    steps = settings.epoch * batches
    missing = [f"--{name}" for name in ("flip", "augment") if not getattr(settings, name)]
    if images > SMALL or (steps >= ENOUGH_STEPS and not missing):
        return
    plural = "s" if batches > 1 else ""
    line = (
        f"a small set: {batches:,} step{plural} an epoch, --epoch {settings.epoch} makes {steps:,}"
    )
    if steps < ENOUGH_STEPS:
        line += f", --epoch {math.ceil(ENOUGH_STEPS / batches)} about {ENOUGH_STEPS:,}"
    if missing:
        line += f"; {' '.join(missing)} would make more of the images"
    yield f"{line} (docs/small-sets.md)"
