"""Which variable of a training holds a value that is of no use any more: NaN or an infinity."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf


def not_finite(variables: Mapping[str, tf.Variable]) -> str:
    """Name the first that holds a NaN or an infinity, and how many; "" if none does."""
    finite = _finite(list(variables.values())).numpy()
    if finite.all():
        return ""
    name, variable = list(variables.items())[int(finite.argmin())]
    bad = ~np.isfinite(variable.numpy())
    return f"{name} has {bad.sum():,} of {bad.size:,} values that are not finite"


@tf.function(autograph=False)
def _finite(variables: list[tf.Variable]) -> tf.Tensor:
    return tf.stack([tf.reduce_all(tf.math.is_finite(v)) for v in variables])
