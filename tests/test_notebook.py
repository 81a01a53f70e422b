"""The notebook runs from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from makers import PROJECT, opened, small, stretched, write_mnist
from nbclient import NotebookClient

from exports.pretrained import write
from gan.checkpoints import latest_checkpoint, step_of


@pytest.mark.slow
def test_quickstart_runs_and_shows_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On made-up digits, an untrained model and three steps, in a folder of its own."""
    for module in (*PROJECT.glob("*.py"), *(p.parent for p in PROJECT.glob("*/__init__.py"))):
        (tmp_path / module.name).symlink_to(module)
    write_mnist(tmp_path / "data/mnist")
    monkeypatch.chdir(tmp_path)
    write(opened(stretched(small(28, 28, y_dim=10, z_dim=100))), tmp_path / "pretrained/mnist")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("QUICKSTART_STEPS", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    notebook = nbformat.read(PROJECT / "notebooks/quickstart.ipynb", as_version=4)
    run = NotebookClient(
        notebook, timeout=200, resources={"metadata": {"path": tmp_path / "notebooks"}}
    )
    run.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [kind for cell in cells for out in cell.outputs for kind in out.get("data", {})]
    assert shown.count("image/png") == 3
    assert shown.count("image/gif") == 2
    printed = "".join(out.get("text", "") for cell in cells for out in cell.outputs)
    assert "step 3: d_loss" in printed
    assert printed.rstrip().endswith("the same picture: True")
    assert (tmp_path / "samples/quickstart.gif").is_file()


def code_cells() -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(PROJECT / "notebooks/quickstart.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_notebook_in_the_project_shows_a_whole_run() -> None:
    """Its outputs were made by all cells in their order, on real digits."""
    cells = code_cells()
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert "(70000, 28, 28, 1)" in cells[3].outputs[0].text


def test_the_notebook_in_the_project_shows_the_model_that_comes_along() -> None:
    newest = latest_checkpoint(PROJECT / "pretrained/mnist")
    assert newest is not None
    assert code_cells()[1].outputs[0].text == f"step {step_of(newest):,} of pretrained/mnist\n"
