"""Train, test or show what would be done: one plan, then the data, the networks and the work."""

import contextlib
import shlex
import signal
import zlib
from collections.abc import Sequence
from pathlib import Path

from datasets.dataset import Dataset, describe, epoch_of, open_dataset
from exports.frozen import freeze
from exports.saved_model import save_model
from gan.checkpoints import find_checkpoint
from gan.config import refuse_other_shape
from gan.networks import parameter_table
from model import DCGAN
from runs.flags import COMMAND, displayed, flags_of, marked
from runs.opened import open_run
from runs.plan import Plan, refuse_other_classes
from runs.settings import Settings
from runs.stored import image_size, read_run, store_run
from support.console import say, say_written
from support.files import sweep_asides
from support.text import counted, first_names
from training.distributed import Cluster
from training.evaluating import refuse_unmeasurable
from training.loop import Run, the_only_training, train_steps
from training.pace import advice, epoch_text, pace
from utils import visualize

NOT_USED = "--init_from is not used: the run has a checkpoint of its own"
EXPORT, FROZEN = "export_b", "frozen_b"  # folders beside the checkpoints, and the batch size


def train(plan: Plan, cluster: Cluster) -> int:
    """Train, from the last checkpoint on if there is one -> 0, or 128 + n if stopped by signal n.

    Both leave a checkpoint. All workers of a cluster read the run's folder, the chief alone writes.
    """
    settings, folder = plan.settings, plan.folder
    with cluster.chief_first():  # it decodes a folder's images; the others find them decoded
        if cluster.is_chief:
            refuse_unmeasurable(settings)
        data = open_dataset(settings, plan.seed, cluster.replicas, say=say)
    epoch = epoch_text(settings, len(data.images), cluster.replicas)
    say(f"{settings.dataset}: {data.text}, {epoch}")
    for line in advice(settings, len(data.images), cluster.replicas):
        say(line)
    dcgan = plan.networks(data.images.shape[-1], data.y_dim, data.tags)  # classes or tags, first
    for line in refuse_other_classes(plan.source, data.classes):
        say(line)
    say(parameter_table(dcgan.generator, dcgan.discriminator))
    step = _take_weights(plan, dcgan, data.classes)
    if frozen := dcgan.training.freeze_d:
        say(f"the weights of D's first {counted(frozen, 'layer')} stay as they are")
    cluster.refuse_differences(what_must_agree(settings, plan.seed, data, step))
    total = settings.epoch * data.batches
    if step < total:
        with the_only_training(folder) if cluster.is_chief else contextlib.nullcontext():
            if cluster.is_chief:
                images, replicas = len(data.images), cluster.replicas
                for line in store_run(settings, images, folder, data.classes, replicas):
                    say(line)
                sweep_asides(settings.run_folder(settings.sample_dir))
            run = Run(settings, plan.seed, data, dcgan, folder, cluster.devices(dcgan))
            stopped_by = train_steps(run, step, total)
        say(f"the curves: tensorboard --logdir {shlex.quote(str(settings.run_folder('logs')))}")
        if not data.tags:
            say(
                "a page for the browser, which makes new pictures: python export.py --run "
                f"{shlex.quote(str(folder))} --format web"
            )
        if stopped_by:
            name, made = signal.Signals(stopped_by).name, int(dcgan.step)
            at, then = f"at step {made:,} of {total:,}", "the same command resumes there"
            if made >= total:
                at, then = f"after the last step, {made:,}", "all of the training is saved"
            say(f"stopped by {name} {at}, nothing is lost; {then}")
            return 128 + stopped_by
    else:
        say(
            f"this run is finished: it has made {counted(step, 'step')}, and --epoch "
            f"{settings.epoch} is {total:,}. To train on: "
            f"--epoch {step // data.batches + settings.epoch}"
        )
    if cluster.is_chief:
        dcgan.choose(settings.weights)
        _use(plan, dcgan, folder, data.classes, pictures=settings.visualize)
    return 0


def _take_weights(plan: Plan, dcgan: DCGAN, classes: Sequence[str]) -> int:
    """Load the run's checkpoint, or begin with --init_from's weights -> the step to go on from.

    classes: the names of the data's classes or tags.
    """
    source = plan.settings.init_from
    found, step = dcgan.load(plan.source)
    if found:
        say(f"resuming from step {step:,} of {plan.source}")
        if source:
            say(NOT_USED)
        return step
    say(f"no checkpoint in {plan.folder}: starting from step 0")
    if source:
        say(_begin_with(source, plan, dcgan))
        theirs = read_run(source).classes
        if dcgan.y_dim and theirs != tuple(classes):
            say(f"its labels {_listed(theirs, dcgan)} are taken for {_listed(classes, dcgan)}")
    return 0


def _listed(classes: Sequence[str], dcgan: DCGAN) -> str:
    """The names of classes or tags; their numbers where they have none."""
    return first_names(classes or [str(number) for number in range(dcgan.y_dim or 0)])


