"""The layers of the original's ops.py and its batch normalisation, as small tf.Modules.

Each layer is created under its full original name ("generator/g_h1"), and its variables carry the
original's names below that ("generator/g_h1/w"). All variables are float32. All feature maps are
NHWC; a layer computes in the type of its input, float32 or bfloat16.
"""

import functools
import zlib
from collections.abc import Callable, Sequence

import tensorflow as tf

KERNEL = 5
STRIDE = 2
STDDEV = 0.02
FEW_PIXELS = {tf.float32: 16, tf.bfloat16: 64}
FEW_CHANNELS = 4
BATCH_NORM_DECAY = 0.9
BATCH_NORM_EPSILON = 1e-5


def _seed_of(name: str, seed: int) -> tuple[int, int]:
    """Each variable draws from a stream of its own, so adding a layer changes no other."""
    return seed, zlib.crc32(name.encode())


def _normal(name: str, shape: Sequence[int], seed: int) -> tf.Variable:
    value = tf.random.stateless_normal(shape, _seed_of(name, seed), stddev=STDDEV)
    return tf.Variable(value, name=name)


def _truncated_normal(name: str, shape: Sequence[int], seed: int) -> tf.Variable:
    value = tf.random.stateless_truncated_normal(shape, _seed_of(name, seed), stddev=STDDEV)
    return tf.Variable(value, name=name)


def _zeros(name: str, shape: Sequence[int]) -> tf.Variable:
    return tf.Variable(tf.zeros(shape), name=name)


