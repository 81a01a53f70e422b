"""Imports run one way, and the root holds what people look for there."""

import ast
import re
from graphlib import TopologicalSorter

from makers import PROJECT

SCRIPTS = {"main", "generate", "evaluate", "bench", "download"}
# What a layer imports lies below it.
LAYERS = [
    {"support"},
    {"ops"},
    {"gan"},
    {"model"},
    {"runs", "utils"},
    {"exports"},
    {"datasets"},
    {"metrics"},
    {"downloads", "generation"},
    {"training"},
    SCRIPTS,
]
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}
FILES = [*PROJECT.glob("*.py"), *(p for part in RANK for p in (PROJECT / part).glob("*.py"))]


def imported(path: str) -> set[str]:
    """The modules of the project that a file imports, in functions too."""
    nodes = list(ast.walk(ast.parse((PROJECT / path).read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = {name.replace(".", "/") + ".py" for name in names}
    return {file for file in files if (PROJECT / file).is_file()}


GRAPH = {str(p.relative_to(PROJECT)): imported(str(p.relative_to(PROJECT))) for p in FILES}


def part_of(file: str) -> str:
    return file.partition("/")[0].removesuffix(".py")


def test_imports_run_one_way() -> None:
    upwards = [
        f"{file} imports {other}"
        for file, others in GRAPH.items()
        for other in others
        if part_of(file) != part_of(other) and RANK[part_of(file)] <= RANK[part_of(other)]
    ]
    assert not upwards
    assert len(list(TopologicalSorter(GRAPH).static_order())) == len(GRAPH), "or it has a circle"


def test_the_root_holds_the_scripts_and_the_files_of_the_original() -> None:
    files = {path.stem for path in PROJECT.glob("*.py")}
    assert files == SCRIPTS | {"model", "ops", "utils"}


def test_the_drawing_in_the_docs_shows_every_file() -> None:
    drawn = (PROJECT / "docs/design.md").read_text()
    missing = [
        file
        for file in GRAPH
        if not file.endswith("__init__.py") and file.split("/")[-1] not in drawn
    ]
    assert not missing


def test_each_promise_names_a_test_that_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (PROJECT / "docs/promises.md").read_text())
    assert len(named) > 30
    assert [file for file in named if not (PROJECT / file).is_file()] == []
