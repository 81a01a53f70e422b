"""The products of ops.py in an order of computation that takes less time on a CPU.

Each is TensorFlow's function of that name; the order of its sums, or of those of its gradient, is
another. Times are of batch 64 on two cores, against TensorFlow 2.21's own kernels.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import tensorflow as tf

KERNEL, STRIDE = 5, 2  # of all convolutions; what is done here holds for no others
FEW_PIXELS = {tf.float32: 16, tf.bfloat16: 64}
FEW_CHANNELS = 4

Convolve = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
_left_out = ContextVar("_left_out", default=False)


def on_cpu() -> bool:
    """Whether this program computes on the CPU, as it does where it may use no GPU."""
    return not (_left_out.get() or tf.config.get_visible_devices("GPU"))


@contextmanager
def left_out() -> Iterator[None]:
    """Trace layers as for a GPU, by TensorFlow's own kernels: for graphs that others will read.

    What a CPU computes in another order is a detour of many small operations.
    """
    before = _left_out.set(True)
    try:
        yield
    finally:
        _left_out.reset(before)


@tf.custom_gradient
def matmul(x: tf.Tensor, matrix: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """tf.matmul of a batch x [B, N] and a matrix [N, M].

    A batch is a thin matrix: its gradient takes 6.4 ms instead of 9.0 for MNIST's g_h1_lin.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        by_x = tf.transpose(tf.matmul(matrix, upstream, transpose_b=True))
        return by_x, tf.matmul(x, upstream, transpose_a=True)

    return tf.matmul(x, matrix), gradient


def conv2d(x: tf.Tensor, w: tf.Tensor, biases: tf.Tensor, y: tf.Tensor | None) -> tf.Tensor:
    """Conv2d's product: x [B, H, W, C] by w [5, 5, C + y_dim, N], plus biases -> [B, H/2, W/2, N].

    y: labels [B, y_dim] as constant planes of x, or None.
    """
    return _labelled(_convolution, 2, x, w, biases, y)


def conv2d_transpose(
    x: tf.Tensor, w: tf.Tensor, biases: tf.Tensor, size: tuple[int, int], y: tf.Tensor | None
) -> tf.Tensor:
    """Deconv2d's product: x [B, h, w, C] by w [5, 5, N, C + y_dim], plus biases -> [B, *size, N].

    y: labels [B, y_dim] as constant planes of x, or None.
    """
    convolve = functools.partial(_transposed_convolution, size=size)
    return _labelled(convolve, 3, x, w, biases, y)


def _labelled(
    convolve: Convolve,
    axis: int,
    x: tf.Tensor,
    w: tf.Tensor,
    biases: tf.Tensor,
    y: tf.Tensor | None,
) -> tf.Tensor:
    """Convolve x, with the planes of y, by w, whose inputs are on `axis`; add biases.

    No planes are made: what they would add is a small product, while each plane takes as long as
    a channel of x, and 138 channels take longer than 128 by more than their number.
    """
    if y is None:
        return tf.nn.bias_add(convolve(x, w), biases)
    of_x, of_y = tf.split(w, [x.shape[3], y.shape[1]], axis)
    of_label = tf.tensordot(y, of_y, [[1], [axis]])  # [B, 5, 5, outputs]
    taps, outputs = _taps_in_image(convolve, axis, x), of_label.shape[3]
    _, height, width, count = taps.shape
    # [1, pixels, 25] by [B, 25, outputs]
    planes = tf.matmul(tf.reshape(taps, [1, -1, count]), tf.reshape(of_label, [-1, count, outputs]))
    planes = tf.reshape(planes, [-1, height, width, outputs])
    # The biases here: beside the convolution, TensorFlow 2.21's remapper gives up on the graph.
    return convolve(x, of_x) + tf.nn.bias_add(planes, biases)


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
    if w.shape[2] <= FEW_CHANNELS:
        return _to_few_channels(x, w, size)
    return tf.nn.conv2d_transpose(x, w, [_shape(x)[0], *size, w.shape[2]], STRIDE)


def _to_few_channels(x: tf.Tensor, w: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """The transposed convolution as a 3x3 convolution, then a rearrangement of its channels.

    Each of the four pixels that come of one is a convolution with every second row and column of
    the filter; a row and a column of zeros make the four equally large. TensorFlow's own takes
    twice the time: 9 ms instead of 5 for MNIST's g_h3.
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
    many channels TensorFlow's kernel for it is slow: 6x6x256 -> 3x3x512 takes 14 ms instead of 48
    in bfloat16, 22 instead of 25 in float32, and 16x16x128 -> 8x8x256 in bfloat16 20 instead of
    32. With few channels both take 1 or 2 ms.
    """
    if small.shape[1] * small.shape[2] <= FEW_PIXELS[tf.as_dtype(large.dtype)]:
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
    """The static shape where it is known, otherwise a tensor that holds it."""
    return x.shape if x.shape.is_fully_defined() else tf.shape(x)