def of_each_replica(
    name: str, value: tf.Tensor | float, saved: tf.VariableAggregation
) -> tf.Variable:
    """A variable that every replica moves by itself, where several train; `saved` says what is."""
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
    """The original's conv2d: 5x5, stride 2, SAME. [B, H, W, inputs] -> [B, H/2, W/2, outputs]."""

    def __init__(self, name: str, inputs: int, outputs: int, seed: int):
        super().__init__()
        self.w = _truncated_normal(f"{name}/w", (KERNEL, KERNEL, inputs, outputs), seed)
        self.biases = _zeros(f"{name}/biases", (outputs,))

    def __call__(self, x: tf.Tensor, y: tf.Tensor | None = None) -> tf.Tensor:
        """Halve height and width, rounding up.

        y: [B, y_dim], of x's type, as so many more constant planes of x: `inputs` counts both.
        """
        return _labelled(_convolution, 2, x, y, self.w, self.biases)


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

        y: [B, y_dim], of x's type, as so many more constant planes of x: `inputs` counts both.
        """
        convolve = functools.partial(_transposed_convolution, size=self.size)
        return _labelled(convolve, 3, x, y, self.w, self.biases)


class Linear(tf.Module):
    """The original's linear: [B, inputs] -> [B, outputs], x Matrix + bias."""

    def __init__(self, name: str, inputs: int, outputs: int, seed: int):
        super().__init__()
        self.Matrix = _normal(f"{name}/Matrix", (inputs, outputs), seed)
        self.bias = _zeros(f"{name}/bias", (outputs,))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Multiply and add."""
        return _biased(_product(x, tf.cast(self.Matrix, x.dtype)), self.bias)


def _biased(x: tf.Tensor, biases: tf.Variable) -> tf.Tensor:
    return tf.nn.bias_add(x, tf.cast(biases, x.dtype))


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

    def __call__(self, x: tf.Tensor, moves: int) -> tf.Tensor:
        """Normalise x, [B, C] or [B, H, W, C].

        Args:
            moves: 0 normalises with the moving averages (the sampler). 1 or more normalises with
                this batch's own statistics and moves the averages that many times by them: a pass
                that serves several of the original's passes counts for each.
        """
        if x.shape.rank == 2:
            return tf.squeeze(self(x[:, tf.newaxis, tf.newaxis, :], moves), [1, 2])
        result = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=self.gamma,
            offset=self.beta,
            mean=[] if moves else self.moving_mean,
            variance=[] if moves else self.moving_variance,
            epsilon=BATCH_NORM_EPSILON,
            is_training=moves > 0,
        )
        if moves:
            self._move(self.moving_mean, result.batch_mean, moves)
            self._move(self.moving_variance, result.batch_variance, moves)
        return result.y

    @staticmethod
    def _move(average: tf.Variable, value: tf.Tensor, moves: int) -> None:
        average.assign_sub((1 - BATCH_NORM_DECAY**moves) * (average - value))


# Matrix products and convolutions with gradients of their own. Each is TensorFlow's function; on a
# CPU some, and some gradients, are computed in an order that takes less time.

Convolve = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def _on_cpu() -> bool:
    return not tf.config.get_visible_devices("GPU")


@tf.custom_gradient
def _product(x: tf.Tensor, matrix: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if _on_cpu():
            # A batch is a thin matrix: 6.4 ms instead of 9.0 for MNIST's g_h1_lin on two cores.
            by_x = tf.transpose(tf.matmul(matrix, upstream, transpose_b=True))
        else:
            by_x = tf.matmul(upstream, matrix, transpose_b=True)
        return by_x, tf.matmul(x, upstream, transpose_a=True)

    return tf.matmul(x, matrix), gradient


def _labelled(
    convolve: Convolve,
    axis: int,
    x: tf.Tensor,
    y: tf.Tensor | None,
    w: tf.Variable,
    biases: tf.Variable,
) -> tf.Tensor:
    """Convolve conv_cond_concat(x, y), or x alone, by w, whose inputs are on `axis`; add biases.

    On a CPU no planes are made: what they would add is a small product, while each plane takes as
    long as a channel of x, and 138 channels longer than 128 by more than their number.
    """
    w = tf.cast(w, x.dtype)
    if y is None:
        return _biased(convolve(x, w), biases)
    if not _on_cpu():
        return _biased(convolve(conv_cond_concat(x, y), w), biases)
    of_x, of_y = tf.split(w, [x.shape[3], y.shape[1]], axis)
    of_label = tf.tensordot(y, of_y, [[1], [axis]])  # [B, 5, 5, outputs]
    taps, outputs = _taps_in_image(convolve, axis, x), of_label.shape[3]
    _, height, width, count = taps.shape
    # [1, pixels, 25] by [B, 25, outputs]
    planes = tf.matmul(tf.reshape(taps, [1, -1, count]), tf.reshape(of_label, [-1, count, outputs]))
    # The biases here: beside the convolution, TensorFlow 2.21's remapper gives up on the graph.
    return convolve(x, of_x) + _biased(tf.reshape(planes, [-1, height, width, outputs]), biases)


def _taps_in_image(convolve: Convolve, axis: int, x: tf.Tensor) -> tf.Tensor:
    """For each pixel of the result, which of the 25 taps meet x and not its padding: [1, h, w, 25].

    A constant plane adds the sum of those taps.
    """
    each = tf.reshape(tf.eye(KERNEL**2, dtype=x.dtype), [KERNEL, KERNEL, KERNEL**2])
    return convolve(tf.ones([1, *x.shape[1:3], 1], x.dtype), tf.expand_dims(each, axis))


@tf.custom_gradient
def _convolution(x: tf.Tensor, w: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        by_x = _transposed(upstream, w, tuple(x.shape[1:3]))
        return by_x, _filter_gradient(x, upstream, w.shape)

    return tf.nn.conv2d(x, w, STRIDE, "SAME"), gradient


def _transposed_convolution(x: tf.Tensor, w: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    @tf.custom_gradient
    def function(x: tf.Tensor, w: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            by_x = tf.nn.conv2d(upstream, w, STRIDE, "SAME")
            return by_x, _filter_gradient(upstream, x, w.shape)

        return _transposed(x, w, size), gradient

    return function(x, w)


def _transposed(x: tf.Tensor, w: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """The transposed convolution of x by w, as an image of height and width `size`."""
    if _on_cpu() and w.shape[2] <= FEW_CHANNELS:
        return _to_few_channels(x, w, size)
    return tf.nn.conv2d_transpose(x, w, [_shape(x)[0], *size, w.shape[2]], STRIDE)


def _to_few_channels(x: tf.Tensor, w: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """The transposed convolution as a 3x3 convolution, then a rearrangement of its channels.

    Each of the four pixels that come of one is a convolution with every second row and column of
    the filter; a row and a column of zeros make the four equally large. On a CPU TensorFlow's own
    takes twice the time: 9 ms instead of 5 for MNIST's g_h3, batch 64, on two cores.
    """
    outputs, inputs = w.shape[2], w.shape[3]
    # SAME pads an even size by one row before and two after, an odd one by two and two.
    rows, columns = ((1, 0) if length % 2 == 0 else (0, 1) for length in size)
    padded = tf.pad(w, [rows, columns, (0, 0), (0, 0)])
    phases = tf.reverse(tf.reshape(padded, [3, 2, 3, 2, outputs, inputs]), [0, 2])
    kernel = tf.reshape(tf.transpose(phases, [0, 2, 5, 1, 3, 4]), [3, 3, inputs, 4 * outputs])
    pixels = tf.nn.depth_to_space(tf.nn.conv2d(x, kernel, 1, "SAME"), 2)
    return pixels[:, : size[0], : size[1]]


def _filter_gradient(large: tf.Tensor, small: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """Gradient by the filter of a convolution from `large` [B, H, W, C] to `small`, half as large.

    It is itself a convolution of stride 1, with the channels of `large` as its images, the images
    as its channels, and `small` as its filter, its rows and columns two apart. For small maps of
    many channels TensorFlow's kernel for it is slow on a CPU: batch 64, on two cores, 6x6x256 ->
    3x3x512 takes 14 ms instead of 48 in bfloat16, 22 instead of 25 in float32, and
    16x16x128 -> 8x8x256 in bfloat16 20 instead of 32. With few channels both take 1 or 2 ms.
    """
    if _on_cpu() and small.shape[1] * small.shape[2] <= FEW_PIXELS[large.dtype]:
        # As SAME pads.
        pads = [(1, 2) if length % 2 == 0 else (2, 2) for length in large.shape[1:3]]
        channels = tf.transpose(tf.pad(large, [(0, 0), *pads, (0, 0)]), [3, 1, 2, 0])
        pixels = tf.transpose(small, [1, 2, 0, 3])
        gradient = tf.nn.conv2d(channels, pixels, 1, "VALID", dilations=STRIDE)
        return tf.transpose(gradient, [1, 2, 0, 3])
    return tf.raw_ops.Conv2DBackpropFilter(
        input=large,
        filter_sizes=shape,
        out_backprop=small,
        strides=[1, STRIDE, STRIDE, 1],
        padding="SAME",
    )


def _shape(x: tf.Tensor) -> tf.TensorShape | tf.Tensor:
    """The static shape where it is known, else the tensor that tells it."""
    return x.shape if x.shape.is_fully_defined() else tf.shape(x)


def lrelu(x: tf.Tensor) -> tf.Tensor:
    """Leaky ReLU with the original's slope, max(x, 0.2 x)."""
    return tf.nn.leaky_relu(x, 0.2)


def conv_cond_concat(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Append the label as constant planes: [B, H, W, C] and [B, y_dim] -> [B, H, W, C + y_dim]."""
    planes = tf.ones_like(x[..., :1]) * y[:, tf.newaxis, tf.newaxis, :]
    return tf.concat([x, planes], 3)
