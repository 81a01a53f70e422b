"""The loop of training steps. It reads from top to bottom: fetch, step, report, sample, save."""

import contextlib
import functools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np
import tensorflow as tf

from datasets.dataset import Dataset
from gan.checkpoints import BEST, latest_checkpoint
from model import DCGAN
from runs.flags import COMMAND, marked
from runs.settings import Settings
from runs.stored import RUN_FILE, store_run
from support.console import Say, say, stopping_later
from support.errors import RunError, failure, one_line
from support.progress import Progress
from support.streams import draw_z, random_stream
from training.devices import OneDevice, Result, Wish
from training.evaluating import Evaluator
from training.history import Alarms
from training.monitor import REALS, Meter, Monitor, diversity
from training.pace import frequency, is_evaluated, is_sampled
from training.prefetch import Batch, Prefetch
from training.summaries import Summaries
from utils import save_grid, to_pixels, to_range


@dataclass(frozen=True)
class Run:
    """What the steps of one training run share."""

    settings: Settings
    seed: int
    data: Dataset
    dcgan: DCGAN
    checkpoint_dir: Path
    devices: OneDevice

    @property
    def samples(self) -> Path:
        """The folder of the sample pictures."""
        return self.settings.run_folder(self.settings.sample_dir)

    def z(self, purpose: str, index: int, count: int = 0) -> np.ndarray:
        """`count` latent vectors, 0 for a batch of them, float32 [count, z_dim]."""
        stream, count = random_stream(self.seed, purpose, index), count or self.settings.batch_size
        return draw_z(stream, self.settings.z_dist, count, self.dcgan.z_dim)

    @property
    def sample_num(self) -> int:
        """How many images a sample picture shows."""
        return self.settings.sample_num or self.settings.batch_size

    def draw(self, step: int, replica: int) -> int:
        """Which of the run's random draws a replica takes for step number `step`."""
        return (step - 1) * self.devices.replicas + replica


def train_steps(run: Run, step: int, total: int) -> int:
    """Train from `step` to `total`, saving at the end -> the signal that stopped it, or 0.

    Raises:
        RunError: a value is not finite, or something cannot be written. If it can be saved all the
            same, the last step is.
    """
    settings, data, devices = run.settings, run.data, run.devices
    is_measured = settings.eval_freq > 0 and devices.is_chief
    evaluator = Evaluator(settings, data, run.dcgan, say) if is_measured else None
    images, began = settings.batch_size * devices.replicas, time.monotonic()
    saved_step, saved_at = step, began
    ckpt_freq = frequency(settings, "ckpt_freq", data.epoch_size, data.batches)
    with (
        stopping_later() as received,
        Progress("training", total, "images", step, images, devices.is_chief) as progress,
        Prefetch(functools.partial(make_batch, run), total) as prefetch,
    ):
        meter, listeners = _listeners(run, step, progress, evaluator)

        def wish() -> Wish:
            is_due = time.monotonic() - saved_at >= 60 * settings.ckpt_minutes
            return Wish(received[0] if received else 0, is_due)

        while step < total and not devices.agreed(wish()).stop:
            # Fetch. A thread made the batch while the step before was computed. Everything random
            # in it follows from the seed and the step, so a resumed run gets the same one.
            batch_of = functools.partial(prefetch.batch, step)
            epoch, idx = divmod(step, data.batches)
            step += 1
            printed = step % settings.log_freq == 0
            sampled = is_sampled(settings, step, data.epoch_size, data.batches)
            evaluated = is_evaluated(settings, step, total)
            noted = sampled or evaluated or step % settings.summary_freq == 0  # by the listeners

            # Step: D once, G twice on the same z, or as often as --loss has it
            # (gan.updates.Updates), and on the steps that print a line the losses once more,
            # with the new weights.
            result = devices.train_step(batch_of, printed, noted, wish())

            with _saving_in_any_case(run, step):
                # Report. A loss that is not finite ends the run: no later step could mend it.
                if printed or noted:
                    _refuse(run, step, devices.fault(result, look=noted))
                if printed:
                    progress.line(
                        f"Epoch: [{epoch:2d}/{settings.epoch:2d}] [{idx:4d}/{data.batches:4d}] "
                        f"time: {time.monotonic() - began:4.4f}, {_printed_losses(result)}"
                    )

                # Sample. The z and the labels are the same from start to end of the run, so the
                # pictures show how the same images develop.
                pictures = _sample(run) if sampled else {}
                figures = _evaluate(run, step, evaluator, progress.line) if evaluated else {}
                if noted and listeners:
                    row = meter.row(step, result, pictures.get("train"))
                    if evaluator and figures:
                        row = row.with_figures(figures, evaluator.space)
                    for listener in listeners:
                        listener.note(row, result, sampled)
                for name, pixels in pictures.items():
                    path = run.samples / f"{name}_{epoch:02d}_{idx:04d}.png"
                    progress.line(f"wrote {save_grid(pixels, path, classes=data.columns)}")
                if pictures:
                    for listener in listeners:
                        listener.sampled()
                progress.update()

            # Save.
            if step % ckpt_freq == 0 or devices.agreed(wish()).save:
                progress.line(f"wrote {_save(run, step)}")
                saved_step, saved_at = step, time.monotonic()

        if step != saved_step:
            progress.line(f"wrote {_save(run, step)}")
        try:
            for listener in listeners:
                listener.end()
        except OSError as error:
            raise RunError(f"{failure(error)}. Step {step:,} is saved") from error
        for line in evaluator.summary() if evaluator else ():
            progress.line(line)
        return devices.agreed(wish()).stop


