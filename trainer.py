"""The outer loop: when to print, summarise, sample, save and stop. It computes nothing itself."""

import dataclasses
import secrets
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import tensorflow as tf

from checkpoints import (
    NETWORK_SETTINGS,
    latest_checkpoint,
    refuse_other_shape,
    stored_settings,
)
from dataset import Dataset, describe, open_dataset
from errors import RunError, UserError, one_line
from export import freeze, save_model
from model import DCGAN, parameter_table
from progress import Progress
from runs import as_the_run_was, source_of, store_run, trained_run
from settings import Settings
from streams import draw_z, random_stream
from utils import save_grid, to_pixels, to_range, visualize


@dataclasses.dataclass(frozen=True)
class Run:
    """What the steps of one training run share."""

    settings: Settings
    seed: int
    data: Dataset
    dcgan: DCGAN
    checkpoint_dir: Path

    def z(self, purpose: str, index: int) -> np.ndarray:
        """A batch of latent vectors, float32 [B, z_dim]; the same for the same arguments."""
        stream = random_stream(self.seed, purpose, index)
        return draw_z(stream, self.settings.z_dist, self.settings.batch_size, self.dcgan.z_dim)


def run(settings: Settings) -> int:
    """Do what the settings ask for: train, test, or show what would be done -> exit status.

    Raises:
        UserError, RunError: in the words of this program, also what TensorFlow raises.
    """
    try:
        if settings.dry_run:
            return dry_run(settings)
        return train(settings) if settings.train else test(settings)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        advice = "give a smaller --batch_size, or smaller --output_height and --output_width"
        raise RunError(f"out of memory: {advice} ({one_line(error)})") from error
    except tf.errors.OpError as error:
        raise RunError(f"TensorFlow: {one_line(error)}") from error


def train(settings: Settings) -> int:
    """Train, from the last checkpoint on if there is one -> exit status.

    0 when all epochs are done, 128 + n when stopped by signal n; both leave a checkpoint.
    """
    folder = settings.run_folder(settings.checkpoint_dir)
    source = source_of(settings)
    settings, seed = as_the_run_was(settings, source)
    stored = _stored_networks(settings, source)
    refuse_other_shape(stored, _given(settings), source)
    data = open_dataset(settings, seed)
    dcgan = _build(settings, stored, data.images.shape[-1], data.y_dim, seed)
    print(parameter_table(dcgan))
    found, step = dcgan.load(source)
    total = settings.epoch * data.batches
    if found:
        print(f"going on from step {step:,} of {source}")
    else:
        print(f"no checkpoint in {folder}: starting from step 0")
        _take_weights(settings, dcgan)
    if step < total:
        store_run(settings, len(data.images), folder)
        stopped_by = train_steps(Run(settings, seed, data, dcgan, folder), step, total)
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
    _use(settings, dcgan, folder, seed, pictures=settings.visualize)
    return 0


def test(settings: Settings) -> int:
    """Load a trained model and make the pictures of --option, or export it -> exit status 0."""
    folder = settings.init_from or trained_run(settings)
    dcgan = DCGAN.from_checkpoint(folder, _size(settings))
    refuse_other_shape(dcgan.settings, _given(settings), folder)
    print(f"loaded step {int(dcgan.step):,} of {folder}")
    seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed
    print(f"seed: {seed}")
    pictures = settings.visualize or not (settings.export or settings.freeze)
    _use(settings, dcgan, folder, seed, pictures)
    return 0


def dry_run(settings: Settings) -> int:
    """Print the settings, the data found and the sizes, and stop -> exit status 0."""
    source = source_of(settings)
    settings, seed = as_the_run_was(settings, source)
    text, c_dim, y_dim = describe(settings)
    dcgan = _build(settings, _stored_networks(settings, source), c_dim, y_dim, seed)
    found, step = dcgan.load(source)
    resolved = settings.as_json() | {"c_dim": c_dim, "z_dim": dcgan.z_dim}
    for name, value in resolved.items():
        if value is not None:
            print(f"--{name}={value}")
    print(text)
    print(parameter_table(dcgan))
    print(f"checkpoint: {f'step {step:,}' if found else 'none'} in {source}")
    for folder in (settings.checkpoint_dir, settings.sample_dir, "logs"):
        print(f"would write to {settings.run_folder(folder)}")
    return 0


