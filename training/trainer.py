"""Train, test or show what would be done: finds the run, the data and the networks for it."""

import contextlib
import dataclasses
import secrets
import shlex
import signal
import zlib
from pathlib import Path
from typing import Any

from datasets.dataset import Dataset, describe, open_dataset
from exports.saved_model import freeze, save_model
from gan.checkpoints import NETWORK_SETTINGS, refuse_other_shape, stored_settings
from gan.networks import parameter_table
from model import DCGAN
from runs.settings import Settings
from runs.stored import (
    OF_THE_COMMAND,
    as_the_run_was,
    class_names,
    image_size,
    refuse_other_classes,
    refuse_other_labels,
    seed_of,
    source_of,
    store_run,
    trained_run,
)
from support.console import say, say_written
from support.errors import UserError
from support.files import sweep_asides
from training.distributed import Cluster, Copies, joined
from training.loop import Run, the_only_training, train_steps
from training.pace import advice, epoch_text, pace
from utils import visualize

DATA_DECIDE = {"c_dim", "y_dim", "convolutions"}


def run(settings: Settings) -> int:
    """Do what the settings ask for: train, test, or show what would be done -> exit status."""
    if settings.dry_run:
        return dry_run(settings)
    if not settings.train:
        return test(settings)
    with joined(settings.strategy) as cluster:
        return train(settings, cluster)


def train(settings: Settings, cluster: Cluster) -> int:
    """Train, from the last checkpoint on if there is one -> exit status.

    0 when all epochs are done, 128 + n when stopped by signal n; both leave a checkpoint. All
    workers of a cluster read what lies in the run's folder, the chief alone writes there.
    """
    folder = settings.run_folder(settings.checkpoint_dir)
    if cluster.workers > 1 and settings.seed is None:
        settings = dataclasses.replace(settings, seed=cluster.of_chief(secrets.randbelow(2**31)))
    source = source_of(settings)
    settings, seed = as_the_run_was(settings, source)
    stored = _stored_networks(settings, source)
    with cluster.chief_first():  # it decodes a folder's images; the others find them decoded
        data = open_dataset(settings, seed, cluster.replicas, say=say)
    epoch = data.epoch_size, data.batches
    in_words = epoch_text(settings, len(data.images), epoch, cluster.replicas)
    say(f"{settings.dataset}: {data.text}, {in_words}")
    for line in advice(settings, *epoch):
        say(line)
    refuse_other_classes(source, data.classes)
    dcgan = _build(settings, stored, data.images.shape[-1], data.y_dim, seed)
    print(parameter_table(dcgan.generator, dcgan.discriminator))
    found, step = dcgan.load(source)
    total = settings.epoch * data.batches
    if found:
        print(f"going on from step {step:,} of {source}")
        if settings.init_from:
            print("--init_from is not used: the run has a checkpoint of its own")
    else:
        print(f"no checkpoint in {folder}: starting from step 0")
        _take_weights(settings, dcgan)
    cluster.refuse_differences(_what_must_agree(settings, seed, data, step))
    if step < total:
        copies = Copies(cluster.strategy, dcgan) if cluster.strategy else None
        with the_only_training(folder) if cluster.is_chief else contextlib.nullcontext():
            if cluster.is_chief:
                store_run(settings, len(data.images), folder, data.classes, cluster.replicas)
                sweep_asides(settings.run_folder(settings.sample_dir))
            run = Run(settings, seed, data, dcgan, folder, cluster, copies)
            stopped_by = train_steps(run, step, total)
        print(f"the curves: tensorboard --logdir {shlex.quote(str(settings.run_folder('logs')))}")
        if stopped_by:
            name, at = signal.Signals(stopped_by).name, f"step {int(dcgan.step):,} of {total:,}"
            print(f"stopped by {name} at {at}, nothing is lost; the same command goes on")
            return 128 + stopped_by
    else:
        print(
            f"this run is finished: it has made {step:,} steps, and --epoch {settings.epoch} is "
            f"{total:,}. To train on: --epoch {step // data.batches + settings.epoch}"
        )
    if cluster.is_chief:
        _use(settings, dcgan, folder, seed, pictures=settings.visualize)
    return 0


def _what_must_agree(settings: Settings, seed: int, data: Dataset, step: int) -> dict[str, int]:
    """What decides whether the workers of a cluster train the same run, as numbers.

    Flags and classes are numbers by their checksums, one each, so that a difference has a name.
    """
    own = OF_THE_COMMAND | {"seed", "data_dir", "labels_file", "device"}  # of each machine
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


def test(settings: Settings) -> int:
    """Load a trained model and make the pictures of --option, or export it -> exit status 0."""
    folder = settings.init_from or trained_run(settings)
    dcgan = DCGAN.from_checkpoint(folder, image_size(settings, folder))
    refuse_other_shape(dcgan.settings, _given(settings), folder)
    refuse_other_labels(folder, dcgan.y_dim, settings.labels)
    print(f"loaded step {int(dcgan.step):,} of {folder}")
    seed = seed_of(settings)
    pictures = settings.visualize or not (settings.export or settings.freeze)
    _use(settings, dcgan, folder, seed, pictures)
    return 0


