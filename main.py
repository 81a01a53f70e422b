"""Train a DCGAN, or look at what a trained one makes. The command line of the original.

python download.py mnist
python main.py --dataset mnist --input_height=28 --output_height=28 --train
python main.py --dataset mnist --input_height=28 --output_height=28 --option 1
python main.py --dataset anime --input_height 96 --output_height 48 --crop --train
python main.py --dataset faces --labels --flip --augment --train
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from support.console import checked_imports, nearest, plain_words, run_command, say
from support.errors import UserError

with checked_imports():
    from absl import flags

    from runs.settings import IDX_SETS, Settings, check

SYNOPSIS = "usage: python main.py [--flag=value ...]"
SEE_HELP = "All flags: python main.py --help"


class Flag(NamedTuple):
    """One flag: its default decides its type, unless `kind` does."""

    name: str
    default: Any
    text: str
    kind: type | None = None


FLAGS: dict[str, tuple[Flag, ...]] = {
    "What to do": (
        Flag("train", False, "train; without it, load the checkpoint and make pictures"),
        Flag("option", 0, "which pictures to make, 0 to 4 (see README)"),
        Flag("visualize", False, "make the pictures after training, too"),
        Flag("generate_test_images", 100, "pictures in a grid, frames in an animation"),
        Flag("export", False, "write the trained networks as a SavedModel, without --train"),
        Flag("freeze", False, "write the generator as one frozen graph, without --train"),
        Flag("dry_run", False, "show the settings, the data and the sizes, and stop"),
    ),
    "The data": (
        Flag("dataset", "celebA", "mnist, fashion_mnist, or a folder of images below data_dir"),
        Flag("data_dir", "./data", "where data sets are"),
        Flag("input_fname_pattern", "*.jpg", "which files of the folder; **/*.png searches below"),
        Flag("input_height", None, "centre crop (with --crop) [108; mnist: 28]", int),
        Flag("input_width", None, "[input_height]", int),
        Flag("output_height", None, "size of the pictures to learn [64; mnist: 28]", int),
        Flag("output_width", None, "[output_height]", int),
        Flag("c_dim", None, "1 for grey, 3 for colour [as the images are]", int),
        Flag("crop", False, "cut the centre out before resizing"),
        Flag("background", "white", "what is behind transparent images, a name or #rrggbb"),
        Flag("allow_bad", False, "train even if most files are bad, or too few for a batch"),
        Flag("train_size", float("inf"), "images in an epoch, at most"),
        Flag("labels", None, "a class for each sub-folder; --nolabels: MNIST without", bool),
        Flag("labels_file", None, "or the classes from this CSV, its columns file,label", str),
        Flag("flip", False, "show half of the images mirrored, left to right"),
    ),
    "The training": (
        Flag("epoch", 25, "epochs in all"),
        Flag("learning_rate", 0.0002, "of Adam"),
        Flag("beta1", 0.5, "of Adam"),
        Flag("augment", False, "DiffAugment, for small sets: D sees all images altered"),
        Flag("precision", "float32", "or bfloat16: faster where the processor knows it"),
        Flag("batch_size", 64, "images in a step"),
        Flag("z_dim", 100, "length of the latent vector"),
        Flag("z_dist", "uniform_signed", "or normal01, or uniform_unsigned"),
        Flag("seed", None, "the same seed gives the same run [drawn and printed]", int),
        Flag("device", "auto", "auto, cpu, gpu or gpu:N"),
        Flag("strategy", "none", "mirrored: all GPUs here; multiworker: all machines of TF_CONFIG"),
        Flag("deterministic", False, "bit for bit the same on a GPU, too; slower there"),
        Flag("xla", False, "have XLA compile the training step; slower on most CPUs"),
        Flag("init_from", None, "begin with the weights of the checkpoint in this folder", str),
    ),
    "What is written": (
        Flag("checkpoint_dir", "checkpoint", "where checkpoints are"),
        Flag("sample_dir", "samples", "where pictures are"),
        Flag("out_dir", ".", "the folder above checkpoint, samples and logs"),
        Flag("out_name", "", "a folder between out_dir and those"),
        Flag("max_to_keep", 5, "checkpoints to keep"),
        Flag(
            "ckpt_freq", 500, "a checkpoint every so many steps, and at the end; small sets: more"
        ),
        Flag("ckpt_minutes", 10.0, "and one when the last is so many minutes old"),
        Flag("sample_freq", 100, "a sample picture every so many steps; small sets: more"),
        Flag("log_freq", 1, "a line with the losses every so many steps"),
        Flag("summary_freq", 10, "TensorBoard summaries every so many steps"),
        Flag("G_img_sum", False, "fakes in every summary, not only with the sample pictures"),
        Flag("verbose", False, "show TensorFlow's own messages"),
    ),
}

# What tutorials of 2016 and 2017 print, and what it has been called since.
OLD_NAMES = {
    "is_train": "train",
    "is_crop": "crop",
    "image_size": "input_height",
    "output_size": "output_height",
}


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) -> exit status.

    0 when done, 1 for a failure underway, 2 for wrong input, 128 + n when stopped by signal n.
    """
    return run_command(_run, argv)


