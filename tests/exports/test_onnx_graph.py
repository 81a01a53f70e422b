"""Both networks as ONNX: equal for all architectures; what is not known is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from makers import batch, lived, opened, small

from support.errors import UserError

onnx = pytest.importorskip("onnx", reason="pip install -r requirements-extras.txt")
runtime = pytest.importorskip("onnxruntime", reason="pip install -r requirements-extras.txt")
onnx_graph = pytest.importorskip("exports.onnx_graph")


def found(path: Path, **inputs: Any) -> dict[str, np.ndarray]:
    session = runtime.InferenceSession(str(path))
    names = [one.name for one in session.get_outputs()]
    given = {name: value for name, value in inputs.items() if value is not None}
    return dict(zip(names, session.run(names, given), strict=True))


@pytest.mark.parametrize(
    ("height", "width", "settings"),
    [
        pytest.param(8, 8, {"architecture": "dcgan"}, marks=pytest.mark.slow),
        pytest.param(
            13, 22, {"architecture": "dcgan", "c_dim": 3, "ema": 0.5}, marks=pytest.mark.slow
        ),
        (17, 9, {"architecture": "dcgan", "y_dim": 3, "loss": "lsgan"}),
        pytest.param(28, 28, {"y_dim": 10}, marks=pytest.mark.slow),
        (9, 14, {"y_dim": 3, "c_dim": 3, "loss": "hinge"}),
        (5, 7, {"architecture": "gan", "c_dim": 3, "loss": "wgan-gp"}),
        pytest.param(6, 6, {"architecture": "gan", "y_dim": 3}, marks=pytest.mark.slow),
    ],
)
def test_every_network_gives_the_same(
    tmp_path: Path, height: int, width: int, settings: dict[str, Any]
) -> None:
    penalised = settings.get("loss") == "wgan-gp"
    dcgan = small(height, width, **settings)
    if not penalised:
        lived(dcgan)
    dcgan.choose(None)
    (generator, discriminator) = onnx_graph.write(opened(dcgan), tmp_path)
    for count in (1, 5):
        images, z, y = batch(dcgan, count)
        made = found(generator.path, z=z, y=y)
        assert list(made) == ["images"]
        np.testing.assert_allclose(made["images"], dcgan.sampler(z, y), atol=1e-5)
        said = found(discriminator.path, images=images, y=y)
        logits = dcgan.discriminate(images, y)
        wanted = {
            "features": dcgan.features(images, y),
            "logits": logits,
            "probability": dcgan.loss.probability(logits),
        }
        assert said.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_allclose(said[name], values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "changed",
    [
        tf.nn.softsign,
        lambda x: tf.reverse(x, [0]),
        lambda x: x[:, ::-1],
        lambda x: tf.nn.relu(tf.cast(x, tf.float16)),
        lambda x: tf.nn.max_pool2d(x, 2, 2, "SAME") if x.shape.rank == 4 else x,
    ],
)
def test_what_is_not_known_is_refused(
    tmp_path: Path, changed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dcgan = small()
    monkeypatch.setattr(dcgan.discriminator, "activation", changed)
    with pytest.raises(UserError, match=r"--format onnx does not know .* leave onnx out"):
        onnx_graph.write(opened(dcgan), tmp_path)


def test_spectral_norm_is_a_part_of_the_weights_of_d(tmp_path: Path) -> None:
    dcgan = lived(small(architecture="dcgan", spectral_norm=True))
    _, discriminator = (one.path for one in onnx_graph.write(opened(dcgan), tmp_path))
    images, _, _ = batch(dcgan)
    logits = dcgan.discriminate(images)
    np.testing.assert_allclose(found(discriminator, images=images)["logits"], logits, atol=1e-5)


def test_what_does_not_vary_is_computed_and_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the norm of weights would be; and D, which gives features and logits."""
    dcgan = small(architecture="dcgan")
    norm = tf.Variable([3.0, 4.0])
    activation = lambda x: tf.nn.leaky_relu(x / tf.norm(norm), 0.2)  # noqa: E731
    monkeypatch.setattr(dcgan.discriminator, "activation", activation)
    (generator, discriminator) = (one.path for one in onnx_graph.write(opened(dcgan), tmp_path))
    for path, kind in ((generator, "ConvTranspose"), (discriminator, "Conv")):
        kinds = [node.op_type for node in onnx.load(str(path)).graph.node]
        assert kinds.count(kind) == 4
    images, _, _ = batch(dcgan)
    logits = dcgan.discriminate(images)
    np.testing.assert_allclose(found(discriminator, images=images)["logits"], logits, atol=1e-5)