def train_steps(run: Run, step: int, total: int) -> int:
    """Train from `step` to `total`, saving at the end -> the signal that stopped it, or 0.

    Raises:
        RunError: a value is not finite, or something cannot be written. Where that does not keep
            it from being saved, the last step is.
    """
    settings = run.settings
    began, saved = time.monotonic(), (step, time.monotonic())
    with (
        tf.summary.create_file_writer(str(settings.run_folder("logs"))).as_default(),
        _stop_signals() as stopped_by,
        Progress("training", total, "images", step, settings.batch_size) as progress,
    ):
        while step < total and not stopped_by:
            result, z = _train_one(run, step)
            step += 1
            try:
                _show(run, step, result, z, progress, began)
                progress.update()
            except (OSError, tf.errors.OpError) as error:
                raise RunError(f"{one_line(error)}. {_saved_after_all(run, step)}") from error
            due = time.monotonic() - saved[1] >= 60 * settings.ckpt_minutes
            if due or step % settings.ckpt_freq == 0:
                progress.line(f"wrote {_save(run, step)}")
                saved = (step, time.monotonic())
        if step != saved[0]:
            progress.line(f"wrote {_save(run, step)}")
    return stopped_by[0] if stopped_by else 0


def _train_one(run: Run, step: int) -> tuple[dict[str, tf.Tensor], np.ndarray]:
    """Make the step after `step` -> what train_step returns, and its z."""
    settings = run.settings
    pixels, y = run.data.batch(*divmod(step, run.data.batches))
    images, z = to_range(pixels, run.dcgan.value_range), run.z("z", step)
    log, sample, summary = (
        (step + 1) % every == 0
        for every in (settings.log_freq, settings.sample_freq, settings.summary_freq)
    )
    return run.dcgan.train_step(images, z, y, evaluate=log, watch=sample or summary), z


def _show(
    run: Run,
    step: int,
    result: dict[str, tf.Tensor],
    z: np.ndarray,
    progress: Progress,
    began: float,
) -> None:
    """Print, summarise and sample what is due after step number `step`."""
    settings, batches = run.settings, run.data.batches
    epoch, idx = divmod(step - 1, batches)
    sample = step % settings.sample_freq == 0
    if step % settings.log_freq == 0:
        _refuse_not_finite(run, step, result)
        progress.line(
            f"Epoch: [{epoch:2d}/{settings.epoch:2d}] [{idx:4d}/{batches:4d}] "
            f"time: {time.monotonic() - began:4.4f}, {_printed_losses(result)}"
        )
    if "G" in result:
        tf.summary.experimental.set_step(step)
        _summarise(result, z, run, fakes=sample or settings.G_img_sum)
    if sample:
        progress.line(f"wrote {_save_sample(run, f'train_{epoch:02d}_{idx:04d}.png')}")


def _refuse_not_finite(run: Run, step: int, result: dict[str, tf.Tensor]) -> None:
    """Stop a run whose losses or weights are of no use any more.

    Raises:
        RunError: names the loss, the variable and the step.
    """
    losses = [name for name, value in result.items() if "loss" in name and not np.isfinite(value)]
    faults = [f"{name} is {float(result[name])}" for name in losses[:1]]
    faults += [fault] if (fault := run.dcgan.not_finite()) else []
    if faults:
        raise RunError(
            f"step {step:,}: {', '.join(faults)}. Try a smaller --learning_rate (it was "
            f"{run.settings.learning_rate}) or another --seed. {_last_checkpoint(run)}"
        )


def _save(run: Run, step: int) -> Path:
    """Save, or say why not and where that leaves the run."""
    fault = run.dcgan.not_finite(moments=True)
    if fault:
        raise RunError(f"step {step:,} is not saved: {fault}. {_last_checkpoint(run)}")
    try:
        return run.dcgan.save(run.checkpoint_dir, step, run.settings.max_to_keep)
    except (OSError, RunError) as error:
        raise RunError(f"{one_line(error)}. {_last_checkpoint(run)}") from error


