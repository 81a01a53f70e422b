"""Plain lines in a pipe, a bar on a terminal."""

import io
import subprocess
import sys

import pytest
from makers import PROJECT

from support import progress
from support.progress import Progress

SCRIPT = """
from support.progress import Progress
with Progress("training", 10, "images", done=2, scale=64) as shown:
    for k in range(8):
        shown.line(f"line {k}")
        shown.update()
"""


def test_lines_in_a_pipe_are_just_lines() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "".join(f"line {k}\n" for k in range(8))
    assert done.stderr == ""


def test_hidden_progress_prints_only_the_lines_it_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No bar on a terminal, no line about how far it is in a pipe."""
    monkeypatch.setattr(progress, "LINE_EVERY_SECONDS", 0)
    for is_terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda answer=is_terminal: answer)
        with Progress("training", 10, "images", shown=False) as silent:
            silent.update()
            silent.line("a line")
    assert capsys.readouterr() == ("a line\na line\n", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_below_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    with Progress("training", 10, "images", done=2, scale=64) as shown:
        shown.line("line 0")
        for _ in range(8):
            shown.update()
    said = terminal.getvalue()
    assert "\rline 0\n" in said, "the bar is wiped, then the line stands alone"
    assert "training: 100%" in said.splitlines()[-1]
    assert "640/640" in said
    assert "images/s" in said


def test_long_work_in_a_pipe_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_SECONDS", 0.0)
    with Progress("decoding", 1000, "images") as shown:
        shown.update(250)
    said = capsys.readouterr().err
    assert said.startswith("decoding: 250 of 1,000 images, ")
    assert said.endswith(" left\n")
