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

from dataset import Dataset, describe, open_dataset
from errors import RunError, UserError
from export import freeze, save_model
from files import read_json, write_json
from model import (
    DCGAN,
    NETWORK_SETTINGS,
    SETTINGS_FILE,
    latest_checkpoint,
    parameter_table,
    refuse_other_shape,
)
from progress import Progress
from settings import Settings
from streams import draw_z, random_stream
from utils import save_grid, to_pixels, to_range, visualize

RUN_FILE = "run.json"
RUN_DECIDES = ("z_dist", "seed")  # taken from the run that is gone on with, unless given


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
    except tf.errors.ResourceExhaustedError as error:
        advice = "give a smaller --batch_size, or smaller --output_height and --output_width"
        raise RunError(f"out of memory: {advice} ({_first_line(error)})") from error
    except tf.errors.OpError as error:
        raise RunError(f"TensorFlow: {_first_line(error)}") from error


def train(settings: Settings) -> int:
    """Train, from the last checkpoint on if there is one -> exit status.

    0 when all epochs are done, 128 + n when stopped by signal n; both leave a checkpoint.
    """
    checkpoint_dir = settings.run_folder(settings.checkpoint_dir)
    settings, seed = _as_the_run_was(settings, checkpoint_dir)
    refuse_other_shape(_stored(checkpoint_dir, SETTINGS_FILE), _given(settings), checkpoint_dir)
    data = open_dataset(settings, seed)
    dcgan = _build(settings, checkpoint_dir, data.images.shape[-1], data.y_dim, seed)
    print(parameter_table(dcgan))
    found, step = dcgan.load(checkpoint_dir)
    total = settings.epoch * data.batches
    if found:
        print(f"going on from step {step:,} of {checkpoint_dir}")
    else:
        print(f"no checkpoint in {checkpoint_dir}: starting from step 0")
    if step < total:
        write_json(checkpoint_dir / RUN_FILE, settings.as_json() | {"seed": seed})
        stopped_by = _loop(Run(settings, seed, data, dcgan, checkpoint_dir), step, total)
        print(f"the curves: tensorboard --logdir {shlex.quote(str(settings.run_folder('logs')))}")
        if stopped_by:
            name = signal.Signals(stopped_by).name
            print(f"stopped by {name}, nothing is lost; to go on, type the same command again")
            return 128 + stopped_by
    else:
        print(
            f"this run is finished: it has made {step:,} steps, and --epoch {settings.epoch} is "
            f"{total:,}. To train on: --epoch {step // data.batches + settings.epoch}"
        )
    _use(settings, dcgan, checkpoint_dir, seed, pictures=settings.visualize)
    return 0


def test(settings: Settings) -> int:
    """Load a trained model and make the pictures of --option, or export it -> exit status 0."""
    checkpoint_dir = _find_run(settings)
    dcgan = DCGAN.from_checkpoint(checkpoint_dir)
    refuse_other_shape(dcgan.settings, _given(settings), checkpoint_dir)
    print(f"loaded step {int(dcgan.step):,} of {checkpoint_dir}")
    pictures = settings.visualize or not (settings.export or settings.freeze)
    _use(settings, dcgan, checkpoint_dir, _seed(settings), pictures)
    return 0


def dry_run(settings: Settings) -> int:
    """Print the settings, the data found and the sizes, and stop -> exit status 0."""
    checkpoint_dir = settings.run_folder(settings.checkpoint_dir)
    settings, seed = _as_the_run_was(settings, checkpoint_dir)
    text, c_dim, y_dim = describe(settings)
    dcgan = _build(settings, checkpoint_dir, c_dim, y_dim, seed)
    found, step = dcgan.load(checkpoint_dir)
    resolved = settings.as_json() | {"seed": seed, "c_dim": c_dim, "z_dim": dcgan.z_dim}
    for name, value in resolved.items():
        print(f"--{name}={'inf' if value is None else value}")
    print(text)
    print(parameter_table(dcgan))
    print(f"checkpoint: {f'step {step:,}' if found else 'none'} in {checkpoint_dir}")
    for folder in (settings.checkpoint_dir, settings.sample_dir, "logs"):
        print(f"would write to {settings.run_folder(folder)}")
    return 0


