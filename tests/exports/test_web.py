"""The page is one file that asks for nothing, whatever a run's names hold."""

import base64
import hashlib
import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import need
from makers import small, stretched

from exports.check import check
from exports.formats import refuse_tags
from exports.layers import Layer
from exports.web import LANES, PAGE, _weights, write, write_int8, write_page
from runs.opened import Trained
from runs.settings import Settings
from support.errors import UserError

NASTY = ["</script><script>alert(1)</script>", "\u2028", "{{weights}}", "ärmel & co", '"']


def trained(y_dim: int | None = None, name: str = "digits", **options: Any) -> Trained:
    """A run that was never trained, with names of its classes that a page could trip over."""
    classes = NASTY[:y_dim] if y_dim else []
    dcgan = stretched(small(y_dim=y_dim, **options))
    known = frozenset({"dataset"})
    return Trained(dcgan, Settings(dataset="tiny"), classes, Path("checkpoint") / name, known, True)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    return write_page(trained(5, name="<i>run"), folder / "page.html").read_text("utf-8")


def test_the_page_names_nothing_outside_itself(text: str) -> None:
    assert not re.findall(r"https?://|\bsrc=|\bhref=|@import|url\(", text)
    assert "default-src 'none'" in text


def test_only_its_own_program_and_style_may_run(text: str) -> None:
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text


def test_names_stay_names(text: str) -> None:
    assert "alert(1)</script>" not in text
    assert "<i>run" not in text
    assert "&lt;i&gt;run: made-up pictures</title>" in text
    assert r"{{weights}}" in text, "a name that looks like a place of the template"


def test_a_page_of_tags_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--format web is for runs of classes: .* has tags"):
        write_page(trained(3, tags=True), tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    refuse_tags(["npz", "onnx"], trained(3, tags=True))
    with pytest.raises(UserError, match="--format web-int8 is for runs of classes"):
        refuse_tags(["npz", "web-int8", "onnx"], trained(3, tags=True))


@pytest.mark.parametrize(
    ("y_dim", "options"),
    [
        (None, {"height": 17, "width": 10, "c_dim": 3}),
        (3, {"height": 6, "width": 13, "architecture": "dcgan_mnist"}),
        (2, {"height": 9, "architecture": "gan", "c_dim": 3}),
    ],
)
def test_a_fresh_process_computes_the_pictures_of_the_files_weights(
    y_dim: int | None, options: dict[str, Any], tmp_path: Path
) -> None:
    """Without a browser; and what is not the run's is noticed."""
    run = trained(y_dim, **options)
    checks = [
        check(run, written) for make in (write, write_int8) for written in make(run, tmp_path)
    ]
    float16, int8 = (checked.psnr or 0 for checked in checks)
    assert float16 - 10 > int8 > 30
    assert all(checked.is_same for checked in checks)
    other = trained(y_dim, **options, seed=8)
    assert not check(other, checks[0].written).is_same


def test_every_file_of_the_source_is_used(text: str) -> None:
    for path in PAGE.glob("*.js"):
        assert path.read_text("utf-8") in text
    assert (PAGE / "style.css").read_text("utf-8") in text


@pytest.mark.parametrize(("int8", "error"), [(False, 2**-11), (True, 1 / 254)])
def test_weights_are_stored_to_a_share_of_their_columns_largest(int8: bool, error: float) -> None:
    matrix = np.random.default_rng(0).standard_normal((5, 11)).astype(np.float32)
    matrix *= 10.0 ** np.arange(-5, 6)  # float16 holds none of the largest sums by itself
    matrix[:, 3] = 0
    content = _weights(Layer(matrix, np.arange(11, dtype=np.float32), None, 0.0), int8)
    columns = 2 * LANES
    scales, biases = np.frombuffer(content, "<f4", 2 * columns).reshape(2, -1)
    stored = np.frombuffer(content, "<i1" if int8 else "<f2", offset=2 * columns * 4)
    rows = stored.reshape(2, 5, LANES).transpose(1, 0, 2).reshape(5, columns) * scales
    np.testing.assert_array_equal(biases[:11], np.arange(11))
    assert (np.abs(rows[:, :11] - matrix) <= error * 1.01 * np.abs(matrix).max(0)).all()
    assert not rows[:, 11:].any()


def test_int8_is_half_as_large(tmp_path: Path) -> None:
    run = trained(gf_dim=16)
    sizes = [write_page(run, tmp_path / "page.html", int8).stat().st_size for int8 in (False, True)]
    weights = sum(len(layer.numpy().ravel()) for layer in run.dcgan.generator.trainable().values())
    assert 0.9 * weights < (sizes[0] - sizes[1]) * 3 / 4 < 1.1 * weights


def test_the_program_is_what_its_source_says() -> None:
    need("the package wasmtime", importlib.util.find_spec("wasmtime") is not None)
    import wasmtime

    built = wasmtime.wat2wasm((PAGE / "product.wat").read_text("utf-8"))
    assert bytes(built) == (PAGE / "product.wasm").read_bytes()
