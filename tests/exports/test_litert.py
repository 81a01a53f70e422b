"""The generator for LiteRT: equal in float32, near in float16 and int8, for any batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import batch, lived, opened, small

from exports.litert import KINDS, write

interpreter = pytest.importorskip(
    "ai_edge_litert.interpreter", reason="pip install -r requirements-extras.txt"
)


@pytest.mark.parametrize(
    ("height", "width", "settings"),
    [
        pytest.param(13, 22, {"architecture": "dcgan", "c_dim": 3}, marks=pytest.mark.slow),
        (17, 9, {"architecture": "dcgan", "y_dim": 3}),
        (9, 14, {"y_dim": 3}),
        pytest.param(5, 7, {"architecture": "gan", "y_dim": 3}, marks=pytest.mark.slow),
    ],
)
def test_every_network_gives_the_same(
    tmp_path: Path, height: int, width: int, settings: dict[str, Any]
) -> None:
    dcgan = lived(small(height, width, **settings))
    files = write(opened(dcgan), tmp_path)
    assert [one.path.name for one in files] == [f"generator_{kind}.tflite" for kind in KINDS]
    span = np.ptp(dcgan.value_range)
    for one in files:
        generate = interpreter.Interpreter(str(one.path)).get_signature_runner()
        for count in (1, 5):
            _, z, y = batch(dcgan, count)
            found = generate(z=z, **({} if y is None else {"y": y}))["images"]
            wanted = dcgan.sampler(z, y).numpy()
            if one.least is None:
                np.testing.assert_allclose(found, wanted, atol=1e-5)
            else:
                error = np.square(found - wanted).mean() / span**2
                assert -10 * np.log10(error) > one.least
