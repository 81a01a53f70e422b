"""The layers of the original's ops.py and its batch normalisation, as small tf.Modules.

Each layer is created under its full original name ("generator/g_h1"), and its variables carry the
original's names below that ("generator/g_h1/w"). All variables are float32. All feature maps are
NHWC; a layer computes in the type of its input, float32 or bfloat16. On a CPU the products are
computed in an order that takes less time there: support/cpu_kernels.py.
"""

import zlib
from collections.abc import Sequence

import tensorflow as tf

from support import cpu_kernels
from support.cpu_kernels import KERNEL, STRIDE

STDDEV = 0.02
BATCH_NORM_DECAY = 0.9
BATCH_NORM_EPSILON = 1e-5
SMALLEST = 1e-12  # in place of a length of 0 that something is divided by


def seed_of(name: str, seed: int) -> tuple[int, int]:
    """Each variable has a random stream of its own, so adding a layer changes no other."""
    return seed, zlib.crc32(name.encode())


def _normal(name: str, shape: Sequence[int], seed: int) -> tf.Variable:
    value = tf.random.stateless_normal(shape, seed_of(name, seed), stddev=STDDEV)
    return tf.Variable(value, name=name)


def _truncated_normal(name: str, shape: Sequence[int], seed: int) -> tf.Variable:
    value = tf.random.stateless_truncated_normal(shape, seed_of(name, seed), stddev=STDDEV)
    return tf.Variable(value, name=name)


def _zeros(name: str, shape: Sequence[int]) -> tf.Variable:
    return tf.Variable(tf.zeros(shape), name=name)


def of_each_replica(
    name: str, value: tf.Tensor | float, saved: tf.VariableAggregation
) -> tf.Variable:
    """A variable that each replica changes by itself, where several train.

    saved: what a checkpoint holds of the replicas' values.
    """
    return tf.Variable(
        value,
        trainable=False,
        name=name,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=saved,
    )


def _average(name: str, value: tf.Tensor) -> tf.Variable:
    """A moving average: what is saved is the mean over the replicas."""
    return of_each_replica(name, value, tf.VariableAggregation.MEAN)


