"""Which settings make no sense, or none together, where a field alone cannot tell."""

import math
from typing import Any

from PIL import ImageColor

from runs.flags import as_flag
from runs.presets import CHOSEN_FOR
from support.errors import UserError
from support.files import file_in_the_way, refuse_pattern

# The networks that a setting is of.
OF_ARCHITECTURES = {
    "gf_dim": ("dcgan", "dcgan_mnist"),
    "df_dim": ("dcgan", "dcgan_mnist"),
    "gfc_dim": ("dcgan_mnist",),
    "dfc_dim": ("dcgan_mnist",),
    "d_batch_norm": ("dcgan", "dcgan_mnist"),
}

GENERAL = ("learning_rate", "optimizer")  # of both networks; each may have its own


def check(settings: Any) -> None:
    """Refuse values of a runs.settings.Settings, which calls this, that make no sense.

    Raises:
        UserError: names the flag, its value and what it takes.
    """
    if not (math.isinf(settings.train_size) or settings.train_size.is_integer()):
        raise UserError(f"--train_size={settings.train_size}: a whole number of images, or inf")
    if settings.is_idx_set and settings.c_dim == 3:
        raise UserError(f"--c_dim=3: {settings.dataset} is grey; leave --c_dim out")
    if settings.labels_file and settings.is_idx_set:
        raise UserError(f"--labels_file: {settings.dataset} holds its own labels; leave it out")
    if settings.arch == "dcgan_mnist" and not settings.with_labels:
        raise UserError("--arch=dcgan_mnist needs labels: --labels, or --arch=dcgan")
    if settings.labels is False and "labels_file" in settings.given:
        by = "" if settings.preset == "original" else f" (of --preset={settings.preset})"
        raise UserError(f"--nolabels{by} and --labels_file: give one of them")
    refuse_meaningless(settings, complete=not settings.train)
    try:
        ImageColor.getrgb(settings.background)
    except ValueError as error:
        raise UserError(
            f"--background={settings.background}: give a colour's name or #rrggbb"
        ) from error
    refuse_pattern(settings.run_folder(settings.checkpoint_dir))
    if settings.strategy != "none" and settings.train:
        if settings.xla:
            raise UserError(f"--xla does not go with --strategy={settings.strategy}: leave it out")
        if ":" in settings.device:
            raise UserError(
                f"--device={settings.device}: --strategy={settings.strategy} takes every GPU; to "
                "choose some, set CUDA_VISIBLE_DEVICES"
            )
    if not settings.dataset.strip("/.") or settings.dataset.startswith("-"):
        raise UserError(f"--dataset={settings.dataset!r}: name a folder in --data_dir, or mnist")


def refuse_files(settings: Any) -> None:
    """Refuse folders to write to that are files, or lie below one.

    Raises:
        UserError: names the flag, or what to move away.
    """
    out = settings.out_dir / settings.out_name
    kinds = {name: out / getattr(settings, name) for name in ("checkpoint_dir", "sample_dir")}
    named = {"out_dir": settings.out_dir, "out_name": out, **kinds}
    for name, folder in named.items():
        if file := file_in_the_way(folder):
            value = getattr(settings, name)
            raise UserError(f"--{name}={value}: {file} is a file. Give a folder")
    for kind in (settings.checkpoint_dir, settings.sample_dir, "logs"):
        if file := file_in_the_way(settings.run_folder(kind)):
            raise UserError(f"{file} is a file where a folder is needed: move it away")


def idle(settings: Any) -> set[str]:
    """The names of settings that do nothing beside others, which refuse_meaningless goes by."""
    training = settings.training(penalty_weight=None)  # which may wait for the run's loss
    does_nothing = {name: name not in training.deciding(name) for name in GENERAL}
    does_nothing |= {"beta1": "adam" not in training.optimizers}
    does_nothing |= {"eval_space": not settings.eval_freq}
    return {name for name, holds in does_nothing.items() if holds}


def refuse_meaningless(settings: Any, complete: bool) -> None:
    """Refuse settings of networks and steps that would do nothing beside others.

    complete: whether they are all that there is. What is typed for a training is not, as long as
    what its run has stored may still be put beside it.

    Raises:
        UserError: names both.
    """
    # A weight that is typed alone may be of the loss that the run has.
    waits = not complete and "loss" not in settings.given
    try:
        training = settings.training(**({"penalty_weight": None} if waits else {}))
        settings.network(c_dim=1, y_dim=None)
    except ValueError as error:
        raise UserError(f"--{error}") from error
    arch = settings.architecture
    if arch not in CHOSEN_FOR.get(settings.preset, (arch,)):
        raise UserError(
            f"--preset={settings.preset} does not go with --arch={arch}: it was chosen for the "
            "DCGAN's two networks. Give --preset=fully_connected, or --ema=0.1 alone"
        )
    for name, of in OF_ARCHITECTURES.items():
        if name in settings.given and arch not in of:
            raise UserError(
                f"{as_flag(name, getattr(settings, name))} does not go with --arch={arch}: it is "
                f"of {' and '.join(of)}. Leave it out"
            )
    typed = settings.given - settings.by_preset  # a preset's are not: nobody could leave them out
    in_vain = typed & idle(settings)
    if "beta1" in in_vain:
        others = [as_flag(*one) for one in training.deciding("optimizer").items()]
        raise UserError(
            f"--beta1={settings.beta1:g} does not go with {' and '.join(others)}: it is Adam's. "
            "Leave it out"
        )
    for name in GENERAL:
        own = training.deciding(name)
        if name in in_vain and (complete or own.keys() <= typed):
            by_preset = own.keys() & settings.by_preset
            whose = (
                f" of --preset={settings.preset}" if by_preset else " of the run as it is stored"
            )
            advice = f"type {' and '.join(f'--{one}' for one in own)} in its place"
            if own.keys() <= typed:
                whose, advice = "", "leave it out"
            raise UserError(
                f"{as_flag(name, getattr(settings, name))} does nothing beside "
                f"{' and '.join(as_flag(*one) for one in own.items())}{whose}: {advice}"
            )
    if "eval_space" in in_vain:
        raise UserError(
            f"--eval_space={settings.eval_space} says what --eval_freq measures in: give that, "
            "too, such as --eval_freq=500"
        )
    if settings.initializer and settings.init_from:
        raise UserError(
            f"--initializer={settings.initializer} does not go with --init_from: the first weights "
            "are those. Leave one out"
        )
