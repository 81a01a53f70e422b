"""Make pictures with a trained run. It needs only the checkpoint (nearest also needs the data).

  python generate.py --run checkpoint/mnist_64_28_28 --num 1000 --seed 0
  python generate.py --run pretrained/mnist --label 0-9 --grid
  python generate.py interpolate --run checkpoint/mnist_64_28_28 --seeds 3,7,12 --loop
  python generate.py arithmetic --run RUN --seeds 1,2,3 --minus 4,5,6 --plus 7,8,9
  python generate.py directions --run RUN --seeds 3,7
  python generate.py project --run RUN face.png
  python generate.py complete --run RUN face.png --mask hole.png
  python generate.py score --run RUN data/anime
  python generate.py nearest --run RUN --num 10

The flags of one of them: python generate.py interpolate --help
"""

if __name__ == "__main__":  # before all else is loaded
    from support.early import watch_signals

    watch_signals()

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from types import ModuleType

from support.console import Parser, checked_imports, plain_words, run_command, say
from support.console import nearest as nearest_name
from support.errors import UserError

with checked_imports():
    from generation import (
        arithmetic,
        complete,
        directions,
        interpolate,
        nearest,
        project,
        sampling,
        score,
    )
    from generation.flags import WEIGHTS, WHICH, add_setting, add_start, out_folder, run_folder

# A command is a file of its name. Its docstring is its help; its results go to samples/RUN/FOLDER.
# It has add_flags(parser); check(arguments), which refuses what cannot work before TensorFlow is
# loaded; and run(trained, arguments), which writes into arguments.out.
COMMANDS: tuple[ModuleType, ...] = (
    interpolate,
    arithmetic,
    directions,
    project,
    complete,
    score,
    nearest,
)
# Also for runs whose images have several classes.
TAKE_TAGS = (sampling, interpolate, arithmetic, directions, nearest)
NAMED = {command.__name__.rpartition(".")[2]: command for command in COMMANDS}
SETTINGS = ("output_height", "output_width", "z_dist", "dataset", "data_dir", "which", "weights")


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) -> exit status as main.main's."""
    return run_command(_run, argv)


def _run(argv: Sequence[str]) -> int:
    name, words = _command_and_flags(plain_words(argv))
    command = NAMED.get(name, sampling)
    parser = _parser(name, command)
    arguments = parser.parse_args(words)
    if arguments.run is None:
        parser.error("--run is missing: the folder of a trained run's checkpoints")
    command.check(arguments)
    # TensorFlow takes seconds to load, so it is loaded only now that the command line is right.
    from support.startup import start_tensorflow

    say(start_tensorflow(arguments.device or "auto", arguments.verbose))
    from runs.opened import open_run
    from runs.stored import beside

    typed = {name: value for name in SETTINGS if (value := vars(arguments).get(name)) is not None}
    trained = open_run(arguments.run, typed)
    say(f"loaded {trained.loaded}")
    if trained.dcgan.config.tags and command not in TAKE_TAGS:
        raise UserError(
            f"{name} is for runs of classes: {arguments.run} has tags, several an image"
        )
    folder = beside(arguments.run, "samples") / _named(command.FOLDER, arguments)
    arguments.out = arguments.out or folder
    command.run(trained, arguments)
    return 0


def _named(folder: str, arguments: argparse.Namespace) -> str:
    """The folder of a command's results, by the checkpoint and the weights if others were typed.

    The same seeds make other pictures by these: they are to be compared, not replaced.
    """
    asked = (arguments.which, "last"), (arguments.weights, "ema")
    return "_".join([folder, *(typed for typed, usual in asked if typed and typed != usual)])


def _command_and_flags(words: list[str]) -> tuple[str, list[str]]:
    """The name of the command ("" for pictures), and the words after it."""
    first = words[0] if words else ""
    if first in NAMED:
        return first, words[1:]
    if first and not first.startswith("-"):
        guess = nearest_name(first, NAMED) or f" The commands are {', '.join(NAMED)}"
        raise UserError(f"there is no command {first}.{guess}")
    for before, word in pairwise(words):
        if word in NAMED and ("=" in before or not before.startswith("-")):
            raise UserError(f"{word} comes first: python generate.py {word} ...")
    return "", words


def _parser(name: str, command: ModuleType) -> Parser:
    others = "".join(f"\n  {word:13}{other.__doc__}" for word, other in NAMED.items())
    description = command.__doc__ if name else f"{__doc__}\nCommands:{others}"
    parser = Parser(f"generate.py {name}".strip(), description)
    parser.add_argument("--run", type=run_folder, help="the folder of a trained run's checkpoints")
    folder = f"samples/RUN/{command.FOLDER}"
    parser.add_argument("--out", type=out_folder, help=f"where the results go [{folder}]")
    add_setting(parser, "which", WHICH)
    add_setting(parser, "weights", WEIGHTS)
    command.add_flags(parser)
    add_start(parser)
    for size in ("output_height", "output_width"):
        add_setting(parser, size, "only for the original's checkpoints")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
