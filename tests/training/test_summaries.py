"""What TensorBoard is shown of a step."""

import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from training.history import Row
from training.summaries import LOSSES, Summaries


@pytest.mark.parametrize("more", [set(), {"d_penalty"}])
def test_a_penalty_is_shown_where_the_loss_has_one(more: set[str], tmp_path: Path) -> None:
    shown = Summaries(tmp_path, {}, lambda step: np.zeros([2, 3]), (-1, 1), math.nan, False)
    result = dict.fromkeys([*LOSSES, *more, "d", "d_"], tf.constant(0.5))
    shown.note(Row(1, math.nan, math.nan, math.nan, math.nan, math.nan), result, sampled=False)
    shown.end()
    (events,) = tmp_path.glob("events.out.tfevents.*")
    found = tf.compat.v1.train.summary_iterator(str(events))
    tags = {value.tag for event in found for value in event.summary.value}
    assert {tag for tag in tags if tag.startswith(("d_", "g_"))} == {*LOSSES, *more, "d_"}
