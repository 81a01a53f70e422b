"""Train a DCGAN, or look at what a trained one makes. The command line of the original.

  python download.py mnist
  python main.py --dataset mnist --input_height=28 --output_height=28 --train
  python main.py --dataset mnist --input_height=28 --output_height=28 --option 1
  python main.py --dataset anime --input_height 96 --output_height 48 --crop --train
  python main.py --dataset faces --labels --flip --augment --train

Without --train it makes pictures with the trained run that these flags name.
"""

if __name__ == "__main__":  # before all else is loaded
    from support.early import watch_signals

    watch_signals()

import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import Field

from support.console import (
    checked_imports,
    nearest,
    plain_words,
    print_note,
    run_command,
    say,
    wrapped,
)
from support.errors import UserError

with checked_imports():
    from absl import flags

    from runs.flags import FieldParser, flags_of, kind_of
    from runs.rules import refuse_files
    from runs.settings import Settings

SYNOPSIS = "usage: python main.py [--flag=value ...]"
SEE_HELP = "All flags: python main.py --help"
NEEDS_LESS = (
    "give a smaller --batch_size, smaller --output_height and --output_width, a smaller --z_dim or "
    "fewer --generate_test_images"
)
TRUTH_VALUES = {"true", "false", "1", "0", "t", "f", "yes", "no"}


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) -> exit status.

    0 when done, 1 for a failure underway, 2 for wrong input, 128 + n when stopped by signal n.
    """
    return run_command(_run, argv, needs_less=NEEDS_LESS)


def _run(argv: Sequence[str]) -> int:
    if {"--help", "--helpfull"} & set(plain_words(argv)):
        with suppress(BrokenPipeError):  # head, or a pager that was left
            say(help_text())
        return 0
    settings = parse(argv)
    refuse_files(settings)
    trains = settings.train and not settings.dry_run
    # TensorFlow takes seconds to load: what is wrong with the command line was said before.
    from support.startup import start_tensorflow

    many = trains and settings.strategy != "none"
    say(start_tensorflow(settings.device, settings.verbose, settings.deterministic, many))
    from runs.plan import resolve
    from training import trainer
    from training.distributed import joined

    with joined(settings.strategy if trains else "none") as cluster:
        plan = resolve(settings, drawn_seed=cluster.of_chief(secrets.randbelow(2**31)))
        for line in plan.notes:
            say(line)
        if settings.dry_run:
            return trainer.dry_run(plan)
        return trainer.train(plan, cluster) if settings.train else trainer.test(plan)


def parse(argv: Sequence[str], kind: type[Settings] = Settings) -> Settings:
    """Turn a command line into settings; says on stderr what was renamed.

    The flags are the fields of `kind`.

    Raises:
        UserError: an unknown flag (with the nearest name), or a value that makes no sense.
    """
    values = flags.FlagValues()
    known = flags_of(kind)
    for name, one in known.items():
        text = one.metadata["flag"].text
        if kind_of(one) is bool:
            flags.DEFINE_boolean(name, None, text, flag_values=values)
        else:
            flags.DEFINE(FieldParser(one), name, None, text, flag_values=values)
    try:
        rest = values(["main.py", *_normalised(argv, known)])[1:]
    except flags.UnrecognizedFlagError as error:
        guess = nearest(f"--{error.flagname}", [f"--{n}" for n in (*known, *_old_names(known))])
        raise UserError(f"there is no flag --{error.flagname}.{guess} {SEE_HELP}") from error
    except (flags.Error, ValueError) as error:  # ValueError: --nolabels=3
        raise UserError(f"{' '.join(str(error).split())}. {SEE_HELP}") from error
    if rest:
        raise UserError(
            f"not understood: {' '.join(rest)}. Flags begin with --, and patterns with * need "
            f'quotes: --input_fname_pattern "*.jpg". {SEE_HELP}'
        )
    typed = {name: values[name].value for name in known if values[name].present}
    return kind(**typed, given=frozenset(typed))


def help_text(kind: type[Settings] = Settings) -> str:
    """All flags, grouped, with their defaults."""
    lines = [(__doc__ or "").strip(), "", SYNOPSIS]
    for name, one in flags_of(kind).items():
        flag = one.metadata["flag"]
        if flag.group:
            lines += ["", f"{flag.group}:"]
        choices = f" ({', '.join(map(str, flag.choices))})" if flag.choices else ""
        default = "" if one.default in (None, False, "") else f" [{one.default}]"
        lines.append(f"  --{name:22}{flag.text}{choices}{default}")
    return wrapped("\n".join(lines))


def _normalised(argv: Sequence[str], known: Mapping[str, Field]) -> list[str]:
    """Undo what web pages do to pasted commands, take old names, allow `--flag True`."""
    booleans = {f"--{name}" for name, one in known.items() if kind_of(one) is bool}
    old_names = _old_names(known)
    result: list[str] = []
    for word in plain_words(argv):
        name, equals, value = word.partition("=")
        if result and result[-1] in booleans and word.lower() in TRUTH_VALUES:
            result[-1] += f"={word}"
        elif name.startswith("--") and (new := old_names.get(name[2:])):
            print_note(f"{name} is called --{new} now")
            result.append(f"--{new}{equals}{value}")
        else:
            result.append(word)
    return result


def _old_names(known: Mapping[str, Field]) -> dict[str, str]:
    """What tutorials of 2016 and 2017 call a flag -> what it is called now; also with no-."""
    old = {one.metadata["flag"].was: name for name, one in known.items()}
    del old[""]
    return old | {f"no{was}": f"no{name}" for was, name in old.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
