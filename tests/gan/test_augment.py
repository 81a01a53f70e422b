"""DiffAugment: the paper's amounts in any range, differentiable, a function of its seed."""

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, small

from gan import augment
from gan.augment import augmented, look_of
from model import graph

SIGNED, UNSIGNED = (-1.0, 1.0), (0.0, 1.0)
COUNT = 300


def seed(number: int) -> tf.Tensor:
    return tf.constant((7, number), tf.int32)


@pytest.mark.parametrize(("value_range", "most"), [(SIGNED, 0.5), (UNSIGNED, 0.25)])
@pytest.mark.parametrize("c_dim", [1, 3])
def test_brightness_moves_by_a_quarter_of_the_range(
    value_range: tuple[float, float], most: float, c_dim: int
) -> None:
    """Saturation and contrast do nothing to an image of one grey."""
    middle = sum(value_range) / 2
    images = augmented(tf.fill((COUNT, 9, 6, c_dim), middle), value_range, seed(0)).numpy()
    brightness = np.abs(images - middle).max((1, 2, 3))
    assert 0.95 * most < brightness.max() <= most + 1e-6
    assert brightness.std() > most / 5
    np.testing.assert_allclose(images, images[..., :1].repeat(c_dim, 3), atol=1e-6)


def test_saturation_and_contrast_keep_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "BRIGHTNESS", 0.0)
    images = np.random.default_rng(0).uniform(-1, 1, (COUNT, 5, 7, 3)).astype(np.float32)
    changed = augment.coloured(tf.constant(images), 1.0, seed(0)).numpy()
    np.testing.assert_allclose(changed.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-5)
    grey, of_changed = images.mean(3), changed.mean(3)
    contrast = of_changed.std((1, 2)) / grey.std((1, 2))
    colour = (changed - of_changed[..., None]).std((1, 2, 3)) / contrast
    saturation = colour / (images - grey[..., None]).std((1, 2, 3))
    for found, (low, high) in ((contrast, augment.CONTRAST), (saturation, augment.SATURATION)):
        assert low - 1e-4 <= found.min() < low + 0.05
        assert high - 0.05 < found.max() <= high + 1e-4


def test_translation_moves_by_an_eighth_at_most_and_zeros_move_in() -> None:
    image = np.random.default_rng(0).uniform(1, 2, (17, 24, 2)).astype(np.float32)
    moved = augment.translated(tf.constant(np.stack([image] * COUNT)), seed(0)).numpy()
    framed = np.pad(image, [(3, 3), (3, 3), (0, 0)])
    wanted = {
        framed[3 - down : 20 - down, 3 - right : 27 - right].tobytes()
        for down in range(-2, 3)  # 17/8 rounded
        for right in range(-3, 4)
    }
    assert {one.tobytes() for one in moved} == wanted


def test_a_quarter_of_the_image_is_cut_out_or_less_at_the_edge() -> None:
    cut = 1 - augment.cut_out(tf.ones((COUNT, 12, 9, 1)), seed(0)).numpy()[..., 0]
    assert cut.sum((1, 2)).max() == 6 * 5
    for one in cut:
        rows, columns = one.any(1), one.any(0)
        np.testing.assert_array_equal(one, np.outer(rows, columns))
        assert 3 <= rows.sum() <= 6
        assert 2 <= columns.sum() <= 5
    assert (cut.sum(0) > 0).all(), "everywhere"


def test_what_d_says_has_a_gradient_by_the_image() -> None:
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (20, 11, 6, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(augmented(images, SIGNED, seed(0)) ** 2, [1, 2, 3])
    gradient = tape.gradient(total, images).numpy()
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).sum((1, 2, 3)) > 0).all()


def test_it_follows_from_the_seed_and_differs_from_look_to_look() -> None:
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 3)), tf.float32)
    first, again, other = (look_of(SIGNED, seed(number)) for number in (5, 5, 6))
    looks = [look(images).numpy() for look in (first, first, other)]
    np.testing.assert_array_equal(looks[0], again(images))
    assert (looks[0] != looks[1]).any()
    assert (looks[0] != looks[2]).any()
    assert look_of(SIGNED, None)(images) is images


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((17, 30), {"c_dim": 3, "y_dim": 3, "architecture": "dcgan"}),
        ((7, 5), {"c_dim": 1, "y_dim": 3, "precision": "bfloat16"}),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_any_network_takes_a_step_with_it(size: tuple[int, int], kind: dict) -> None:
    """With the weights held still, only what D sees can make a difference."""
    dcgan = small(*size, **kind, learning_rate=0.0)
    images, z, y = batch(dcgan)
    first, again, other, plain = (
        {k: float(v) for k, v in dcgan.train_step(images, z, y, augment_seed=s).items()}
        for s in (np.array([1, 2]), np.array([1, 2]), np.array([1, 3]), None)
    )
    assert all(np.isfinite(loss) for loss in first.values())
    assert first == again
    for name, loss in first.items():
        assert loss != other[name]
        assert loss != plain[name]


def test_without_it_nothing_random_is_in_the_step() -> None:
    dcgan = small()
    images, z, y = (None if x is None else tf.constant(x) for x in batch(dcgan))
    plain, augments = (
        graph(dcgan.iteration).get_concrete_function(images, z, y, True, augment_seed=s)
        for s in (None, tf.constant((1, 2)))
    )
    kinds = [{op.type for op in f.graph.get_operations()} for f in (plain, augments)]
    assert not any("Random" in kind for kind in kinds[0])
    assert any("Random" in kind for kind in kinds[1])
