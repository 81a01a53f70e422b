"""The layers: shapes, initial values, labels, gradients, batch norm's statistics."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from ops import (
    BatchNorm,
    Conv2d,
    Deconv2d,
    Linear,
    add_u,
    conv_cond_concat,
    divided,
    lrelu,
    move_u,
)
from support import cpu_kernels

STREAM = np.random.default_rng(0)


def noise(*shape: int) -> tf.Tensor:
    return tf.constant(STREAM.normal(size=shape), tf.float32)


def test_a_convolution_halves_rounding_up() -> None:
    layer = Conv2d("d_h0_conv", 3, 8, seed=0)
    assert layer(noise(2, 9, 14, 3)).shape == (2, 5, 7, 8)
    assert layer.w.name == "d_h0_conv/w:0"


@pytest.mark.parametrize("size", [(9, 14), (10, 13), (1, 2)])
def test_a_transposed_convolution_gives_the_size_asked_for(size: tuple[int, int]) -> None:
    layer = Deconv2d("g_h1", 8, 3, size, seed=0)
    x = noise(2, -(-size[0] // 2), -(-size[1] // 2), 8)
    assert layer(x).shape == (2, *size, 3)


def test_a_transposed_convolution_is_the_gradient_of_the_convolution() -> None:
    layer = Deconv2d("g_h1", 8, 3, (9, 14), seed=0)
    x, image = noise(2, 5, 7, 8), noise(2, 9, 14, 3)
    with tf.GradientTape() as tape:
        tape.watch(image)
        forward = tf.nn.conv2d(image, layer.w, 2, "SAME")
    wanted = tape.gradient(forward, image, x)
    np.testing.assert_allclose(layer(x), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("size", [(6, 8), (7, 5), (9, 14), (14, 9), (11, 11), (1, 2)])
def test_products_of_our_own_are_tensorflows(
    size: tuple[int, int], on_cpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values and gradients of a convolution, its transpose, a product; both sides of FEW_*.

    Also by the plain path that a GPU takes.
    """
    monkeypatch.setattr(cpu_kernels, "on_cpu", lambda: on_cpu)
    half = (-(-size[0] // 2), -(-size[1] // 2))
    large, small = noise(2, *size, 3), noise(2, *half, 8)
    conv, deconv = Conv2d("a", 3, 8, seed=0), Deconv2d("b", 8, 3, size, seed=0)
    many, wide = Deconv2d("d", 8, 5, size, seed=0), (2, *size, 5)
    linear, thin = Linear("c", 5, 7, seed=0), noise(2, 5)
    cases: list[tuple[Callable, tf.Tensor, tf.Variable, Callable]] = [
        (conv, large, conv.w, lambda: tf.nn.conv2d(large, conv.w, 2, "SAME")),
        (deconv, small, deconv.w, lambda: tf.nn.conv2d_transpose(small, deconv.w, large.shape, 2)),
        (many, small, many.w, lambda: tf.nn.conv2d_transpose(small, many.w, wide, 2)),
        (linear, thin, linear.Matrix, lambda: thin @ linear.Matrix),
    ]
    for layer, x, weights, plain in cases:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            ours, wanted = layer(x), plain()
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5)
        upstream = noise(*ours.shape)
        for source in (x, weights):
            np.testing.assert_allclose(
                tape.gradient(ours, source, upstream),
                tape.gradient(wanted, source, upstream),
                rtol=1e-4,
                atol=1e-4,
            )


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("size", [(6, 8), (7, 5), (9, 14), (1, 2)])
def test_a_label_enters_a_convolution_as_constant_planes(
    size: tuple[int, int], on_cpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Value and gradients, the label's own included, are those of the planes, appended."""
    monkeypatch.setattr(cpu_kernels, "on_cpu", lambda: on_cpu)
    half, y = (-(-size[0] // 2), -(-size[1] // 2)), noise(2, 4)
    conv, deconv = Conv2d("a", 3 + 4, 8, seed=0), Deconv2d("b", 8 + 4, 3, size, seed=0)
    cases: list[tuple[Conv2d | Deconv2d, tf.Tensor]] = [
        (conv, noise(2, *size, 3)),
        (deconv, noise(2, *half, 8)),
    ]
    for layer, x in cases:
        layer.biases.assign(noise(*layer.biases.shape))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, y])
            ours, wanted = layer(x, y), layer(conv_cond_concat(x, y))
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5)
        upstream = noise(*ours.shape)
        for source in (x, y, layer.w, layer.biases):
            np.testing.assert_allclose(
                tape.gradient(ours, source, upstream),
                tape.gradient(wanted, source, upstream),
                rtol=1e-4,
                atol=1e-4,
            )


def test_a_label_in_bfloat16_is_rounded_not_other() -> None:
    layer, x, y = Deconv2d("a", 8 + 4, 16, (14, 14), seed=0), noise(4, 7, 7, 8), noise(4, 4)
    ours = layer(tf.cast(x, tf.bfloat16), tf.cast(y, tf.bfloat16))
    wanted = layer(conv_cond_concat(x, y))
    error = np.abs(tf.cast(ours, tf.float32) - wanted).max() / np.abs(wanted).max()
    assert 0 < error < 0.02


def kinds_of(layer: Conv2d | Deconv2d | Linear, *inputs: tf.Tensor) -> set[str]:
    """The operations that compute a layer and its gradients; "dilated" if one of them is."""

    @tf.function
    def gradients(*inputs: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            result = layer(*inputs)
        gradients: list[tf.Tensor] = tape.gradient(result, [*inputs, *layer.trainable_variables])
        return gradients

    operations = gradients.get_concrete_function(*inputs).graph.get_operations()
    dilated = [op for op in operations if op.type == "Conv2D" and 2 in op.get_attr("dilations")]
    return {op.type for op in operations} | ({"dilated"} if dilated else set())


@pytest.mark.parametrize("on_cpu", [True, False])
def test_a_gpu_computes_as_tensorflow_does(on_cpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_kernels, "on_cpu", lambda: on_cpu)
    conv, deconv = Conv2d("a", 2 + 4, 8, seed=0), Deconv2d("b", 8 + 4, 3, (8, 8), seed=0)
    y = noise(2, 4)
    for layer, x in ((conv, noise(2, 8, 8, 2)), (deconv, noise(2, 4, 4, 8))):
        kinds = kinds_of(layer, x, y)
        assert ({"DepthToSpace", "dilated", "BatchMatMulV2"} <= kinds) == on_cpu
        assert not on_cpu or "Conv2DBackpropFilter" not in kinds
        own = {"Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput"}
        assert on_cpu or kinds & (own | {"DepthToSpace", "dilated", "BatchMatMulV2"}) == own
    assert ("Transpose" in kinds_of(Linear("c", 5, 7, seed=0), noise(2, 5))) == on_cpu


@pytest.mark.parametrize("size", [(16, 16), (18, 18)])
def test_bfloat16_gradients_are_rounded_not_other(size: tuple[int, int]) -> None:
    """Both sides of FEW_PIXELS, against TensorFlow's own in float32."""
    layer, image = Conv2d("a", 8, 16, seed=0), noise(4, *size, 8)
    upstream = noise(4, size[0] // 2, size[1] // 2, 16)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        ours = layer(tf.cast(image, tf.bfloat16))
        wanted = tf.nn.conv2d(image, layer.w, 2, "SAME")
    for source in (image, layer.w):
        ours_by = tape.gradient(ours, source, tf.cast(upstream, tf.bfloat16))
        wanted_by = tape.gradient(wanted, source, upstream)
        assert ours_by.dtype == tf.float32
        error = np.abs(ours_by - wanted_by).max() / np.abs(wanted_by).max()
        assert 0 < error < 0.05  # 0.034 on a processor that has AVX2 alone


def test_weights_start_as_in_the_original() -> None:
    conv, linear = Conv2d("a", 64, 128, seed=0), Linear("b", 500, 400, seed=0)
    assert np.abs(conv.w.numpy()).max() <= 0.04, "truncated at two standard deviations"
    # Truncation at two standard deviations leaves 0.88 of the standard deviation.
    assert conv.w.numpy().std() == pytest.approx(0.02 * 0.8796, rel=0.01)
    assert linear.Matrix.numpy().std() == pytest.approx(0.02, rel=0.01)
    assert np.abs(linear.Matrix.numpy()).max() > 0.06, "not truncated"
    assert not conv.biases.numpy().any()
    assert not linear.bias.numpy().any()


def test_weights_depend_on_the_name_and_the_seed_alone() -> None:
    first = Linear("a", 5, 5, seed=0).Matrix.numpy()
    assert (first == Linear("a", 5, 5, seed=0).Matrix.numpy()).all()
    assert (first != Linear("b", 5, 5, seed=0).Matrix.numpy()).all()
    assert (first != Linear("a", 5, 5, seed=1).Matrix.numpy()).all()


@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 5, 4)])
def test_batch_norm_uses_biased_and_keeps_unbiased_variance(shape: tuple[int, ...]) -> None:
    x = noise(*shape).numpy() * 3 + 1
    flat = x.reshape(-1, 4).astype(np.float64)
    layer = BatchNorm("bn", 4)
    wanted = (x - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
    np.testing.assert_allclose(layer(tf.constant(x), training=True), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * flat.var(0, ddof=1), rtol=1e-5)


def test_a_pass_that_stands_for_three_moves_the_averages_three_times() -> None:
    x = noise(6, 4)
    thrice, three_times = BatchNorm("bn", 4), BatchNorm("bn", 4)
    thrice(x, training=True, passes=3)
    for _ in range(3):
        three_times(x, training=True)
    np.testing.assert_allclose(thrice.moving_mean, three_times.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(thrice.moving_variance, three_times.moving_variance, rtol=1e-5)


def test_the_sampler_normalises_with_the_averages() -> None:
    layer = BatchNorm("bn", 4)
    layer.moving_mean.assign([1, 2, 3, 4])
    layer.moving_variance.assign([4, 4, 4, 4])
    x = noise(6, 4).numpy()
    wanted = (x - [1, 2, 3, 4]) / np.sqrt(4 + 1e-5)
    np.testing.assert_allclose(layer(tf.constant(x), training=False), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layer.moving_mean, [1, 2, 3, 4])


def test_lrelu_lets_a_fifth_of_the_negative_through() -> None:
    np.testing.assert_allclose(lrelu(tf.constant([-1.0, 0.0, 2.0])), [-0.2, 0, 2])


def test_labels_become_constant_planes() -> None:
    x, y = noise(2, 3, 5, 4), np.eye(10, dtype=np.float32)[[7, 1]]
    joined = conv_cond_concat(x, tf.constant(y)).numpy()
    assert joined.shape == (2, 3, 5, 14)
    np.testing.assert_array_equal(joined[..., :4], x)
    assert (joined[0, ..., 4:].argmax(-1) == 7).all()
    assert (joined[1, ..., 4:].argmax(-1) == 1).all()


@pytest.mark.parametrize("make", [lambda: Conv2d("a", 3, 8, seed=0), lambda: Linear("b", 9, 4, 0)])
def test_spectral_norm_divides_by_the_largest_singular_value(
    make: Callable[[], Conv2d | Linear],
) -> None:
    """As NumPy finds it, once u has been moved often enough; the gradient is that of the ratio."""
    layer = make()
    weights = layer.w if isinstance(layer, Conv2d) else layer.Matrix
    weights.assign(noise(*weights.shape))
    add_u(layer, seed=0)
    assert layer.u is not None
    assert layer.u.name.rpartition("/")[2] == "u:0"
    for _ in range(200):
        move_u(layer)
    matrix = weights.numpy().reshape(-1, weights.shape[-1])
    left, values, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    np.testing.assert_allclose(np.abs(layer.u), np.abs(right[0]), atol=1e-3)
    upstream = noise(*weights.shape)
    with tf.GradientTape() as tape:
        found = divided(weights, layer.u)
    np.testing.assert_allclose(found, weights / values[0], rtol=1e-4, atol=1e-6)
    slope = np.outer(left[:, 0], right[0]).reshape(weights.shape)  # of the singular value
    wanted = upstream / values[0] - slope * np.sum(upstream * weights) / values[0] ** 2
    gradient = tape.gradient(found, weights, upstream)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-2, atol=1e-3)
    assert layer.trainable_variables == tuple(v for v in layer.variables if v is not layer.u)


def test_u_is_moved_by_one_power_iteration_and_the_layer_computes_with_what_it_tells() -> None:
    layer, x = Linear("a", 5, 3, seed=0), noise(2, 5)
    plain = layer(x).numpy()
    add_u(layer, seed=0)
    assert layer.u is not None
    matrix, u = layer.Matrix.numpy(), layer.u.numpy()
    assert np.linalg.norm(u) == pytest.approx(1)
    np.testing.assert_allclose(layer(x), plain / np.linalg.norm(matrix @ u), rtol=1e-4)
    np.testing.assert_array_equal(layer.u, u)
    move_u(layer)
    moved = matrix.T @ matrix @ u
    np.testing.assert_allclose(layer.u, moved / np.linalg.norm(moved), rtol=1e-4)
    layer.Matrix.assign(tf.zeros((5, 3)))
    move_u(layer)
    assert not layer(x).numpy().any(), "and not NaN"