def _saved_after_all(run: Run, step: int) -> str:
    """Save a run that has to end, and say how that went."""
    try:
        return f"Step {step:,} is saved, {_save(run, step)}: the same command goes on from there"
    except RunError as error:
        return f"Nor can it be saved: {error}"


def _last_checkpoint(run: Run) -> str:
    last = latest_checkpoint(run.checkpoint_dir)
    return f"The last checkpoint is {last}" if last else "There is no checkpoint yet"


def _printed_losses(result: dict[str, tf.Tensor]) -> str:
    d_loss = float(result["eval_d_loss_fake"] + result["eval_d_loss_real"])
    return f"d_loss: {d_loss:.8f}, g_loss: {float(result['eval_g_loss']):.8f}"


def _summarise(result: dict[str, tf.Tensor], z: np.ndarray, run: Run, fakes: bool) -> None:
    """Write the original's TensorBoard tags."""
    for tag in ("d_loss", "d_loss_real", "d_loss_fake", "g_loss"):
        tf.summary.scalar(tag, result[tag])
    tf.summary.histogram("z", z)
    tf.summary.histogram("d", result["d"])
    tf.summary.histogram("d_", result["d_"])
    if fakes:
        tf.summary.image("G", to_pixels(result["G"].numpy(), run.dcgan.value_range))


def _save_sample(run: Run, name: str) -> Path:
    """Images of the one z, and of the first labels, that the run shows from start to end."""
    images = run.dcgan.sampler(
        run.z("sample_z", 0), run.data.labels_of(slice(run.settings.batch_size))
    )
    pixels = to_pixels(images.numpy(), run.dcgan.value_range)
    return save_grid(pixels, run.settings.run_folder(run.settings.sample_dir) / name)


def _use(settings: Settings, dcgan: DCGAN, checkpoint_dir: Path, seed: int, pictures: bool) -> None:
    """What can be asked for once a model is trained: --export, --freeze, the pictures."""
    if settings.export:
        _say_written(save_model(dcgan, checkpoint_dir / f"export_b{settings.batch_size}"))
    if settings.freeze:
        folder = checkpoint_dir / f"frozen_b{settings.batch_size}"
        _say_written(freeze(dcgan, folder, settings.batch_size))
    if pictures:
        samples = settings.run_folder(settings.sample_dir).with_name(checkpoint_dir.resolve().name)
        folder, count = samples / f"option_{settings.option}", settings.generate_test_images
        visualize(dcgan, settings.option, folder, count, seed, _say_written)


def _say_written(path: Path) -> None:
    print(f"wrote {path}", flush=True)


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
    }
    for name in set(NETWORK_SETTINGS) & set(stored) - settings.given - {"c_dim", "y_dim"}:
        wanted[name] = stored[name]
    return DCGAN(**wanted, seed=seed, xla=settings.xla)


def _stored_networks(settings: Settings, source: Path) -> dict[str, Any]:
    """What shapes the networks that a training goes on with or begins from; {} for new ones."""
    stored = stored_settings(source, _size(settings))
    if settings.init_from and not stored:
        stored = stored_settings(settings.init_from, _size(settings))
        if not stored:
            raise UserError(f"--init_from={settings.init_from}: there is no checkpoint in it")
    return stored


def _take_weights(settings: Settings, dcgan: DCGAN) -> None:
    """Begin with the weights and averages of --init_from, if it is given."""
    if settings.init_from:
        other = DCGAN.from_checkpoint(settings.init_from, _size(settings))
        refuse_other_shape(other.settings, dcgan.settings, settings.init_from)
        for name, variable in other.named_variables().items():
            dcgan.named_variables()[name].assign(variable)
        print(f"weights and averages of step {int(other.step):,} of {settings.init_from}")


def _size(settings: Settings) -> tuple[int, int]:
    return settings.output_height, settings.output_width


def _given(settings: Settings) -> dict[str, Any]:
    """The part of what was typed that shapes the networks."""
    return {name: getattr(settings, name) for name in settings.given & set(NETWORK_SETTINGS)}


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that is empty until SIGINT, SIGTERM or SIGHUP comes; a second one is not held back."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    caught = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):  # not on Windows
        caught.append(signal.SIGHUP)
    previous = {number: signal.signal(number, stop) for number in caught}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
