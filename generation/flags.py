"""Flags that several commands share, and the types of their values."""

import argparse
import functools
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from generation.latent import numbers_of, refuse_no_z, seeds_from
from runs.flags import flags_of, value_of
from runs.settings import Settings
from support.console import positive
from support.errors import UserError
from support.files import file_in_the_way, refuse_to_replace

WHICH = "the checkpoint: last, best (of --eval_freq) or a step [last]"
WEIGHTS = "of G: raw, or ema for the averaged ones [ema where the run has them]"


def add_setting(parser: argparse.ArgumentParser, name: str, text: str = "") -> None:
    """Add a flag that main.py has too: its field of Settings says what it takes, and its words."""
    one = flags_of(Settings)[name]
    flag, read = one.metadata["flag"], functools.partial(value_of, one)
    text = text or f"{flag.text} [the run's]"
    parser.add_argument(f"--{name}", type=read, choices=flag.choices or None, help=text)


def add_start(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how TensorFlow is started."""
    add_setting(parser, "device", "auto, cpu, gpu or gpu:N [auto]")
    parser.add_argument("--verbose", action="store_true", help="show TensorFlow's own messages")


def add_range(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the flags that choose pictures: --num and --seed, and those of add_points."""
    parser.add_argument("--num", type=positive, metavar="N", help=f"pictures to make [{default}]")
    add_setting(parser, "seed", "seed of the first one [0]")
    add_points(parser)


def add_points(parser: argparse.ArgumentParser) -> None:
    """Add --seeds and --z, which name latent vectors one by one, and the flags of add_prior."""
    add_seeds(parser, "seeds", "their seeds: 0-99,300")
    parser.add_argument("--z", type=Path, metavar="FILE.npy", help="their z, floats [N, z_dim]")
    add_prior(parser)


def add_seeds(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """Add a flag that takes a list of seeds."""
    seeds = functools.partial(numbers_of, flag=f"--{name}")
    parser.add_argument(f"--{name}", type=seeds, metavar="LIST", help=text)


def add_prior(parser: argparse.ArgumentParser) -> None:
    """Add --label, --z_dist and --truncation: what a seed does not decide."""
    classes = "classes: 3, 0-9 or names [drawn from the seed]; or tags, all of them in each [none]"
    parser.add_argument("--label", metavar="LIST", help=classes)
    add_setting(parser, "z_dist", "what z is drawn from [the run's]")
    # With less, draws of normal z that pass are too rare to wait for.
    cut = "normal z: draw again what lies beyond -T ... T; uniform z: scale by T, up to 1"
    parser.add_argument("--truncation", type=number(0.01), metavar="T", help=cut)


def number(low: float, high: float = math.inf) -> Callable[[str], float]:
    """The type of a flag, for argparse: a number in low ... high."""

    def read(text: str) -> float:
        with suppress(ValueError):
            if low <= (value := float(text)) <= high:
                return value
        raise argparse.ArgumentTypeError(f"{text}: it must be a number, {low} ... {high}")

    return read


def add_file(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """Add a flag that takes the name of a .npy file to write."""
    parser.add_argument(f"--{name}", type=_file_to_write, metavar="FILE.npy", help=text)


def _file_to_write(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder. Give the name of a file")
    refuse_to_replace(path)
    return path


def refuse_to_replace_inputs(arguments: argparse.Namespace, *outputs: Path | None) -> None:
    """Refuse outputs that are among what the command reads: images, --z, the files of the run."""
    inputs = [*getattr(arguments, "images", ()), *arguments.run.iterdir()]
    inputs += [arguments.z] if getattr(arguments, "z", None) else []
    for output in filter(None, outputs):
        refuse_to_replace(output, inputs)


def check_points(arguments: argparse.Namespace) -> None:
    """Refuse flags of add_range and add_points that contradict each other, and a --z without z."""
    given = {name for name, value in vars(arguments).items() if value is not None}
    sources = [f"--{name}" for name in ("seeds", "num", "z") if name in given]
    if len(sources) > 1:
        raise UserError(f"{' and '.join(sources)} each say which pictures to make: give one")
    for one, other in (("seed", "seeds"), ("seed", "z"), ("truncation", "z")):
        if {one, other} <= given:
            raise UserError(f"--{one} does not apply to --{other}: leave one of them out")
    if {"seed", "num"} <= given and "label" not in given:  # with it, a seed may be of many pictures
        seeds_from(arguments.seed, arguments.num)
    if "z" in given:
        refuse_no_z(arguments.z)


def run_folder(text: str) -> Path:
    """The type of --run, for argparse: a folder that exists."""
    run = Path(text)
    if run.is_dir():
        return run
    advice = ""
    if run.with_name(f"{run.name}.index").is_file():
        step = run.name.rpartition("-")[2]
        advice = f"; it is a checkpoint: give --run {run.parent} --which {step}"
    raise argparse.ArgumentTypeError(f"{run}: there is no such folder{advice}")


def out_folder(text: str) -> Path:
    """The type of --out, for argparse: a folder, which may yet have to be made."""
    out = Path(text)
    if file := file_in_the_way(out):
        raise argparse.ArgumentTypeError(f"{file} is a file. Give a folder")
    return out