class Conv2d(tf.Module):
    """The original's conv2d: 5x5, stride 2, SAME. [B, H, W, inputs] -> [B, H/2, W/2, outputs].

    u: with spectral norm, what `add_u` makes.
    """

    u: tf.Variable | None = None

    def __init__(self, name: str, inputs: int, outputs: int, seed: int):
        super().__init__()
        self.w = _truncated_normal(f"{name}/w", (KERNEL, KERNEL, inputs, outputs), seed)
        self.biases = _zeros(f"{name}/biases", (outputs,))

    def __call__(self, x: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """Halve height and width, rounding up.

        y: labels [B, y_dim] of x's type, which enter as constant planes; `inputs` counts them.
        """
        w, biases = tf.cast(divided(self.w, self.u), x.dtype), tf.cast(self.biases, x.dtype)
        if cpu_kernels.on_cpu():
            return cpu_kernels.conv2d(x, w, biases, y)
        if y is not None:
            x = conv_cond_concat(x, y)
        return tf.nn.bias_add(tf.nn.conv2d(x, w, STRIDE, "SAME"), biases)


class Deconv2d(tf.Module):
    """The original's deconv2d: transposed 5x5 convolution, stride 2, SAME.

    [B, h, w, inputs] -> [B, H, W, outputs], where (H, W) is `size` and h = ceil(H/2).
    """

    def __init__(self, name: str, inputs: int, outputs: int, size: tuple[int, int], seed: int):
        super().__init__()
        self.size = size
        self.w = _normal(f"{name}/w", (KERNEL, KERNEL, outputs, inputs), seed)
        self.biases = _zeros(f"{name}/biases", (outputs,))

    def __call__(self, x: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """Double height and width, to exactly `size`.

        y: labels [B, y_dim] of x's type, which enter as constant planes; `inputs` counts them.
        """
        w, biases = tf.cast(self.w, x.dtype), tf.cast(self.biases, x.dtype)
        if cpu_kernels.on_cpu():
            return cpu_kernels.conv2d_transpose(x, w, biases, self.size, y)
        if y is not None:
            x = conv_cond_concat(x, y)
        shape = [tf.shape(x)[0], *self.size, w.shape[2]]
        return tf.nn.bias_add(tf.nn.conv2d_transpose(x, w, shape, STRIDE), biases)


class Linear(tf.Module):
    """The original's linear: [B, inputs] -> [B, outputs], x Matrix + bias; u as in Conv2d."""

    u: tf.Variable | None = None

    def __init__(self, name: str, inputs: int, outputs: int, seed: int):
        super().__init__()
        self.Matrix = _normal(f"{name}/Matrix", (inputs, outputs), seed)
        self.bias = _zeros(f"{name}/bias", (outputs,))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Multiply and add."""
        matmul = cpu_kernels.matmul if cpu_kernels.on_cpu() else tf.matmul
        product = matmul(x, tf.cast(divided(self.Matrix, self.u), x.dtype))
        return tf.nn.bias_add(product, tf.cast(self.bias, x.dtype))


class BatchNorm(tf.Module):
    """The original's fused batch_norm over all axes but the last (Ioffe & Szegedy 2015, alg. 1, 2).

    It normalises with the biased variance of the batch and moves `moving_variance` with the
    unbiased one, N/(N-1), as tf.contrib.layers.batch_norm(fused=True) does.
    """

    def __init__(self, name: str, channels: int):
        super().__init__()
        self.beta = _zeros(f"{name}/beta", (channels,))
        self.gamma = tf.Variable(tf.ones((channels,)), name=f"{name}/gamma")
        self.moving_mean = _average(f"{name}/moving_mean", tf.zeros((channels,)))
        self.moving_variance = _average(f"{name}/moving_variance", tf.ones((channels,)))

    def __call__(self, x: tf.Tensor, training: bool, passes: int = 1) -> tf.Tensor:
        """Normalise x, [B, C] or [B, H, W, C].

        Args:
            x: the batch.
            training: normalise with the batch's own statistics, and move the averages by them;
                otherwise (the sampler) normalise with the averages.
            passes: how many of the original's passes this one stands for: the averages move once
                for each, and not at all for 0.
        """
        if x.shape.rank == 2:
            x = x[:, tf.newaxis, tf.newaxis, :]
            return tf.squeeze(self(x, training, passes), [1, 2])
        result = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=self.gamma,
            offset=self.beta,
            mean=[] if training else self.moving_mean,
            variance=[] if training else self.moving_variance,
            epsilon=BATCH_NORM_EPSILON,
            is_training=training,
        )
        if training and passes:
            _move(self.moving_mean, result.batch_mean, passes)
            _move(self.moving_variance, result.batch_variance, passes)
        return result.y


def _move(average: tf.Variable, value: tf.Tensor, times: int) -> None:
    """Move an average `times` times towards a value, in one step."""
    average.assign_sub((1 - BATCH_NORM_DECAY**times) * (average - value))


def add_u(layer: Conv2d | Linear, seed: int) -> None:
    """Give a layer spectral norm: from now on it computes with its weights `divided`.

    u, float32 [outputs] of length 1, begins with random numbers and is moved by `move_u`. Replicas
    move it alike, by the same weights.
    """
    weights = _weights(layer)
    name = weights.name.rpartition("/")[0] + "/u"
    first = _unit(tf.random.stateless_normal(weights.shape[-1:], seed_of(name, seed)))
    layer.u = of_each_replica(name, first, tf.VariableAggregation.ONLY_FIRST_REPLICA)


def move_u(layer: Conv2d | Linear) -> None:
    """One power iteration for a layer that has u (Miyato et al. 2018, algorithm 1, step 1)."""
    matrix, u = _as_matrix(_weights(layer)), layer.u
    assert u is not None
    v = _unit(tf.linalg.matvec(matrix, u))
    u.assign(_unit(tf.linalg.matvec(matrix, v, transpose_a=True)))


def divided(weights: tf.Variable, u: tf.Variable | None) -> tf.Tensor:
    """Weights [..., outputs] divided by their largest singular value; without u, as they are.

    The value is that of the weights as a matrix [kh * kw * inputs, outputs], and |matrix u| for the
    right u. So this is half an iteration more than algorithm 1 of Miyato et al. 2018. As there, u
    is a constant for the gradient.
    """
    if u is None:
        return weights
    matrix = _as_matrix(weights)
    v = tf.stop_gradient(_unit(tf.linalg.matvec(matrix, u)))
    return weights / tf.maximum(tf.tensordot(v, tf.linalg.matvec(matrix, u), 1), SMALLEST)


def _weights(layer: Conv2d | Linear) -> tf.Variable:
    return layer.w if isinstance(layer, Conv2d) else layer.Matrix


def _as_matrix(weights: tf.Variable) -> tf.Tensor:
    return tf.reshape(weights, [-1, weights.shape[-1]])


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return vector / tf.maximum(tf.norm(vector), SMALLEST)


def lrelu(x: tf.Tensor) -> tf.Tensor:
    """Leaky ReLU with the original's slope, max(x, 0.2 x)."""
    return tf.nn.leaky_relu(x, 0.2)


def conv_cond_concat(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Append the label as constant planes: [B, H, W, C] and [B, y_dim] -> [B, H, W, C + y_dim]."""
    planes = tf.ones_like(x[..., :1]) * y[:, tf.newaxis, tf.newaxis, :]
    return tf.concat([x, planes], 3)
