"""Measure how good pictures are: those of a trained run, of a folder, or of an array.

  python evaluate.py --run checkpoint/mnist_64_28_28
  python evaluate.py pictures --dataset mnist
  python evaluate.py pictures.npy --dataset anime --space efficientnet
  python evaluate.py --floor --dataset mnist

--floor measures real images against other real images: nothing can be expected to be better.
docs/quality.md says what the figures mean.
"""

if __name__ == "__main__":  # before all else is loaded
    from support.early import watch_signals

    watch_signals()

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from support.console import Parser, checked_imports, positive, run_command, say, say_written
from support.errors import UserError
from support.text import counted

with checked_imports():
    import numpy as np

    from datasets.dataset import arrays_of
    from generation.flags import (
        WEIGHTS,
        WHICH,
        add_setting,
        add_start,
        check_points,
        out_folder,
        run_folder,
    )
    from generation.given import is_array, read_array, read_folder, refuse_few, size_of
    from generation.latent import seeds_from
    from generation.sampling import pictures_of_seeds
    from metrics import reals
    from metrics.evaluation import FIGURES, Evaluation, evaluate, suffix_of
    from metrics.kept import digest_of
    from metrics.spaces import (
        LEAST,
        SPACES,
        Space,
        blocks_of,
        open_space,
        refuse_unopenable,
        suiting,
    )
    from runs.settings import Settings
    from support.files import write_json

if TYPE_CHECKING:
    from runs.opened import Trained

PICTURES = 10_000
OF_RUN = ("dataset", "data_dir", "z_dist", "output_height", "output_width")
OF_DATA = ("input_fname_pattern", "input_height", "input_width", "c_dim", "background")
OF_LABELS = ("labels_file",)
DECIDING = ("dataset", "z_dist", *OF_DATA, "crop")  # for the figures, among what can be typed
OF_NO_RUN = Path("logs/evaluated")  # where figures go that are not of a run


@dataclass(frozen=True)
class Pictures:
    """What is measured: blocks uint8 [n, H, W, C], and their number.

    name: of the file that the figures go to. told: what else the JSON says of them; "differs" in it
    are the settings that are not those of a run where nothing is typed, such as another --seed.
    asked: the label that each was made with, int [count], or the tags, [count, tags].
    """

    name: str
    blocks: Iterable[np.ndarray]
    count: int
    told: dict[str, Any]
    asked: np.ndarray | None = None


class Given(NamedTuple):
    """What is measured and no run has made: images uint8 [N, H, W, C], of `most` that there are.

    name: of the file that the figures go to. shown: what they are, in words. labels: int [N].
    """

    images: np.ndarray
    most: int
    name: str
    shown: str
    labels: np.ndarray | None = None


def main(argv: Sequence[str]) -> int:
    """Run the command line `argv` (without the program's name) -> exit status as main.main's."""
    return run_command(_run, argv, needs_less="give a smaller --num, or --device cpu")


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    _check(arguments)
    # TensorFlow takes seconds to load, so it is loaded only now that the command line is right.
    from support.startup import start_tensorflow

    say(start_tensorflow(arguments.device or "auto", arguments.verbose))
    if arguments.run:
        _evaluate_run(arguments)
    else:
        _evaluate_given(arguments)
    return 0


def _evaluate_run(arguments: argparse.Namespace) -> None:
    from runs.opened import open_run
    from runs.stored import EVALUATIONS, beside

    trained = open_run(arguments.run, _typed(arguments))
    step = int(trained.dcgan.step)
    say(f"loaded {trained.loaded}")
    settings = reals.settings_of_data(trained)
    refuse_unopenable(suiting(settings, arguments.space), settings)
    real = reals.open_reals(settings, say)
    pictures = _of_run(trained, real, settings, arguments)
    evaluation = _measured(pictures, real, settings, arguments)
    folder = arguments.out or beside(arguments.run, "logs") / EVALUATIONS
    _write(evaluation, pictures, folder)
    differing = _as_part(pictures.told["differs"])
    space = f"{evaluation.space}{suffix_of(trained.weights)}{differing}"
    say_written(f"{_write_scalars(evaluation, space, step, folder)}, for TensorBoard")


def _evaluate_given(arguments: argparse.Namespace) -> None:
    settings, folder = _settings_of_given(arguments), arguments.out or OF_NO_RUN
    refuse_unopenable(suiting(settings, arguments.space), settings)
    if arguments.floor:
        real, given = _held_out(settings, arguments.num)
    else:
        real, given = _given(settings, arguments.pictures, arguments.num, folder)
    images = given.images
    if images.shape[1:] != real.images.shape[1:]:
        sizes = ["x".join(map(str, shape[1:])) for shape in (images.shape, real.images.shape)]
        raise UserError(f"the pictures are {sizes[0]}, those of {settings.dataset} {sizes[1]}")
    if arguments.num and arguments.num > len(images):
        raise UserError(f"--num {arguments.num}: there are only {counted(len(images), 'picture')}")
    differs = {"num": len(images)} if len(images) != given.most else {}
    told = {"pictures": given.shown, "differs": differs} | _told_of(real, settings)
    name, blocks = f"{given.name}{_as_part(differs)}", blocks_of(images)
    pictures = Pictures(name, blocks, len(images), told, given.labels)
    evaluation = _measured(pictures, real, settings, arguments)
    _write(evaluation, pictures, folder)
    # Their curves have no steps: what tells them apart in TensorBoard is the folder.
    where = _write_scalars(evaluation, evaluation.space, 0, folder / name)
    say_written(f"{where}, for TensorBoard")


