"""Make pictures with a trained run. It needs the checkpoint, never the data (but for nearest).

  python generate.py --run checkpoint/mnist_64_28_28 --num 1000 --seed 0
  python generate.py --run checkpoint/mnist_64_28_28 --label 0-9 --grid
  python generate.py interpolate --run checkpoint/mnist_64_28_28 --seeds 3,7,12 --loop
  python generate.py arithmetic --run RUN --seeds 1,2,3 --minus 4,5,6 --plus 7,8,9
  python generate.py project --run RUN face.png
  python generate.py score --run RUN data/anime
  python generate.py nearest --run RUN --num 10

The flags of one of them: python generate.py interpolate --help
"""

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from support.console import DASHES, checked_imports, run_command, say
from support.errors import UserError

with checked_imports():
    from generation import interpolate, project, sampling
    from generation.latent import LARGEST_SEED, LEAST_TRUNCATION, LEAST_UNIFORM, METHODS, numbers_of
    from main import parse
    from runs.settings import Settings
    from support.files import read_json
    from support.streams import Z_DISTS


class Command(NamedTuple):
    """A word that is typed first: what it does, its flags, its folder below samples/RUN."""

    text: str
    add_flags: Callable[[argparse.ArgumentParser], None]
    folder: str


class _Parser(argparse.ArgumentParser):
    """One that raises what it has to say, so that it is said as all errors are."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}. All flags: python {self.prog} --help")


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) -> exit status as main.main's."""
    return run_command(_run, argv)


def _run(argv: Sequence[str]) -> int:
    words = [DASHES.sub("--", word) if word != "-h" else "--help" for word in argv]
    name = words.pop(0) if words and words[0] in COMMANDS else ""
    parser = _parser(name)
    if "--help" in words:
        parser.print_help()
        return 0
    arguments = _parsed(parser, words)
    # TensorFlow takes seconds to load: what is wrong with the command line was said before.
    from support.startup import start_tensorflow

    say(start_tensorflow(arguments.device, arguments.verbose))
    from generation.making import WORK
    from runs.opened import open_trained

    settings = _settings_of(arguments)
    _check_truncation(getattr(arguments, "truncation", None), settings)
    arguments.out = arguments.out or _samples_of(arguments.run) / COMMANDS[name].folder
    WORK[name](open_trained(arguments.run, settings, arguments.step), arguments)
    return 0


def _settings_of(arguments: argparse.Namespace) -> Settings:
    """The run's flags, with what was typed in place of them.

    Raises:
        UserError: one makes no sense; of the run's own, the file that holds it is named.
    """
    from runs.stored import RUN_FILE, flags_of

    typed = _typed_again(arguments)
    stored = flags_of(arguments.run)
    try:
        return parse([*stored, *typed])
    except UserError as error:
        parse(typed)
        path = arguments.run / RUN_FILE
        raise UserError(f"{path}: {error}. Mend it, or delete the file") from error


def _check_truncation(value: float | None, settings: Settings) -> None:
    """Raises UserError: it would make more of uniform z than there is."""
    if value is not None and value > 1 and settings.z_dist in LEAST_UNIFORM:
        raise UserError(
            f"--truncation {value:g}: uniform z ({settings.z_dist}) are scaled by it, and beyond 1 "
            "G has learnt nothing. Give 1 or less"
        )


def _samples_of(run: Path) -> Path:
    """Where a run's pictures are: below the folders that it was trained with, by its name now."""
    from runs.stored import RUN_FILE

    stored = read_json(run / RUN_FILE)
    above = (stored.get("out_dir"), stored.get("out_name"), stored.get("sample_dir") or "samples")
    return Path(*(str(part) for part in above if part), run.resolve().name)


def _typed_again(arguments: argparse.Namespace) -> list[str]:
    """What of the command line stands for a flag of the run's, in main.py's words."""
    names = ("output_height", "output_width", "z_dist", "dataset", "data_dir")
    given = {name: getattr(arguments, name, None) for name in names}
    return [f"--{name}={value}" for name, value in given.items() if value is not None]


