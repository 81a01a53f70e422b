"""Plain lines when piped, a bar on a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest
from conftest import PROJECT

import progress
from progress import Progress

SCRIPT = """
from progress import Progress
with Progress("training", 10, "images", done=2, scale=64) as shown:
    for k in range(8):
        shown.line(f"line {k}")
        shown.update()
"""


def test_piped_lines_are_just_lines() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "".join(f"line {k}\n" for k in range(8))
    assert done.stderr == ""


def test_a_terminal_gets_a_bar_below_the_lines() -> None:
    main_end, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT, stdout=terminal, stderr=terminal, check=True
    )
    shown = os.read(main_end, 1 << 16).decode()
    os.close(main_end)
    os.close(terminal)
    assert "training: 100%" in shown
    assert "640/640" in shown
    assert "images/s" in shown
    assert "line 7\r\n" in shown


def test_long_piped_work_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_SECONDS", 0.0)
    with Progress("decoding", 1000, "images") as shown:
        shown.update(250)
    said = capsys.readouterr().err
    assert said.startswith("decoding: 250 of 1,000 images, ")
    assert said.endswith(" left\n")
