"""The loop of training steps: when to print, summarise, sample, save and stop."""

import dataclasses
import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams.api import hparams

from datasets.dataset import Dataset
from gan.checkpoints import latest_checkpoint
from model import DCGAN
from runs.settings import Settings
from runs.stored import OF_THE_COMMAND
from support.console import stopping_later
from support.errors import RunError, failure, one_line
from support.progress import Progress
from support.streams import draw_z, random_stream
from training.distributed import ALONE, CHECKPOINT, Cluster, Copies
from training.monitor import REALS, Watch, diversity, sample_pictures
from training.pace import frequency, is_sampled
from training.prefetch import Batch, Prefetch
from utils import save_grid, to_pixels, to_range


@dataclasses.dataclass(frozen=True)
class Run:
    """What the steps of one training run share."""

    settings: Settings
    seed: int
    data: Dataset
    dcgan: DCGAN
    checkpoint_dir: Path
    cluster: Cluster = ALONE
    copies: Copies | None = None  # of dcgan, one on each replica

    def z(self, purpose: str, index: int) -> np.ndarray:
        """A batch of latent vectors, float32 [B, z_dim]; the same for the same arguments."""
        stream = random_stream(self.seed, purpose, index)
        return draw_z(stream, self.settings.z_dist, self.settings.batch_size, self.dcgan.z_dim)


def train_steps(run: Run, step: int, total: int) -> int:
    """Train from `step` to `total`, saving at the end -> the signal that stopped it, or 0.

    Raises:
        RunError: a value is not finite, or something cannot be written. Where that does not keep
            it from being saved, the last step is.
    """
    settings, data = run.settings, run.data
    between_checkpoints = frequency(settings, "ckpt_freq", data.epoch_size, data.batches)
    began, saved = time.monotonic(), (step, time.monotonic())
    scale = settings.batch_size * run.cluster.replicas
    with (
        _summary_writer(run).as_default(),
        stopping_later() as received,
        Progress("training", total, "images", step, scale, run.cluster.is_chief) as progress,
        Prefetch(functools.partial(_batch, run), total) as prefetch,
    ):
        watch = _watch(run, step, progress) if run.cluster.is_chief else None
        # Replicas stop when they have agreed on it, after the same step.
        stopped_by = received if run.copies is None else []
        while step < total and not stopped_by:
            wishes = _wishes(settings, received, saved[1])
            result = _train_one(run, step, prefetch, wishes)
            step += 1
            try:
                _show(run, step, result, progress, watch, began)
                progress.update()
            except (OSError, MemoryError, tf.errors.OpError) as error:
                raise RunError(f"{failure(error)}. {_saved_after_all(run, step)}") from error
            if run.copies:
                wishes = run.copies.wishes
                stopped_by += sorted(wishes - {CHECKPOINT})
            if CHECKPOINT in wishes or step % between_checkpoints == 0:
                progress.line(f"wrote {_save(run, step)}")
                saved = (step, time.monotonic())
        if step != saved[0]:
            progress.line(f"wrote {_save(run, step)}")
        if watch:
            try:
                watch.draw(_samples(run, step), at_once=True)
            except OSError as error:
                raise RunError(f"{failure(error)}. Step {step:,} is saved") from error
    return stopped_by[0] if stopped_by else 0


def _watch(run: Run, step: int, progress: Progress) -> Watch:
    """Begin to watch the run from `step` on; shows the images that its samples are to be like."""
    settings, data = run.settings, run.data
    samples = settings.run_folder(settings.sample_dir)
    rows = data.sample_rows(settings.batch_size)
    labels = None if data.labels is None else data.labels[rows]
    distinct = np.unique(rows)
    of_class = None if data.labels is None else data.labels[distinct]
    of_reals = diversity(data.images[distinct], of_class)
    flags = {k: v for k, v in settings.as_json().items() if k not in OF_THE_COMMAND}
    hparams({name: value for name, value in flags.items() if value is not None})
    if step == 0 or not (samples / REALS).is_file():
        reals = save_grid(data.images[rows], samples / REALS, classes=data.classes)
        progress.line(f"wrote {reals}")
    return Watch(settings.run_folder("logs"), samples, step, of_reals, labels, progress.line)


def _samples(run: Run, step: int) -> list[Path]:
    folder = run.settings.run_folder(run.settings.sample_dir)
    return sample_pictures(folder, step, run.data.batches)


def _summary_writer(run: Run) -> tf.summary.SummaryWriter:
    if run.cluster.is_chief:
        return tf.summary.create_file_writer(str(run.settings.run_folder("logs")))
    return tf.summary.create_noop_writer()


def _wishes(settings: Settings, received: list[int], saved: float) -> set[int]:
    """What this process asks for: to stop, by the signals received, and CHECKPOINT by the clock."""
    is_due = time.monotonic() - saved >= 60 * settings.ckpt_minutes
    return {*received, CHECKPOINT} if is_due else {*received}


def _train_one(run: Run, step: int, prefetch: Prefetch, wishes: set[int]) -> dict[str, tf.Tensor]:
    """Make the step after `step` -> what train_step returns; `wishes` are those of Copies."""
    log, sample, summary = _due(run, step + 1)
    if run.copies:
        batch_of = functools.partial(prefetch.batch, step)
        return run.copies.train_step(batch_of, log, sample or summary, wishes)
    return run.dcgan.train_step(**prefetch.batch(step, 0), evaluate=log, watch=sample or summary)


