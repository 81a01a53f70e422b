"""Write a trained run for other programs, and see that they get the same pictures from it.

  python export.py --run checkpoint/mnist_64_28_28 --format savedmodel
  python export.py --run checkpoint/mnist_64_28_28 --format onnx litert npz
  python export.py --run checkpoint/mnist_64_28_28 --format onnx --which best --weights raw
  python export.py --run checkpoint/mnist_64_28_28 --format report
  python export.py --run checkpoint/mnist_64_28_28 --format pretrained --out pretrained/mnist

Each file with networks is loaded by a fresh process that has nothing of this program, and what
that makes of the same z is compared with what the run makes. A model card, model.json and model.md,
goes along.
"""

if __name__ == "__main__":  # before all else is loaded
    from support.early import watch_signals

    watch_signals()

import argparse
import itertools
import sys
from collections.abc import Sequence

from support.console import Parser, checked_imports, nearest, run_command, say, say_written
from support.errors import RunError
from support.text import in_units

with checked_imports():
    from exports.formats import FORMATS, refuse_missing, refuse_tags, write
    from generation.flags import WEIGHTS, WHICH, add_setting, add_start, out_folder, run_folder

SETTINGS = ("output_height", "output_width", "z_dist", "which", "weights")


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) -> exit status as main.main's."""
    return run_command(_run, argv)


def _run(argv: Sequence[str]) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.run is None:
        parser.error("--run is missing: the folder of a trained run's checkpoints")
    formats = list(dict.fromkeys(itertools.chain(*(arguments.format or []))))
    if not formats:
        parser.error(f"--format is missing: there are {', '.join(FORMATS)}")
    refuse_missing(formats)
    # TensorFlow takes seconds to load, so it is loaded only now that the command line is right.
    from support.startup import start_tensorflow

    say(start_tensorflow(arguments.device or "auto", arguments.verbose))
    _export(arguments, formats)
    return 0


def _export(arguments: argparse.Namespace, formats: Sequence[str]) -> None:
    """Write each format and check it; write the card.

    Raises:
        RunError: one does not give what the run gives; all are written and stay.
    """
    from exports.card import size_of, write_card
    from exports.check import BATCHES, check
    from metrics.evaluation import suffix_of
    from runs.opened import open_run
    from runs.stored import beside

    typed = {name: value for name in SETTINGS if (value := vars(arguments)[name]) is not None}
    trained = open_run(arguments.run, typed)
    say(f"loaded {trained.loaded}")
    refuse_tags(formats, trained)
    name = f"step_{int(trained.dcgan.step):06}{suffix_of(trained.weights)}"
    folder = arguments.out or beside(arguments.run, "exported") / name
    checks = []
    for one in formats:
        for written in write(one, trained, folder):
            say_written(f"{written.path} ({in_units(size_of(written.path))}), {written.text}")
            if written.reader:
                checks.append(check(trained, written))
                say(f"  in a process of its own: {checks[-1].words}")
    if formats != ["report"]:
        for path in write_card(trained, checks, folder, arguments.licence):
            say_written(path)
    wrong = [checked.written.path.name for checked in checks if not checked.is_same]
    if wrong:
        raise RunError(
            f"{', '.join(wrong)} of {folder}: not what the run itself gives, by {sum(BATCHES)} z "
            "(see above). The files are left as they are"
        )


def _parser() -> Parser:
    rows = "".join(f"\n  {name:12}{one.text}" for name, one in FORMATS.items())
    parser = Parser("export.py", f"{__doc__}\nFormats:{rows}")
    parser.add_argument("--run", type=run_folder, help="the folder of a trained run's checkpoints")
    several = "one or more of them: savedmodel onnx, or savedmodel,onnx"
    parser.add_argument("--format", type=_formats, nargs="+", metavar="NAME", help=several)
    add_setting(parser, "which", WHICH)
    add_setting(parser, "weights", WEIGHTS)
    out = "where the files go [exported/RUN/STEP, beside a folder checkpoint that the run is in]"
    parser.add_argument("--out", type=out_folder, help=out)
    licence = "of the data, for the model card [what is known of MNIST, Fashion-MNIST, CelebA]"
    parser.add_argument("--licence", metavar="TEXT", help=licence)
    add_start(parser)
    add_setting(parser, "z_dist", "what z is drawn from [the run's]")
    for size in ("output_height", "output_width"):
        add_setting(parser, size, "only for the original's checkpoints")
    return parser


def _formats(text: str) -> list[str]:
    """The type of --format, for argparse: names with commas between them."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            guess = nearest(name, FORMATS)
            there = f"there are {', '.join(FORMATS)}"
            raise argparse.ArgumentTypeError(f"there is no format {name}: {there}.{guess}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
