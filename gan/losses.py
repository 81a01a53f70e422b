"""What D and G are trained by: a loss is a row of LOSSES, and everything else asks that row.

TensorFlow is loaded where it is used, so that a command line knows the names without it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

SMALLEST = 1e-12  # under a square root, whose gradient at 0 would be infinite


@dataclass(frozen=True)
class Loss:
    """The losses of one kind of GAN. Logits are what D's last layer gives, [B, 1].

    d: logits of reals and of fakes -> (d_loss_real, d_loss_fake), scalars; D minimises their sum.
    has_target: whether `d` takes a third argument: what D is to say of reals, otherwise 1.
    smoothing: what that lacks to 1 in training (one-sided label smoothing, Salimans et al. 2016,
    section 3.4).
    g: logits of fakes, and a function that gives those of reals, in a pass of D that only a loss
    which needs them should make -> g_loss, which G minimises.
    probability: logits -> how real D takes the images to be, as it is shown.
    penalty: a function that gives D's logits of images, reals, fakes, and a seed, int32 [2] -> a
    scalar that is added to D's loss, times `weight`. Images are as D sees them. draws: whether it
    needs the seed, which is None otherwise. d_updates, g_updates: of one iteration, all on the same
    images and z; g_first: G's come first, and D sees what the new G makes of them.
    d_wins_below: a d_loss that stays under this says that D knows every fake; None if none does.
    """

    d: Callable[..., tuple["tf.Tensor", "tf.Tensor"]]
    g: Callable[["tf.Tensor", Callable[[], "tf.Tensor"]], "tf.Tensor"]
    probability: Callable[["tf.Tensor"], "tf.Tensor"]
    penalty: Callable[[Callable, "tf.Tensor", "tf.Tensor", Any], "tf.Tensor"] | None = None
    weight: float = 1.0
    draws: bool = False
    d_updates: int = 1
    g_updates: int = 1
    g_first: bool = False
    d_wins_below: float | None = None
    has_target: bool = False
    smoothing: float = 0.0

    def d_trained(self, reals: "tf.Tensor", fakes: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
        """As `d`, with smoothing: what D minimises. The losses that are printed are without it."""
        return self.d(reals, fakes, 1 - self.smoothing) if self.smoothing else self.d(reals, fakes)


def loss_of(
    name: str,
    d_updates: int | None,
    g_updates: int | None,
    smoothing: float = 0.0,
    weight: float | None = None,
) -> Loss:
    """A loss of the table; numbers of updates and a penalty's weight are its own if not given.

    With smoothing d_loss does not go to 0, however well D knows fakes: it has no bound to warn at.
    """
    loss = LOSSES[name]
    d_updates, g_updates = d_updates or loss.d_updates, g_updates or loss.g_updates
    below = None if smoothing else loss.d_wins_below
    return replace(
        loss,
        d_updates=d_updates,
        g_updates=g_updates,
        smoothing=smoothing,
        d_wins_below=below,
        weight=loss.weight if weight is None else weight,
    )


def real_loss(logits: "tf.Tensor", target: float = 1) -> "tf.Tensor":
    """Mean sigmoid cross entropy of logits against ones, or another target, a scalar."""
    import tensorflow as tf

    ones = tf.ones_like(logits)
    return _mean_cross_entropy(logits, ones if target == 1 else target * ones)


def fake_loss(logits: "tf.Tensor") -> "tf.Tensor":
    """Mean sigmoid cross entropy of logits against zeros, a scalar."""
    import tensorflow as tf

    return _mean_cross_entropy(logits, tf.zeros_like(logits))


def _mean_cross_entropy(logits: "tf.Tensor", labels: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def half_square(logits: "tf.Tensor", target: float) -> "tf.Tensor":
    """Half the mean squared distance of logits from their target, a scalar."""
    import tensorflow as tf

    return tf.reduce_mean(tf.square(logits - target)) / 2


def mean(logits: "tf.Tensor") -> "tf.Tensor":
    """The mean, a scalar."""
    import tensorflow as tf

    return tf.reduce_mean(logits)


def hinge(margins: "tf.Tensor") -> "tf.Tensor":
    """The mean of what margins lack to 1, a scalar."""
    import tensorflow as tf

    return tf.reduce_mean(tf.nn.relu(1 - margins))


def lead(ahead: "tf.Tensor", behind: "tf.Tensor") -> "tf.Tensor":
    """Mean softplus(behind - ahead) of pairs, a scalar: small where each `ahead` is far larger."""
    import tensorflow as tf

    return tf.reduce_mean(tf.nn.softplus(behind - ahead))


def sigmoid(logits: "tf.Tensor") -> "tf.Tensor":
    """The probability of real that logits stand for: 1 is real, 0 is made."""
    import tensorflow as tf

    return tf.sigmoid(logits)


def between(low: float, high: float) -> Callable[["tf.Tensor"], "tf.Tensor"]:
    """For logits that are low for fakes and high for reals: where they are between, 0 to 1."""

    def probability(logits: "tf.Tensor") -> "tf.Tensor":
        import tensorflow as tf

        return tf.clip_by_value((logits - low) / (high - low), 0, 1)

    return probability


def gradient_penalty(
    logits_of: Callable, reals: "tf.Tensor", fakes: "tf.Tensor", seed: "tf.Tensor"
) -> "tf.Tensor":
    """The mean of (slope - 1)^2, a scalar (Gulrajani et al. 2017, equation 3).

    The slope is that of D at images on the way from each fake to a real, at a place drawn from
    the seed.
    """
    import tensorflow as tf

    share = tf.random.stateless_uniform([tf.shape(reals)[0], 1, 1, 1], seed)
    squares = squared_slopes(logits_of, fakes + share * (reals - fakes))
    return tf.reduce_mean(tf.square(tf.sqrt(squares + SMALLEST) - 1))


def zero_centred_penalties(
    logits_of: Callable, reals: "tf.Tensor", fakes: "tf.Tensor", seed: object
) -> "tf.Tensor":
    """Half the mean squared slope of D at reals (R1) and at fakes (R2), a scalar.

    Mescheder et al. 2018, section 4.1; both together in Huang et al. 2024, section 2.2.
    """
    import tensorflow as tf

    of_each = [tf.reduce_mean(squared_slopes(logits_of, images)) for images in (reals, fakes)]
    return (of_each[0] + of_each[1]) / 2


def squared_slopes(logits_of: Callable, images: "tf.Tensor") -> "tf.Tensor":
    """The squared length of the gradient of D's logits by each image, [B].

    With batch norm in D an image changes the others' logits, too: they are part of its gradient.
    """
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = logits_of(images)
    return tf.reduce_sum(tf.square(tape.gradient(logits, images)), [1, 2, 3])


LOSSES = {
    # Goodfellow et al. 2014, section 3, with G's loss that does not saturate. The original updates
    # G twice, so that d_loss does not go to 0; the paper (Radford et al. 2016) once.
    "gan": Loss(
        d=lambda reals, fakes, target=1: (real_loss(reals, target), fake_loss(fakes)),
        g=lambda fakes, of_reals: real_loss(fakes),
        probability=sigmoid,
        g_updates=2,
        d_wins_below=0.05,
        has_target=True,
    ),
    # As tutorials write the fully connected GAN: each network once, G first, and half of D's loss.
    "gan-halved": Loss(
        d=lambda reals, fakes, target=1: (real_loss(reals, target) / 2, fake_loss(fakes) / 2),
        g=lambda fakes, of_reals: real_loss(fakes),
        probability=sigmoid,
        g_first=True,
        d_wins_below=0.025,
        has_target=True,
    ),
    # Mao et al. 2017, equation 9: D says 1 of reals and 0 of fakes. Where it cannot tell, d_loss
    # is 0.25; below 0.01 it is off by 0.1.
    "lsgan": Loss(
        d=lambda reals, fakes, target=1: (half_square(reals, target), half_square(fakes, 0)),
        g=lambda fakes, of_reals: half_square(fakes, 1),
        probability=between(0, 1),
        d_wins_below=0.01,
        has_target=True,
    ),
    # Gulrajani et al. 2017, algorithm 1; five updates of D there, too, but each of new images and
    # z. A logit says nothing by itself, only more or less than another: its sigmoid is no
    # probability, but has their order.
    "wgan-gp": Loss(
        d=lambda reals, fakes: (-mean(reals), mean(fakes)),
        g=lambda fakes, of_reals: -mean(fakes),
        probability=sigmoid,
        penalty=gradient_penalty,
        weight=10.0,  # lambda, section 4
        draws=True,
        d_updates=5,
    ),
    # Miyato et al. 2018, equations 16 and 17. Where D cannot tell, d_loss is 2.
    "hinge": Loss(
        d=lambda reals, fakes: (hinge(reals), hinge(-fakes)),
        g=lambda fakes, of_reals: -mean(fakes),
        probability=between(-1, 1),
        d_wins_below=0.05,
    ),
    # Huang et al. 2024, equation 2 with f(t) = -log(1 + e^-t), and R1 and R2: each real is paired
    # with a fake. Half of the pairs' loss counts as d_loss_real, half as d_loss_fake. A logit says
    # something only beside another, as in "wgan-gp".
    "rpgan": Loss(
        d=lambda reals, fakes: (lead(reals, fakes) / 2,) * 2,
        g=lambda fakes, of_reals: lead(fakes, of_reals()),
        probability=sigmoid,
        penalty=zero_centred_penalties,
        # gamma. The paper lowers it in the course of a training, from 0.05 to 0.005 for 32x32
        # pictures and from 2 to 0.2 for 64x64; here it stays.
        weight=1.0,
    ),
}


def own_weights() -> str:
    """The weights of the penalties in the table, in words."""
    return ", ".join(f"{name}: {loss.weight:g}" for name, loss in LOSSES.items() if loss.penalty)
