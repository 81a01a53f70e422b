"""Nothing that is read is run, and nothing is written but below the named folders."""

import ast
from pathlib import Path

import pytest
from makers import PROJECT, TINY, Run, write_jpegs

SOURCES = sorted(
    p for p in PROJECT.glob("**/*.py") if ".venv" not in p.parts and "tests" not in p.parts
)
RUNS_ITS_INPUT = {
    *("eval", "exec", "compile", "__import__"),
    *("pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "yaml"),
    *("allow_pickle", "unsafe_deserialization", "extractall", "shell", "system", "popen"),
}


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(PROJECT)) for path in SOURCES])
def test_no_function_that_runs_its_input_is_used(path: Path) -> None:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.keyword):
            found.add(node.arg or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Attribute) and not _is_of_re(node):
            found.add(node.attr)
    assert not found & RUNS_ITS_INPUT


def _is_of_re(node: ast.Attribute) -> bool:
    """re.compile runs nothing."""
    return isinstance(node.value, ast.Name) and node.value.id == "re"


def test_a_training_writes_only_below_the_named_folders(run: Run, tmp_path: Path) -> None:
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    write_jpegs(tmp_path / "pictures/tiny", 4, 20, 20)
    done = run(
        "main.py",
        *TINY,
        *(
            "--train",
            "--data_dir=pictures",
            "--out_dir=out",
            "--sample_freq=1",
            "--visualize",
            "--export",
        ),
        environment={"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")},
    )
    assert done.returncode == 0, done.stderr
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    # By Keras, which TensorFlow loads, and by matplotlib: its list of the fonts.
    of_libraries = ("home/.keras/keras.json", "home/.cache/matplotlib/")
    written = {path for path in written if not path.as_posix().startswith(of_libraries)}
    assert {path.parts[0] for path in written} == {"pictures", "out"}
    assert {path.parts[1] for path in written if path.parts[0] == "out"} == {
        *("checkpoint", "samples", "logs")
    }
    assert {path.parts[1] for path in written if path.parts[0] == "pictures"} == {"tiny", ".arrays"}