def _held_out(settings: Settings, count: int | None) -> tuple[reals.Reals, Given]:
    """Real images, and others that stand for generated ones: `count`, or as many as there are."""
    real, others = reals.open_halves(settings, say)
    most = min(PICTURES, len(others.images))
    others = reals.drawn(others, count or PICTURES)
    name = f"{Path(settings.dataset).name}_floor"
    return real, Given(others.images, most, name, "held-out real images", others.labels)


def _given(
    settings: Settings, path: Path, count: int | None, folder: Path
) -> tuple[reals.Reals, Given]:
    """Real images, and the pictures in a folder or an array; `folder` gets what cannot be used."""
    real = reals.open_reals(settings, say)
    # The folder above is named: generate.py's are all called `generated`.
    whole = path.resolve()
    stem = whole.stem if is_array(path) else whole.name
    name = f"{whole.parent.name}_{stem}_{Path(settings.dataset).name}"
    if is_array(path):
        images = read_array(path)
    else:
        height, width, c_dim = real.images.shape[1:]
        skipped = folder / f"{name}.skipped.txt"
        images = read_folder(path, settings, (height, width, c_dim), skipped, say)
    most = len(images)
    if count:  # else an array stays on disk, and is read some at a time
        images = images[reals.rows_drawn(most, count)]
    return real, Given(images, most, name, str(path))


def _of_run(
    trained: "Trained", real: reals.Reals, settings: Settings, arguments: argparse.Namespace
) -> Pictures:
    """The pictures of a run: the z of number n is that of seed + n, as in generate.py.

    Labels are not generate.py's, which draws one from each seed: they are in the proportions of the
    data.
    """
    most = min(PICTURES, len(real.images))
    first, count = arguments.seed or 0, arguments.num or most
    seeds = seeds_from(first, count)
    if real.images.shape[-1] != trained.dcgan.image_shape[-1]:
        channels = real.images.shape[-1], trained.dcgan.image_shape[-1]
        name = trained.settings.dataset
        raise UserError(
            f"{name} has {counted(channels[0], 'channel')}, the run's pictures {channels[1]}"
        )
    asked = None
    if trained.classes:
        if real.labels is None or real.classes != trained.classes:
            raise UserError(
                f"{trained.settings.dataset} has other classes than the run, so the proportions of "
                "its labels are not known: evaluate it on its own data"
            )
        asked = reals.drawn_labels(real, count, first)
        say("labels are asked for in the proportions of the data")
    blocks = pictures_of_seeds(trained.dcgan, seeds, trained.settings.z_dist, asked)
    differs = _differing(trained, arguments)
    differs |= {"num": count} if count != most else {}
    differs |= {"seed": first} if first else {}
    step, weights = int(trained.dcgan.step), trained.weights
    name = f"step_{step:06}{suffix_of(weights)}{_as_part(differs)}"
    told = {"run": str(trained.folder), "step": step, "seed": first, "weights": weights}
    told |= {"differs": differs} | _told_of(real, settings)
    return Pictures(name, blocks, count, told, asked)


def _differing(trained: "Trained", arguments: argparse.Namespace) -> dict[str, Any]:
    """What was typed of the data and of z that is not as the run has it, by name.

    Where the data lie does not count: they are somewhere else on another machine.
    """
    from runs.stored import read_run

    own = read_run(trained.folder).settings
    typed = {name: value for name, value in _typed(arguments).items() if name in DECIDING}
    found = {name: value for name, value in typed.items() if own.get(name, value) != value}
    dataset = Path(trained.settings.dataset).name
    if Path(own.get("dataset", "")).name == dataset:
        return {name: value for name, value in found.items() if name != "dataset"}
    return found | {"dataset": dataset}


def _as_part(differs: Mapping[str, Any]) -> str:
    """The same for the name of a file or of a scalar: "_fashion_mnist_num2000"; "" for nothing."""
    words = [f"{'' if name == 'dataset' else name}{value}" for name, value in differs.items()]
    return "".join("_" + re.sub(r"[^\w.]+", "-", word) for word in words)


def _told_of(real: reals.Reals, settings: Settings) -> dict[str, Any]:
    """What the JSON says of the real images: the data set's name, and a digest of the pixels."""
    digest = digest_of(reals.compared(real).images)
    return {"dataset": Path(settings.dataset).name, "digest": digest}