def _loop(run: Run, step: int, total: int) -> int:
    """Train from `step` to `total`, saving at the end -> the signal that stopped it, or 0."""
    settings, data = run.settings, run.data
    began, saved_at = time.monotonic(), step
    with (
        tf.summary.create_file_writer(str(settings.run_folder("logs"))).as_default(),
        _stop_signals() as stopped_by,
        Progress("training", total, "images", step, settings.batch_size) as progress,
    ):
        while step < total and not stopped_by:
            epoch, idx = divmod(step, data.batches)
            pixels, y = data.batch(epoch, idx)
            images, z = to_range(pixels, run.dcgan.value_range), run.z("z", step)
            step += 1
            log, sample = step % settings.log_freq == 0, step % settings.sample_freq == 0
            watch = sample or step % settings.summary_freq == 0
            result = run.dcgan.train_step(images, z, y, evaluate=log, watch=watch)
            if log:
                progress.line(
                    f"Epoch: [{epoch:2d}/{settings.epoch:2d}] [{idx:4d}/{data.batches:4d}] "
                    f"time: {time.monotonic() - began:4.4f}, {_printed_losses(result)}"
                )
            if watch:
                tf.summary.experimental.set_step(step)
                _summarise(result, z, run, fakes=sample or settings.G_img_sum)
            if sample:
                progress.line(f"wrote {_save_sample(run, f'train_{epoch:02d}_{idx:04d}.png')}")
            if step % settings.ckpt_freq == 0:
                progress.line(f"wrote {_save(run, step)}")
                saved_at = step
            progress.update()
        if step != saved_at:
            progress.line(f"wrote {_save(run, step)}")
    return stopped_by[0] if stopped_by else 0


def _save(run: Run, step: int) -> Path:
    return run.dcgan.save(run.checkpoint_dir, step, run.settings.max_to_keep)


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
        samples = settings.run_folder(settings.sample_dir).with_name(checkpoint_dir.name)
        folder, count = samples / f"option_{settings.option}", settings.generate_test_images
        visualize(dcgan, settings.option, folder, count, seed, _say_written)


def _say_written(path: Path) -> None:
    print(f"wrote {path}", flush=True)


def _build(
    settings: Settings, checkpoint_dir: Path, c_dim: int, y_dim: int | None, seed: int
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
    }
    stored = _stored(checkpoint_dir, SETTINGS_FILE)
    for name in set(NETWORK_SETTINGS) & set(stored) - settings.given - {"c_dim", "y_dim"}:
        wanted[name] = stored[name]
    return DCGAN(**wanted, seed=seed)


def _as_the_run_was(settings: Settings, checkpoint_dir: Path) -> tuple[Settings, int]:
    """The settings with what an earlier run decided, and the seed, which is printed."""
    stored = _stored(checkpoint_dir, RUN_FILE)
    kept = {k: stored[k] for k in RUN_DECIDES if k in stored and k not in settings.given}
    settings = dataclasses.replace(settings, **kept)
    return settings, _seed(settings)


def _stored(checkpoint_dir: Path, name: str) -> dict[str, Any]:
    """A JSON beside the checkpoints; {} where there is no checkpoint that it could speak of."""
    return read_json(checkpoint_dir / name) if latest_checkpoint(checkpoint_dir) else {}


def _seed(settings: Settings) -> int:
    """The seed given, or one drawn; printed, so that the run can be repeated."""
    seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed
    print(f"seed: {seed}")
    return seed


def _given(settings: Settings) -> dict[str, Any]:
    """The part of what was typed that shapes the networks."""
    return {name: getattr(settings, name) for name in settings.given & set(NETWORK_SETTINGS)}


def _find_run(settings: Settings) -> Path:
    """The folder of the trained run; one of another batch size will do if it is the only one.

    Raises:
        UserError: there is none; says where one looked and what is there instead.
    """
    wanted = settings.run_folder(settings.checkpoint_dir)
    trained = [path for path in _folders(wanted.parent) if latest_checkpoint(path)]
    if wanted in trained:
        return wanted
    dataset, size = wanted.name.rsplit("_", 3)[0], wanted.name.split("_")[-2:]
    alike = [
        path
        for path in trained
        if path.name.rsplit("_", 3)[0] == dataset and path.name.split("_")[-2:] == size
    ]
    if len(alike) == 1:
        print(f"no checkpoint in {wanted}, but in {alike[0]}: taking that one")
        return alike[0]
    there = ", ".join(path.name for path in trained) or "no trained run"
    raise UserError(
        f"no checkpoint in {wanted}; {wanted.parent} holds {there}. Give the dataset and the "
        "sizes of a trained run, or add --train to this command"
    )


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []


def _first_line(error: tf.errors.OpError) -> str:
    return error.message.strip().split("\n")[0]


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