def _parsed(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """The command line, as far as it can be checked without the networks.

    Raises:
        UserError: an unknown flag (with the nearest name), or values that make no sense.
    """
    arguments, unknown = parser.parse_known_args(words)
    see = f"All flags: python {parser.prog} --help"
    if unknown:
        flag = unknown[0].partition("=")[0]
        known = [*(f"--{name}" for name in vars(arguments)), *COMMANDS]
        near = difflib.get_close_matches(flag, known, n=1, cutoff=0.7)
        guess = f" Did you mean {near[0]}?" if near else ""
        if flag in COMMANDS:
            guess = f" It comes first: python generate.py {flag} ..."
        elif not near and not flag.startswith("-"):
            guess = f" The commands are {', '.join(filter(None, COMMANDS))}."
        raise UserError(f"not understood: {unknown[0]}.{guess} {see}")
    if arguments.run is None:
        raise UserError(f"--run is missing: the folder of a trained run's checkpoints. {see}")
    if not arguments.run.is_dir():
        raise UserError(
            f"--run {arguments.run}: there is no such folder{_or_checkpoint(arguments.run)}"
        )
    asked = vars(arguments)
    for name in ("save_z", "features"):
        if (path := asked.get(name)) and path.is_dir():
            raise UserError(f"--{name} {path}: it is a folder. Give a file's name")
    if arguments.out and arguments.out.exists() and not arguments.out.is_dir():
        raise UserError(f"--out {arguments.out}: it is a file. Give a folder")
    sources = [f"--{name}" for name in ("seeds", "num", "z") if asked.get(name) is not None]
    if len(sources) > 1:
        raise UserError(f"{' and '.join(sources)}: each says which pictures to make; give one")
    for one, other in (("seed", "seeds"), ("seed", "z"), ("truncation", "z")):
        if asked.get(one) is not None and asked.get(other) is not None:
            raise UserError(f"--{one} says nothing of what --{other} gives: leave one of them away")
    if (asked.get("seed") or 0) > LARGEST_SEED - (asked.get("num") or 0):
        raise UserError(f"--seed {arguments.seed}: seeds end at {LARGEST_SEED}")
    if asked.get("grid") is not None and arguments.format == "npy":
        raise UserError("--grid is one picture, --format npy an array of many: give one of them")
    if "frames" in asked:
        interpolate.check_format(arguments.format)
    return arguments


def _or_checkpoint(run: Path) -> str:
    """What to type where --run is not a folder, but a checkpoint in one."""
    if not run.with_name(f"{run.name}.index").is_file():
        return ""
    step = run.name.rpartition("-")[2]
    return f"; it is a checkpoint: give --run {run.parent} --step {step}"


def _parser(name: str) -> argparse.ArgumentParser:
    command = COMMANDS[name]
    others = "".join(f"\n  {word:13}{c.text}" for word, c in COMMANDS.items() if word)
    parser = _Parser(
        prog=f"generate.py {name}".strip(),
        description=command.text if name else f"{__doc__}\nCommands:{others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--run", type=Path, help="the folder of a trained run's checkpoints")
    parser.add_argument(
        "--out", type=Path, help=f"where the results go [the run's samples/{command.folder}]"
    )
    parser.add_argument("--step", type=_positive, metavar="N", help="a checkpoint [the newest]")
    command.add_flags(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N [auto]")
    parser.add_argument("--verbose", action="store_true", help="show TensorFlow's own messages")
    only = "only for the original's checkpoints"
    parser.add_argument("--output_height", type=_positive, metavar="N", help=only)
    parser.add_argument("--output_width", type=_positive, metavar="N", help=only)
    return parser


def _add_seeds(
    parser: argparse.ArgumentParser, num: str = "100, or as many as fit the grid"
) -> None:
    parser.add_argument("--num", type=_positive, metavar="N", help=f"pictures to make [{num}]")
    parser.add_argument("--seed", type=_seed, metavar="K", help="the first one's [0]")
    _add_points(parser)


def _add_points(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=_seeds, metavar="LIST", help="their seeds: 0-99,300")
    parser.add_argument("--z", type=Path, metavar="FILE.npy", help="their z, floats [N, z_dim]")
    _add_prior(parser)


def _add_prior(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label", metavar="LIST", help="classes: 3, 0-9 or names [of the seed]")
    parser.add_argument("--z_dist", choices=tuple(Z_DISTS), help="what z is drawn from [the run's]")
    parser.add_argument(
        "--truncation",
        type=_truncation,
        metavar="T",
        help="normal z: draw again beyond -T ... T; uniform z: scale by T, up to 1",
    )


def _generate_flags(parser: argparse.ArgumentParser) -> None:
    _add_seeds(parser)
    parser.add_argument(
        "--grid", type=_grid, nargs="?", const=(), metavar="RxC", help="one picture of all"
    )
    parser.add_argument("--format", choices=sampling.FORMATS, default="png", help="[png]")
    parser.add_argument("--save_z", type=Path, metavar="FILE.npy", help="write their z, for --z")


def _interpolate_flags(parser: argparse.ArgumentParser) -> None:
    _add_points(parser)
    parser.add_argument("--frames", type=_positive, default=60, metavar="N", help="[60]")
    parser.add_argument("--loop", action="store_true", help="go back to the first one")
    parser.add_argument(
        "--method", choices=METHODS, help="[lerp for uniform z, slerp for normal z]"
    )
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="[20 frames a second]")
    parser.add_argument("--format", choices=interpolate.FORMATS, default="gif", help="[gif]")


def _arithmetic_flags(parser: argparse.ArgumentParser) -> None:
    for name, text in (("seeds", "z to begin with"), ("minus", "subtract"), ("plus", "add")):
        parser.add_argument(
            f"--{name}", type=_seeds, metavar="LIST", help=f"{text}: the mean of these seeds"
        )
    _add_prior(parser)
    parser.add_argument("--save_z", type=Path, metavar="FILE.npy", help="write the result, for --z")


def _project_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="image files")
    parser.add_argument("--label", metavar="LIST", help="try only these classes [all]")
    parser.add_argument("--z_dist", choices=tuple(Z_DISTS), help="where z may lie [the run's]")
    few = f"[{project.STARTS}, or {project.STARTS_A_LABEL} a label]"
    parser.add_argument("--starts", type=_positive, metavar="N", help=few)
    steps = project.STEPS
    parser.add_argument("--steps", type=_positive, default=steps, metavar="N", help=f"[{steps}]")
    parser.add_argument("--seed", type=_seed, default=0, metavar="K", help="of the starts [0]")


def _score_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images", type=Path, nargs="+", metavar="IMAGES", help="image files and folders of them"
    )
    parser.add_argument("--label", metavar="LIST", help="the best of these classes counts [all]")
    parser.add_argument(
        "--features", type=Path, metavar="FILE.npy", help="write D's last features [N, F]"
    )