def _batch(run: Run, step: int, replica: int) -> Batch:
    """What a replica is fed with in the step after `step`."""
    pixels, y = run.data.batch(*divmod(step, run.data.batches), replica)
    draw = _draw(run, step, replica)
    batch = {"images": to_range(pixels, run.dcgan.value_range), "z": run.z("z", draw)}
    if y is not None:
        batch["y"] = y
    if run.settings.augment:
        stream = random_stream(run.seed, "augment", draw)
        batch["augment_seed"] = stream.integers(2**31, size=2, dtype=np.int32)
    return batch


def _draw(run: Run, step: int, replica: int) -> int:
    """Which of the run's random draws a replica takes for the step after `step`."""
    return step * run.cluster.replicas + replica


def _due(run: Run, step: int) -> tuple[bool, bool, bool]:
    """Whether step number `step` is one to print, to sample, and to summarise."""
    settings, data = run.settings, run.data
    sample = is_sampled(settings, step, data.epoch_size, data.batches)
    return step % settings.log_freq == 0, sample, step % settings.summary_freq == 0


def _show(
    run: Run,
    step: int,
    result: dict[str, tf.Tensor],
    progress: Progress,
    watch: Watch | None,
    began: float,
) -> None:
    """Print, summarise and sample what is due after step number `step`."""
    settings, batches = run.settings, run.data.batches
    epoch, idx = divmod(step - 1, batches)
    log, sample, summary = _due(run, step)
    if log or sample or summary:
        faulty = run.copies is not None and result["not_finite"] > 0
        if run.copies and (sample or faulty):
            run.copies.collect()
        if run.copies is None or faulty:
            # All variables take 2 % of an MNIST step to look at; a loss tells of them a step later.
            look = sample or summary or faulty
            _refuse_not_finite(run, step, result, "weights" if look else "")
    if watch is None:
        return
    if log:
        progress.line(
            f"Epoch: [{epoch:2d}/{settings.epoch:2d}] [{idx:4d}/{batches:4d}] "
            f"time: {time.monotonic() - began:4.4f}, {_printed_losses(result)}"
        )
    if sample or summary:
        tf.summary.experimental.set_step(step)
        _summarise(result, step, run, fakes=sample or settings.G_img_sum)
        pixels = _sample(run) if sample else None
        watch.note(step, result, settings.batch_size * run.cluster.replicas, pixels)
        if pixels is not None:
            path = settings.run_folder(settings.sample_dir) / f"train_{epoch:02d}_{idx:04d}.png"
            progress.line(f"wrote {save_grid(pixels, path, classes=run.data.classes)}")
            watch.draw(_samples(run, step))


def _refuse_not_finite(run: Run, step: int, result: dict[str, tf.Tensor], variables: str) -> None:
    """Stop a run whose losses or variables are of no use any more.

    variables: "" looks at them only to explain a loss, "weights" in any case, "moments" also at
    Adam's.

    Raises:
        RunError: names the loss, the variable and the step.
    """
    losses = [name for name, value in result.items() if "loss" in name and not np.isfinite(value)]
    faults = [f"{name} is {float(result[name])}" for name in losses[:1]]
    if faults or variables:
        faults += [fault] if (fault := run.dcgan.not_finite(variables == "moments")) else []
    if faults:
        raise RunError(
            f"step {step:,}: {', '.join(faults)}. Try a smaller --learning_rate (it was "
            f"{run.settings.learning_rate}) or another --seed. {_last_checkpoint(run)}"
        )


def _save(run: Run, step: int) -> Path:
    """Save, or say why not and where that leaves the run; all workers must call it."""
    if run.copies:
        run.copies.collect()
    _refuse_not_finite(run, step, {}, "moments")
    if not run.cluster.is_chief:
        return run.checkpoint_dir
    try:
        return run.dcgan.save(run.checkpoint_dir, step, run.settings.max_to_keep)
    except (OSError, RunError) as error:
        raise RunError(f"{one_line(error)}. {_last_checkpoint(run)}") from error


def _saved_after_all(run: Run, step: int) -> str:
    """Save a run that has to end, and say how that went."""
    if run.cluster.workers > 1:
        return _last_checkpoint(run)  # the others are in the next step, and cannot be asked
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


def _summarise(result: dict[str, tf.Tensor], step: int, run: Run, fakes: bool) -> None:
    """Write the original's TensorBoard tags; of several replicas, z, d, d_ and G of the first."""
    for tag in ("d_loss", "d_loss_real", "d_loss_fake", "g_loss"):
        tf.summary.scalar(tag, result[tag])
    tf.summary.histogram("z", run.z("z", _draw(run, step - 1, 0)))
    tf.summary.histogram("d", result["d"])
    tf.summary.histogram("d_", result["d_"])
    if fakes:
        tf.summary.image("G", to_pixels(result["G"].numpy(), run.dcgan.value_range))


def _sample(run: Run) -> np.ndarray:
    """The one z and the labels that the run shows from start to end: uint8 [B, H, W, C]."""
    y = run.data.labels_of(run.data.sample_rows(run.settings.batch_size))
    images = run.dcgan.sampler(run.z("sample_z", 0), y)
    return to_pixels(images.numpy(), run.dcgan.value_range)


@contextmanager
def the_only_training(folder: Path) -> Iterator[None]:
    """Keep another process from training the same run.

    Raises:
        RunError: one does already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            yield
    except filelock.Timeout as error:
        raise RunError(
            f"another training is at work in {folder}: wait for it, or stop it"
        ) from error
