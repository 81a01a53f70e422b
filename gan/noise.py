"""Instance noise: Gaussian noise on all that D sees, real and fake alike.

Sonderby et al. 2017, section 2.2; Arjovsky and Bottou 2017, section 3. It gives both distributions
something in common, so that D cannot tell them apart for certain while G has just begun.
"""

import itertools

import tensorflow as tf

from gan.augment import Look, other


def noisy(look: Look, deviation: tf.Tensor | float, seed: tf.Tensor) -> Look:
    """How D sees images: as `look` shows them, each time with noise of its own.

    deviation: of the noise, in the unit of the images' values. seed: int32 [2], of the step.
    """
    times = itertools.count(1)

    def noisy_look(images: tf.Tensor) -> tf.Tensor:
        seen, own = look(images), other(seed, next(times))
        return seen + deviation * tf.random.stateless_normal(tf.shape(seen), own)

    return noisy_look