def _nearest_flags(parser: argparse.ArgumentParser) -> None:
    _add_seeds(parser, num="10")
    parser.add_argument("--count", type=_positive, default=5, metavar="N", help="for each [5]")
    parser.add_argument("--dataset", help="as for main.py [the run's]")
    parser.add_argument("--data_dir", type=Path, help="as for main.py [the run's]")


COMMANDS = {
    "": Command("pictures", _generate_flags, "generated"),
    "interpolate": Command("An animation from seed to seed.", _interpolate_flags, "interpolated"),
    "arithmetic": Command(
        "The mean z of some seeds, minus others', plus others'.", _arithmetic_flags, "arithmetic"
    ),
    "project": Command("The z whose picture is nearest to an image.", _project_flags, "projected"),
    "score": Command("What D thinks of images, as a CSV.", _score_flags, "scored"),
    "nearest": Command("The training images closest to pictures.", _nearest_flags, "nearest"),
}


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: it must be a whole number, 1 or more")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{text}: it must be in 0 ... {LARGEST_SEED}")
    return int(text)


def _seeds(text: str) -> list[int]:
    return numbers_of(text, "--seeds")


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0.02 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: it must be in 0.02 ... 3600")
    return value


def _truncation(text: str) -> float:
    value = _number(text)
    if not LEAST_TRUNCATION <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: it must be {LEAST_TRUNCATION} or more")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number") from None


def _grid(text: str) -> tuple[int, int]:
    sides = [int(side) for side in text.lower().split("x") if side.isdecimal()]
    if text.lower().count("x") != 1 or len(sides) != 2 or not all(sides):
        raise argparse.ArgumentTypeError(f"{text}: give rows and columns, such as 10x10")
    return sides[0], sides[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