def make_batch(run: Run, step: int, replica: int) -> Batch:
    """What a replica is fed with in the step after `step`: arguments of DCGAN.train_step."""
    pixels, y = run.data.batch(*divmod(step, run.data.batches), replica)
    draw = run.draw(step + 1, replica)
    batch = {"images": to_range(pixels, run.dcgan.value_range), "z": run.z("z", draw)}
    if y is not None:
        batch["y"] = y
    drawing = {"augment": run.settings.augment, **run.dcgan.draws}
    for purpose in (name for name, draws in drawing.items() if draws):
        stream = random_stream(run.seed, purpose, draw)
        batch[f"{purpose}_seed"] = stream.integers(2**31, size=2, dtype=np.int32)
    if drawing["noise"]:
        total = run.settings.epoch * run.data.batches
        batch["noise_share"] = np.float32(max(0, 1 - step / total))
    if run.dcgan.training.decay_steps:
        batch["rate_share"] = np.float32(run.dcgan.training.rate_share(step))
    return batch


def _listeners(
    run: Run, step: int, progress: Progress, evaluator: Evaluator | None
) -> tuple[Meter, list[Summaries | Monitor]]:
    """What measures the run from `step` on, and at the chief what keeps and shows the rows.

    Also writes the picture of images that the samples are to be like.
    """
    settings, data = run.settings, run.data
    images = settings.batch_size * run.devices.replicas
    if not run.devices.is_chief:
        return Meter(images, math.nan, None), []
    rows, reals = data.sample_rows(run.sample_num), run.samples / REALS
    # At each start: the crop or the data may be others than at the last.
    progress.line(f"wrote {save_grid(data.images[rows], reals, classes=data.columns)}")
    labels, distinct = None if data.tags else data.labels, np.unique(rows)
    of_reals = diversity(data.images[distinct], None if labels is None else labels[distinct])
    meter = Meter(images, of_reals, None if labels is None else labels[rows])
    passing, logs = marked(settings, COMMAND), settings.run_folder("logs")
    flags = {name: value for name, value in settings.as_json().items() if name not in passing}
    value_range, always = run.dcgan.value_range, settings.G_img_sum
    alarms = Alarms(run.dcgan.loss.d_wins_below, _slower(run))
    monitor = Monitor(logs, run.samples, step, data.batches, alarms, progress.line)
    if evaluator:
        evaluator.take_up(monitor.rows, logs, run.checkpoint_dir / BEST, progress.line)
    shown = Summaries(
        logs,
        flags,
        lambda step: run.z("z", run.draw(step, 0)),
        value_range,
        of_reals,
        always,
        evaluator.space if evaluator else "",
    )
    return meter, [shown, monitor]


