"""Flags that several commands share, and the types of their values."""

import argparse
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from generation.latent import LARGEST_SEED, LEAST_TRUNCATION, numbers_of
from support.console import positive
from support.errors import UserError
from support.streams import Z_DISTS

Number = TypeVar("Number", int, float)


def number(kind: type[Number], low: float, high: float = math.inf) -> Callable[[str], Number]:
    """The type of a flag, for argparse: an int or a float in low ... high, never infinite."""
    limits = f"in {low} ... {high}" if high < math.inf else f"{low} or more"
    wanted = f"a {'whole ' if kind is int else ''}number, {limits}"

    def read(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high or value == math.inf:
            raise argparse.ArgumentTypeError(f"{text}: it must be {wanted}")
        return value

    return read


def add_range(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the flags that choose pictures: --num and --seed, and those of add_points."""
    parser.add_argument("--num", type=positive, metavar="N", help=f"pictures to make [{default}]")
    add_seed(parser, "seed of the first one [0]")
    add_points(parser)


def add_points(parser: argparse.ArgumentParser) -> None:
    """Add --seeds and --z, which name latent vectors one by one, and the flags of add_prior."""
    add_seeds(parser, "seeds", "their seeds: 0-99,300")
    parser.add_argument("--z", type=Path, metavar="FILE.npy", help="their z, floats [N, z_dim]")
    add_prior(parser)


def add_seed(parser: argparse.ArgumentParser, text: str) -> None:
    """Add --seed."""
    parser.add_argument("--seed", type=number(int, 0, LARGEST_SEED), metavar="K", help=text)


def add_seeds(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    """Add a flag that takes a list of seeds."""
    seeds = functools.partial(numbers_of, flag=f"--{name}")
    parser.add_argument(f"--{name}", type=seeds, metavar="LIST", help=text)


def add_prior(parser: argparse.ArgumentParser) -> None:
    """Add --label, --z_dist and --truncation: what a seed does not decide."""
    parser.add_argument(
        "--label", metavar="LIST", help="classes: 3, 0-9 or names [drawn from the seed]"
    )
    parser.add_argument("--z_dist", choices=tuple(Z_DISTS), help="what z is drawn from [the run's]")
    parser.add_argument(
        "--truncation",
        type=number(float, LEAST_TRUNCATION),
        metavar="T",
        help="normal z: draw again what lies beyond -T ... T; uniform z: scale by T, up to 1",
    )


def file_to_write(text: str) -> Path:
    """The type of a flag, for argparse: the name of a file, not of a folder."""
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder. Give the name of a file")
    return path


def check_points(arguments: argparse.Namespace) -> None:
    """Refuse flags of add_range and add_points that contradict each other."""
    given = {name for name, value in vars(arguments).items() if value is not None}
    sources = [f"--{name}" for name in ("seeds", "num", "z") if name in given]
    if len(sources) > 1:
        raise UserError(f"{' and '.join(sources)} each say which pictures to make: give one")
    for one, other in (("seed", "seeds"), ("seed", "z"), ("truncation", "z")):
        if {one, other} <= given:
            raise UserError(f"--{one} does not apply to --{other}: leave one of them out")
    if "num" in given and (arguments.seed or 0) > LARGEST_SEED - arguments.num:
        raise UserError(
            f"--seed {arguments.seed or 0}, --num {arguments.num}: seeds end at {LARGEST_SEED}"
        )
