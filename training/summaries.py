"""What a training shows in TensorBoard: the original's tags, and a few more."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams.api import hparams

from training.history import Row
from utils import to_pixels

EVENTS = "events.out.tfevents.*"
LOSSES = ("d_loss", "d_loss_real", "d_loss_fake", "g_loss")
PENALTY = "d_penalty"  # of a loss that has one


class Summaries:
    """Writes a run's events, step by step."""

    def __init__(
        self,
        logs: Path,
        flags: Mapping[str, Any],
        z_of: Callable[[int], np.ndarray],
        value_range: tuple[float, float],
        of_reals: float,
        always_fakes: bool,
        space: str = "",
    ):
        """Open the events' file in `logs`; the HParams tab shows `flags`.

        z_of: the z [B, z_dim] that a step's first replica got. value_range: of the fakes. of_reals:
        the diversity of real images, nan if unknown. always_fakes: show fakes with every summary,
        not only with the sample pictures. space: what the figures of evaluations are in.
        """
        self._z_of, self._value_range, self._of_reals = z_of, value_range, of_reals
        self._always_fakes, self._space = always_fakes, space
        self._logs, self._flags = logs, {n: v for n, v in flags.items() if v is not None}
        self._open()

    def _open(self) -> None:
        before = {*self._logs.glob(EVENTS)}
        self._writer = tf.summary.create_file_writer(str(self._logs))
        with self._writer.as_default():
            hparams(self._flags)
        self._writer.flush()
        self._files = {*self._logs.glob(EVENTS)} - before

    def note(self, row: Row, result: Mapping[str, tf.Tensor], sampled: bool) -> None:
        """Write a step's row and train_step's result; of replicas, z, d, d_, G are the first's."""
        if not any(file.exists() for file in self._files):
            self._open()  # somebody has deleted it; TensorFlow would write to what nobody can read
        self._writer.set_as_default(row.step)
        for tag in (*LOSSES, *{PENALTY} & result.keys()):
            tf.summary.scalar(tag, result[tag])
        tf.summary.histogram("z", self._z_of(row.step))
        tf.summary.histogram("d", result["d"])
        tf.summary.histogram("d_", result["d_"])
        if sampled or self._always_fakes:
            tf.summary.image("G", to_pixels(result["G"].numpy(), self._value_range))
        more = {"D(x)": row.d_of_reals, "D(G(z))": row.d_of_fakes, "images_per_s": row.images_per_s}
        if not math.isnan(row.diversity):
            more["diversity"] = row.diversity * self._of_reals
            more["diversity_of_reals"] = self._of_reals
        more |= {f"{self._space}/{name}": value for name, value in row.evaluated().items()}
        for tag, value in more.items():
            if not math.isnan(value):
                tf.summary.scalar(tag, value)

    def sampled(self) -> None:
        """Nothing more: note has shown the fakes."""

    def end(self) -> None:
        """See that everything is on disk."""
        self._writer.close()
