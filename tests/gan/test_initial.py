"""Initial weights by other rules: their spread by the formulas, and orthogonality."""

import numpy as np
import pytest

from gan.initial import initial

SEED = (1, 2)


@pytest.mark.parametrize("shape", [(5, 5, 30, 50), (700, 900)])
@pytest.mark.parametrize(
    ("name", "of_fans"),
    [("glorot", lambda inputs, outputs: 2 / (inputs + outputs)), ("he", lambda i, _: 2 / i)],
)
def test_the_variance_is_that_of_the_rule(name: str, of_fans, shape: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    pixels = np.prod(shape[:-2])
    variance = of_fans(pixels * shape[-2], pixels * shape[-1])
    uniform, normal = (initial(f"{name}_{kind}", shape, SEED).numpy() for kind in WIDEST)
    for values, widest in ((uniform, WIDEST["uniform"]), (normal, WIDEST["normal"])):
        assert values.var() == pytest.approx(variance, rel=0.02)
        most = np.abs(values).max() / np.sqrt(variance)
        assert most == pytest.approx(widest, rel=0.01)


# How far out values are, in deviations: of a uniform distribution, and of a normal one cut at two.
WIDEST = {"uniform": 3**0.5, "normal": 2 / 0.8796}


@pytest.mark.parametrize("shape", [(5, 5, 3, 8), (5, 5, 2, 60), (7, 7), (20, 5), (5, 20)])
def test_orthogonal_columns_or_rows_have_length_one(shape: tuple[int, ...]) -> None:
    matrix = initial("orthogonal", shape, SEED).numpy().reshape(-1, shape[-1])
    rows, columns = matrix.shape
    product = matrix @ matrix.T if rows < columns else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-5)