def dry_run(settings: Settings) -> int:
    """Print the settings, the data and the sizes, what would be written, and stop -> 0."""
    if settings.train:
        source = source_of(settings)
        settings, seed = as_the_run_was(settings, source)
        data = describe(settings, say=say)
        in_words = epoch_text(settings, data.images, data.epoch)
        lines = pace(settings, *data.epoch), *advice(settings, *data.epoch)
        text = "\n".join([f"{data.text}, {in_words}", *lines])
        dcgan = _build(settings, _stored_networks(settings, source), data.c_dim, data.y_dim, seed)
        found, step = dcgan.load(source)
        text += f"\ncheckpoint: {f'step {step:,}' if found else 'none'} in {source}"
        writes = [settings.run_folder(f) for f in (settings.checkpoint_dir, settings.sample_dir)]
        writes.append(settings.run_folder("logs"))
    else:
        source = settings.init_from or trained_run(settings)
        dcgan = DCGAN.from_checkpoint(source, image_size(settings, source))
        text = f"checkpoint: step {int(dcgan.step):,} in {source}"
        writes = [_samples_of(settings, source)]
    resolved = settings.as_json() | {name: dcgan.settings[name] for name in ("c_dim", "z_dim")}
    for name, value in resolved.items():
        if value is not None:
            print(f"--{name}={value}")
    print(text)
    if settings.strategy != "none":
        print("a dry run joins no replicas: the steps are those of one")
    print(parameter_table(dcgan.generator, dcgan.discriminator))
    for folder in writes:
        print(f"would write to {folder}")
    return 0


def _use(settings: Settings, dcgan: DCGAN, checkpoint_dir: Path, seed: int, pictures: bool) -> None:
    """What can be asked for once a model is trained: --export, --freeze, the pictures."""
    if settings.export:
        say_written(save_model(dcgan, checkpoint_dir / f"export_b{settings.batch_size}"))
    if settings.freeze:
        folder = checkpoint_dir / f"frozen_b{settings.batch_size}"
        say_written(freeze(dcgan, folder, settings.batch_size))
    if pictures:
        folder, count = _samples_of(settings, checkpoint_dir), settings.generate_test_images
        own_classes = dcgan.y_dim and dcgan.settings["convolutions"] == 4
        classes = class_names(checkpoint_dir, dcgan.y_dim) if own_classes else []
        visualize(dcgan, settings.option, folder, count, seed, say_written, classes)


def _samples_of(settings: Settings, checkpoint_dir: Path) -> Path:
    """Where the pictures of --option go: below the name of the run that makes them."""
    samples = settings.run_folder(settings.sample_dir).with_name(checkpoint_dir.resolve().name)
    return samples / f"option_{settings.option}"


def _build(
    settings: Settings, stored: dict[str, Any], c_dim: int, y_dim: int | None, seed: int
) -> DCGAN:
    """The networks for the data; where a run is gone on with, what was not given is as it was."""
    wanted: dict[str, Any] = {
        "output_height": settings.output_height,
        "output_width": settings.output_width,
        "c_dim": c_dim,
        "y_dim": y_dim,
        "z_dim": settings.z_dim,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "beta1": settings.beta1,
        "precision": settings.precision,
        "convolutions": settings.convolutions,
    }
    for name in set(NETWORK_SETTINGS) & set(stored) - settings.given - DATA_DECIDE:
        wanted[name] = stored[name]
    return DCGAN(**wanted, seed=seed, xla=settings.xla)


def _stored_networks(settings: Settings, source: Path) -> dict[str, Any]:
    """What shapes the networks that a training goes on with or begins from; {} for new ones.

    Raises:
        UserError: it is not what was typed, or there is no checkpoint in --init_from.
    """
    stored = stored_settings(source, image_size(settings, source))
    if stored:
        refuse_other_labels(source, stored["y_dim"], settings.with_labels)
    if settings.init_from and not stored:
        source = settings.init_from
        stored = stored_settings(source, image_size(settings, source))
        if not stored:
            raise UserError(f"--init_from={source}: there is no checkpoint in it")
    refuse_other_shape(stored, _given(settings), source)
    return stored


def _take_weights(settings: Settings, dcgan: DCGAN) -> None:
    """Begin with the weights and averages of --init_from, if it is given."""
    folder = settings.init_from
    if folder:
        other = DCGAN.from_checkpoint(folder, image_size(settings, folder))
        refuse_other_shape(other.settings, dcgan.settings, folder)
        variables = dcgan.named_variables()
        for name, variable in other.named_variables().items():
            variables[name].assign(variable)
        print(f"weights and averages of step {int(other.step):,} of {folder}")


def _given(settings: Settings) -> dict[str, Any]:
    """The part of what was typed that shapes the networks."""
    return {name: getattr(settings, name) for name in settings.given & set(NETWORK_SETTINGS)}