def _run(argv: Sequence[str]) -> int:
    if {"--help", "--helpfull"} & set(plain_words(argv)):
        print(help_text())
        return 0
    settings = parse(argv)
    # TensorFlow takes seconds to load: what is wrong with the command line was said before.
    from support.startup import start_tensorflow

    many = settings.train and settings.strategy != "none" and not settings.dry_run
    say(start_tensorflow(settings.device, settings.verbose, settings.deterministic, many))
    from training import trainer

    return trainer.run(settings)


def parse(argv: Sequence[str]) -> Settings:
    """Turn a command line into settings; says on stderr what was renamed.

    Raises:
        UserError: an unknown flag (with the nearest name), or a value that makes no sense.
    """
    values = flags.FlagValues()
    defaults = {flag.name: flag for group in FLAGS.values() for flag in group}
    define = {
        bool: flags.DEFINE_boolean,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        str: flags.DEFINE_string,
    }
    for flag in defaults.values():
        define[_kind(flag)](flag.name, flag.default, flag.text, flag_values=values)
    try:
        rest = values(["main.py", *_normalised(argv)])[1:]
    except flags.UnrecognizedFlagError as error:
        word = f"--{error.flagname}"
        guess = nearest(word, (f"--{name}" for name in (*defaults, *OLD_NAMES)))
        raise UserError(f"there is no flag {word}.{guess} {SEE_HELP}") from error
    except flags.Error as error:
        raise UserError(f"{' '.join(str(error).split())}. {SEE_HELP}") from error
    if rest:
        raise UserError(
            f"not understood: {' '.join(rest)}. Flags begin with --, and patterns with * need "
            f'quotes: --input_fname_pattern "*.jpg". {SEE_HELP}'
        )
    given = frozenset(name for name in defaults if values[name].present)
    return _resolved({name: values[name].value for name in defaults}, given)


def help_text() -> str:
    """All flags, grouped, with their defaults."""
    lines = [(__doc__ or "").strip(), "", SYNOPSIS]
    for title, group in FLAGS.items():
        lines += ["", title + ":"]
        for flag in group:
            default = "" if flag.default in (None, False, "") else f" [{flag.default}]"
            lines.append(f"  --{flag.name:22}{flag.text}{default}")
    return "\n".join(lines)


def _resolved(values: dict[str, Any], given: frozenset[str]) -> Settings:
    """Fill in the sizes that were not given, as the original does; idx sets know their own."""
    values["dataset"] = Path(values["dataset"]).expanduser().as_posix()
    own_size = 28 if values["dataset"] in IDX_SETS else None
    for name, default in (
        ("input_height", own_size or 108),
        ("input_width", None),
        ("output_height", own_size or 64),
        ("output_width", None),
    ):
        if values[name] is None:
            values[name] = default or values[name.replace("width", "height")]
    for name in ("data_dir", "checkpoint_dir", "sample_dir", "out_dir", "init_from", "labels_file"):
        if values[name] is not None:
            values[name] = Path(values[name]).expanduser()
    settings = Settings(**values, given=given)
    check(settings)
    return settings


def _normalised(argv: Sequence[str]) -> list[str]:
    """Undo what web pages do to pasted commands, accept old names, allow `--flag True`."""
    booleans = {flag.name for group in FLAGS.values() for flag in group if _kind(flag) is bool}
    result: list[str] = []
    for word in plain_words(argv):
        if result and result[-1].removeprefix("--") in booleans and _is_truth_value(word):
            result[-1] += f"={word}"
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        result.append(f"--{_current_name(name)}{equals}{value}" if word[:2] == "--" else word)
    return result


def _current_name(name: str) -> str:
    for old, new in OLD_NAMES.items():
        for prefix in ("", "no"):
            if name == prefix + old:
                print(f"note: --{name} is called --{prefix}{new} now", file=sys.stderr)
                return prefix + new
    return name


def _is_truth_value(word: str) -> bool:
    return word.lower() in {"true", "false", "1", "0", "t", "f", "yes", "no"}


def _kind(flag: Flag) -> type:
    return flag.kind or type(flag.default)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
