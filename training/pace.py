"""The steps of an epoch in words, and what is different with a few hundred images."""

import math
from collections.abc import Iterator

from datasets.dataset import epoch_of, step_text
from runs.settings import Settings
from support.startup import lacks_bfloat16
from support.text import counted

SMALL = 500  # images in an epoch, at most
ENOUGH_STEPS = 2000
# With 4,096 images D recognised every fake after some 2,000 steps: docs/quality.md, The faces.
FEW = 10_000
# The fewest steps between two: checkpoints are large, and pictures of nearby steps look alike.
AT_LEAST = {"sample_freq": 20, "ckpt_freq": 100}


def epoch_text(settings: Settings, count: int, replicas: int = 1) -> str:
    """How many of `count` images an epoch uses, its steps, and what is left over."""
    size, steps = epoch_of(settings, count, replicas)
    step = step_text(settings, replicas)
    left_over = size - steps * settings.batch_size * replicas
    if left_over < 0:
        return f"1 step an epoch: {size} images, repeated to fill {step}"
    # As the original has it: of an idx set always the same, of a folder others in each epoch.
    some = f"the first {size:,}" if settings.is_idx_set else f"another {size:,}"
    capped = f"{some} of them in each epoch, " if size < count else ""
    each = f" of {step}" if replicas > 1 else ""
    return f"{capped}{counted(steps, 'step')} an epoch{each}, {left_over} left over"


def frequency(settings: Settings, name: str, images: int, batches: int) -> int:
    """Steps from one sample picture ("sample_freq") or checkpoint ("ckpt_freq") to the next.

    The flag's value, if it was given or the set is not small. Small sets have one at the end of
    each epoch, or of every few epochs if these are short, but no more rarely than by the default.
    """
    usual: int = getattr(settings, name)
    if name in settings.given or images > SMALL:
        return usual
    return min(usual, batches * math.ceil(AT_LEAST[name] / batches))


def is_sampled(settings: Settings, step: int, images: int, batches: int) -> bool:
    """Whether step number `step` ends with a sample picture.

    The last step does where there are so few pictures that one wants to see the outcome: of a small
    set, and where it would be the only one. Unless --sample_freq was typed.
    """
    freq, total = frequency(settings, "sample_freq", images, batches), settings.epoch * batches
    typed = settings.given - (settings.by_preset or frozenset())
    if step == total and "sample_freq" not in typed and (images <= SMALL or total < freq):
        return True
    return step % freq == 0


def is_evaluated(settings: Settings, step: int, total: int) -> bool:
    """Whether step number `step` ends with an evaluation: the last one does, too."""
    return settings.eval_freq > 0 and (step == total or step % settings.eval_freq == 0)


def pace(settings: Settings, images: int, batches: int) -> str:
    """How often there is a sample picture and a checkpoint, in words."""
    sample, checkpoint = (frequency(settings, name, images, batches) for name in AT_LEAST)
    text = f"a sample picture every {counted(sample, 'step')}, a checkpoint every {checkpoint:,}"
    freq = settings.eval_freq
    return f"{text}, an evaluation every {freq:,} and at the end" if freq else text


def advice(settings: Settings, count: int, replicas: int = 1) -> Iterator[str]:
    """Lines on what would help a training on `count` images: none where it is well as it is."""
    size, batches = epoch_of(settings, count, replicas)
    steps = settings.epoch * batches
    if settings.precision == "bfloat16" and lacks_bfloat16():
        yield (
            "--precision=bfloat16: this processor has nothing for it (AVX512, AMX), and a step may "
            "take several times as long as in float32. Give --precision=float32"
        )
    # All images count: of a folder, each epoch of --train_size takes others. MNIST was not tried.
    is_few = SMALL < count < FEW and not settings.is_idx_set
    if is_few and steps > ENOUGH_STEPS and not settings.augment:
        yield (
            f"{count:,} images: D may know them by heart after some {ENOUGH_STEPS:,} steps, and "
            f"{steps:,} are to be made. --augment keeps it from that (docs/quality.md)"
        )
    if size <= SMALL:
        yield from _small_set(settings, batches)


def _small_set(settings: Settings, batches: int) -> Iterator[str]:
    """How many steps so few images make, and what would make more of them."""
    steps = settings.epoch * batches
    helpful = ("augment",) if settings.is_idx_set else ("flip", "augment")  # digits have a side
    missing = [f"--{name}" for name in helpful if not getattr(settings, name)]
    if steps >= ENOUGH_STEPS and not missing:
        return
    each = counted(batches, "step")
    line = f"a small set: {each} an epoch, --epoch {settings.epoch} makes {steps:,}"
    if steps < ENOUGH_STEPS:
        line += f", --epoch {math.ceil(ENOUGH_STEPS / batches)} about {ENOUGH_STEPS:,}"
    if missing:
        line += f"; {' '.join(missing)} would make more of the images"
    yield f"{line} (docs/small-sets.md)"
