"""The weights as arrays: the original's names, G as it is sampled."""

from pathlib import Path

import numpy as np
from makers import lived, opened, small

from exports.weights import write


def test_the_arrays_have_the_originals_names_and_the_chosen_weights(tmp_path: Path) -> None:
    dcgan = lived(small(y_dim=3, ema=0.5))
    for weights in ("ema", "raw"):
        dcgan.choose(weights)
        (written,) = write(opened(dcgan), tmp_path)
        with np.load(written.path) as arrays:
            assert arrays.keys() == dcgan.named_variables().keys()
            name = "generator/g_h0_lin/Matrix"
            np.testing.assert_array_equal(arrays[name], dcgan.sampled.named_variables()[name])
            raw = np.array_equal(arrays[name], dcgan.generator.named_variables()[name])
            assert raw == (weights == "raw")