def _sample(run: Run) -> dict[str, np.ndarray]:
    """At the chief: images of the run's sample z and labels, uint8 [B, H, W, C]; all must call.

    By the beginning of their file's name: "train" by the weights as they are, which the history
    counts, and "ema" by the averaged ones, where there are any: those that generate.py goes by.
    """
    run.devices.collect()
    if not run.devices.is_chief:
        return {}
    y = run.data.labels_of(run.data.sample_rows(run.sample_num))
    pictures = dict[str, np.ndarray]()
    for name, weights in {"train": "raw", "ema": "ema"}.items():
        if weights == "raw" or run.dcgan.average:
            run.dcgan.choose(weights)
            images = run.dcgan.sampler(run.z("sample_z", 0, run.sample_num), y)
            pictures[name] = to_pixels(images.numpy(), run.dcgan.value_range)
    return pictures


def _evaluate(run: Run, step: int, evaluator: Evaluator | None, tell: Say) -> dict[str, float]:
    """Measure the pictures, and keep the checkpoint apart if they are the best; all must call.

    Returns what the history notes of it; nothing but at the chief.
    """
    run.devices.collect()
    _refuse(run, step, run.dcgan.not_finite(moments=True))
    if evaluator is None:
        return {}
    figures = evaluator.figures(step)
    tell(evaluator.line(figures))
    if evaluator.best.step == step:
        tell(f"wrote {_write(run, step, run.checkpoint_dir / BEST, keep=1)}")
    return figures


def _printed_losses(result: Result) -> str:
    d_loss = float(result["eval_d_loss_fake"] + result["eval_d_loss_real"])
    return f"d_loss: {d_loss:.8f}, g_loss: {float(result['eval_g_loss']):.8f}"


def _refuse(run: Run, step: int, fault: str) -> None:
    """Stop a run if there is a fault in its losses or variables: they are of no use any more."""
    if fault:
        raise RunError(
            f"step {step:,}: {fault}. Try {_slower(run)} or another --seed. {_last_checkpoint(run)}"
        )


def _slower(run: Run) -> str:
    """What makes the training slower: the flags that decide its learning rates."""
    training = run.dcgan.training
    when = " at first" if training.decay_steps else ""
    rates = training.deciding("learning_rate").items()
    return "a smaller " + " and ".join(f"--{name} (it is {rate:g}{when})" for name, rate in rates)


def _save(run: Run, step: int) -> Path:
    """Save, or say why not and where that leaves the run; all workers must call it."""
    run.devices.collect()
    _refuse(run, step, run.dcgan.not_finite(moments=True))
    if not run.devices.is_chief:
        return run.checkpoint_dir
    return _write(run, step, run.checkpoint_dir, run.settings.max_to_keep)


def _write(run: Run, step: int, folder: Path, keep: int) -> Path:
    """Save what has been found to be finite into a folder, at the chief."""
    try:
        if not (run.checkpoint_dir / RUN_FILE).is_file():  # somebody has deleted it
            images, classes = len(run.data.images), run.data.classes
            store_run(run.settings, images, run.checkpoint_dir, classes, run.devices.replicas)
        return run.dcgan.save(folder, step, keep)
    except (OSError, RunError) as error:
        raise RunError(f"{one_line(error)}. {_last_checkpoint(run)}") from error


@contextlib.contextmanager
def _saving_in_any_case(run: Run, step: int) -> Iterator[None]:
    """Save the step before the run ends because something else cannot be written."""
    try:
        yield
    except (OSError, MemoryError, tf.errors.OpError) as error:
        if run.devices.workers > 1:  # the others are in the next step, and cannot be asked
            end = _last_checkpoint(run)
        else:
            try:
                end = f"Step {step:,} is saved, {_save(run, step)}: the same command resumes there"
            except RunError as worse:
                end = f"It cannot be saved either: {worse}"
        raise RunError(f"{failure(error)}. {end}") from error


def _last_checkpoint(run: Run) -> str:
    last = latest_checkpoint(run.checkpoint_dir)
    return f"The last checkpoint is {last}" if last else "There is no checkpoint yet"


@contextlib.contextmanager
def the_only_training(folder: Path) -> Iterator[None]:
    """Keep other processes from training the same run; a RunError where one does already."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            yield
    except filelock.Timeout as error:
        fault = f"another training is at work in {folder}"
        raise RunError(f"{fault}: wait for it, or stop it") from error