def _measured(
    pictures: Pictures, real: reals.Reals, settings: Settings, arguments: argparse.Namespace
) -> Evaluation:
    """Measure them, and print the table."""
    arrays = arrays_of(settings)
    space: Space = open_space(suiting(settings, arguments.space), settings, arrays, say)
    some = reals.compared(real)
    features = reals.features_of_reals(space, some.images, arrays, say)
    # Held-out images are part of what a training learns from, so copies are not looked for there.
    learned = real.images if arguments.floor else reals.learned(real, settings)
    evaluation = evaluate(
        space, features, pictures.blocks, pictures.count, pictures.asked, images=learned
    )
    say(
        f"{pictures.count:,} pictures against {len(some.images):,} real images of "
        f"{settings.dataset}, in the space {space.name}:"
    )
    for name, value in evaluation.figures.items():
        say(f"  {name:16}{value:12.5g}   {FIGURES[name]}")
    if evaluation.histogram:
        names = real.classes or list(map(str, range(len(evaluation.histogram))))
        shares = zip(names, evaluation.histogram, strict=True)
        say("  classes drawn:  " + ", ".join(f"{name} {share:.1%}" for name, share in shares))
    if not arguments.floor:
        say("--floor shows what real images read; docs/quality.md says what the figures mean")
    return evaluation


def _write(evaluation: Evaluation, pictures: Pictures, folder: Path) -> None:
    path = folder / f"{pictures.name}_{evaluation.space}.json"
    write_json(path, pictures.told | asdict(evaluation))
    say_written(path)


def _write_scalars(evaluation: Evaluation, space: str, step: int, folder: Path) -> Path:
    """Write the figures for TensorBoard, each under the name of its space: returns the folder."""
    import tensorflow as tf

    with tf.summary.create_file_writer(str(folder)).as_default(step):
        for name, value in evaluation.figures.items():
            tf.summary.scalar(f"{space}/{name}", value)
    return folder


def _parser() -> Parser:
    parser = Parser("evaluate.py", __doc__)
    given = "a folder of pictures, or an .npy, uint8 [N, H, W, C]"
    parser.add_argument("pictures", type=Path, nargs="?", help=given)
    parser.add_argument("--run", type=run_folder, help="the folder of a trained run's checkpoints")
    floor = "real images against others: the test part, or half of a folder"
    parser.add_argument("--floor", action="store_true", help=floor)
    most = f"pictures to measure [all; of a run {PICTURES:,}, or as many as there are real ones]"
    parser.add_argument("--num", type=positive, metavar="N", help=most)
    add_setting(parser, "which", WHICH)
    add_setting(parser, "weights", WEIGHTS)
    add_setting(parser, "seed", "of a run's first picture [0]")
    spaces = "what the figures are measured in [mnist for idx sets, else efficientnet]"
    parser.add_argument("--space", choices=tuple(SPACES), help=spaces)
    for name in (*OF_RUN, *OF_DATA, *OF_LABELS):
        add_setting(parser, name)
    crop = "cut the centre out before resizing [the run's]"
    parser.add_argument("--crop", action="store_true", default=None, help=crop)
    out = "where the results go [the run's logs/evaluated]"
    parser.add_argument("--out", type=out_folder, help=out)
    add_start(parser)
    return parser


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what does not go together."""
    named = {"--run": arguments.run, "pictures": arguments.pictures, "--floor": arguments.floor}
    given = [name for name, value in named.items() if value]
    if len(given) != 1:
        found = " and ".join(given) or "nothing"
        raise UserError(f"{found} to measure: give one of --run RUN, a folder or .npy, --floor")
    if arguments.num and arguments.num < LEAST:
        raise UserError(f"--num {arguments.num}: {LEAST} pictures or more are needed")
    if (path := arguments.pictures) and not (path.is_dir() or is_array(path)):
        raise UserError(f"{path}: there is no such folder, and no such .npy file")
    if path:
        refuse_few(path)
    if not arguments.run:
        if arguments.dataset is None:
            raise UserError("--dataset is missing: the real images to compare with")
        for name in ("seed", "z_dist", "which", "weights"):
            if vars(arguments)[name] is not None:
                raise UserError(f"--{name} is for --run: leave it out")
        _settings_of_given(arguments)
    check_points(arguments)


def _typed(arguments: argparse.Namespace) -> dict[str, Any]:
    names = (*OF_RUN, *OF_DATA, *OF_LABELS, "crop", "which", "weights")
    return {name: value for name in names if (value := vars(arguments)[name]) is not None}


def _settings_of_given(arguments: argparse.Namespace) -> Settings:
    """The settings that open the data, as large as the pictures where no size was typed."""
    typed = _typed(arguments)
    if arguments.pictures and not {"output_height", "output_width"} & typed.keys():
        typed["output_height"], typed["output_width"] = size_of(arguments.pictures)
    return Settings(**typed, given=frozenset(typed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