def _begin_with(source: Path, plan: Plan, dcgan: DCGAN) -> str:
    """Give networks the weights of the checkpoint that --init_from names -> the line that says so.

    Raises:
        UserError: they are of another shape.
    """
    where, at = find_checkpoint(source, plan.settings.which)
    other = DCGAN.from_checkpoint(where, image_size(source, plan.settings), at)
    refuse_other_shape(other.config.shape(), dcgan.config.shape(), source)
    variables = dcgan.named_variables()
    for name, variable in other.named_variables().items():
        variables[name].assign(variable)
    if dcgan.average:
        dcgan.average.restart(dcgan.generator)
    step = int(other.step)
    return f"weights and averages of step {step:,} of {source}; the optimizers start anew"


def what_must_agree(settings: Settings, seed: int, data: Dataset, step: int) -> dict[str, int]:
    """What decides whether workers train the same run, each thing as a number, by its name."""
    own = {n for n, one in flags_of(settings).items() if one.metadata["flag"].by_machine}
    own |= {"seed", *marked(settings, COMMAND)}
    texts = {f"--{k}": repr(v).encode() for k, v in settings.as_json().items() if k not in own}
    texts["the classes' names"] = repr(data.classes).encode()
    texts["the labels"] = b"" if data.labels is None else data.labels.astype("<i8").tobytes()
    return {
        "the seed": seed,
        "the number of images": len(data.images),
        "the number of channels": data.images.shape[-1],
        "the step of the checkpoint": step,
        **{f"the checksum of {name}": zlib.crc32(text) for name, text in texts.items()},
    }


def test(plan: Plan) -> int:
    """Load a trained model and make the pictures of --option, or export it -> exit status 0."""
    settings = plan.settings
    trained = open_run(plan.source, settings.typed())
    say(f"loaded {trained.loaded}")
    classes = trained.classes if trained.named else ()
    _use(plan, trained.dcgan, plan.source, classes, _makes_pictures(settings))
    return 0


def dry_run(plan: Plan) -> int:
    """Print the settings, the data and the sizes, what would be written, and stop -> 0."""
    settings, source = plan.settings, plan.source
    if settings.train:
        if settings.eval_space != "inception":  # whose weights would be fetched
            refuse_unmeasurable(settings)
        data = describe(settings, say=say)
        epoch = epoch_of(settings, data.images)
        dcgan = plan.networks(data.c_dim, data.y_dim, data.tags)
        found, step = dcgan.load(source)
        lines = [
            f"{data.text}, {epoch_text(settings, data.images)}",
            pace(settings, *epoch),
            *advice(settings, data.images),
            f"checkpoint: {f'step {step:,}' if found else 'none'} in {source}",
        ]
        if settings.init_from:
            lines.append(NOT_USED if found else _begin_with(settings.init_from, plan, dcgan))
        kinds = (settings.checkpoint_dir, settings.sample_dir, "logs")
        writes = [settings.run_folder(kind) for kind in kinds]
    else:
        trained = open_run(source, settings.typed())
        dcgan, lines = trained.dcgan, [f"checkpoint: {trained.loaded}"]
        exports = {EXPORT: settings.export, FROZEN: settings.freeze}
        writes = [_export_of(settings, source, kind) for kind, asked in exports.items() if asked]
        writes += [_samples_of(settings, source)] if _makes_pictures(settings) else []
    resolved = settings.as_json()
    resolved |= {name: v for name, v in dcgan.config.shape().items() if name in resolved}
    for name, value in resolved.items():
        if value is not None:
            say(f"--{name}={displayed(value)}")
    for line in lines:
        say(line)
    if settings.strategy != "none":
        say("a dry run joins no replicas: the steps are those of one")
    say(parameter_table(dcgan.generator, dcgan.discriminator))
    for folder in writes:
        say(f"would write to {folder}")
    return 0


def _use(plan: Plan, dcgan: DCGAN, source: Path, classes: Sequence[str], pictures: bool) -> None:
    """What can be asked for once a model is trained: --export, --freeze, the pictures."""
    settings = plan.settings
    if settings.export:
        say_written(save_model(dcgan, _export_of(settings, source, EXPORT)))
    if settings.freeze:
        frozen = _export_of(settings, source, FROZEN)
        say_written(freeze(dcgan, frozen, settings.batch_size))
    if pictures:
        folder, count = _samples_of(settings, source), settings.generate_test_images
        visualize(dcgan, settings.option, folder, count, plan.seed, say_written, classes)


def _makes_pictures(settings: Settings) -> bool:
    """Whether test mode makes the pictures of --option: always, or beside an export if asked."""
    is_asked = settings.visualize or "option" in settings.given
    return is_asked or not (settings.export or settings.freeze)


def _export_of(settings: Settings, source: Path, kind: str) -> Path:
    return source / f"{kind}{settings.batch_size}"


def _samples_of(settings: Settings, source: Path) -> Path:
    """Where the pictures of --option go: below the name of the run that makes them."""
    samples = settings.run_folder(settings.sample_dir).with_name(source.resolve().name)
    return samples / f"option_{settings.option}"
