"""How a script meets its terminal: the words typed, what is printed, signals, and how it ends."""

import argparse
import difflib
import io
import itertools
import os
import re
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import NoReturn

from support.early import handle, leave
from support.errors import UserError, exit_status, expected_errors, failure, one_line
from support.text import shortened

Say = Callable[[str], object]  # takes one line for the person at the keyboard
REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
MODULES = {"absl-py": "absl", "pillow": "PIL"}  # where a package's module has another name
# What web pages make of -- and of quotes.
DASHES = re.compile("^[-\u2010-\u2015\u2212]+(?=[A-Za-z])")
LARGEST = 2**31 - 1  # of whole numbers: TensorFlow's sizes, and NumPy's seeds
MOST_DIGITS = 20  # that tell whether a number is larger: Python reads no more than 4,300
LONG_WORD = re.compile(r"\S{500,}")  # longer than a path that anybody types
QUOTES = "\u201c\u201d\u2018\u2019\u00ab\u00bb"


def run_command(
    work: Callable[[Sequence[str]], int],
    argv: Sequence[str],
    tidies_up: bool = False,
    needs_less: str = "",
) -> int:
    """Do work(argv), say in one line how it failed -> exit status.

    The status is that of `work`, or 2 for wrong input, 1 for a failure underway, 128 + n for
    signal n. A signal ends the process at once; a command that `tidies_up` gets it as a
    KeyboardInterrupt instead, which its `finally` blocks see. `needs_less` says what to type for
    networks that need less memory.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file may have any name; a line must be seen when it is printed, also in a pipe.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    try:
        with _handled_by(_interrupt) if tidies_up else leaving_at_once():
            return work(argv)
    except KeyboardInterrupt as stop:
        number = next(iter(stop.args), signal.SIGINT)
        warn(f"stopped by {signal.Signals(number).name}; type the same command to go on")
        return 128 + number
    except ImportError as error:
        text, status = _missing(error), 1
    except expected_errors() as error:
        text, status = failure(error, needs_less), exit_status(error)
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # nobody reads the pipe any more; Python would complain when it exits
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    warn(f"error: {LONG_WORD.sub(lambda word: shortened(word[0]), text)}")
    return status


@contextmanager
def checked_imports() -> Iterator[None]:
    """End the program with one line where a module is missing, or a signal comes meanwhile."""
    _open_closed_streams()
    try:
        with leaving_at_once():
            yield
    except ImportError as error:
        sys.exit(f"error: {_missing(error)}")


def _open_closed_streams() -> None:
    """Put the null device in the place of streams that are closed, as 2>&- does.

    A file of ours would get their number, and what libraries write to stderr would go into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest free number
        pass
    os.close(number)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - to the end


def _missing(error: ImportError) -> str:
    """What could not be imported, and how to get it, if installing our requirements helps.

    It does if the module is one of them, or if one of them failed while it was being imported.
    """
    importing = [frame.f_globals.get("__name__") for frame, _ in walk_tb(error.__traceback__)]
    packages = re.findall(r"^[\w-]+", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    ours = {MODULES.get(package, package) for package in packages}
    concerned = {name.partition(".")[0] for name in (error.name, *importing) if name}
    return one_line(error) + (": pip install -r requirements.txt" if concerned & ours else "")


def say(text: object) -> None:
    """Print a line."""
    print(text, flush=True)


def say_written(path: object) -> None:
    """Print where something has been written."""
    say(f"wrote {path}")


def warn(text: object) -> None:
    """Print a line to stderr."""
    print(text, file=sys.stderr, flush=True)


def print_note(text: object) -> None:
    """Print to stderr what is worth knowing and stops nothing."""
    warn(f"note: {text}")


class Parser(argparse.ArgumentParser):
    """A parser that understands pasted dashes and quotes, and raises UserError for the rest."""

    def __init__(self, prog: str, description: str | None):
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(
            prog, description=wrapped(description or ""), formatter_class=raw, allow_abbrev=False
        )

    def parse_args(self, argv: Sequence[str]) -> argparse.Namespace:  # type: ignore[override]
        """All flags' values; UserError for an unknown one, with the nearest, or a bad value."""
        arguments, unknown = self.parse_known_args(plain_words(argv))
        if unknown:
            shown = [action for action in self._actions if action.help != argparse.SUPPRESS]
            flags = [flag for action in shown for flag in action.option_strings]
            guess = nearest(unknown[0].partition("=")[0], flags)
            self.error(f"not understood: {unknown[0]}.{guess}")
        return arguments

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        stop = "" if message.endswith((".", "?")) else "."
        raise UserError(f"{message}{stop} All flags: python {self.prog} --help")


def wrapped(text: str) -> str:
    """Help as wide as the terminal, or 80, but at most 100: each paragraph filled.

    Indented lines stay lines of their own. One with columns, which two spaces part, goes on below
    its last column; any other is a command to be copied, and stays whole.
    """
    width = min(shutil.get_terminal_size().columns, 100)
    lines: list[str] = []
    for indented, group in itertools.groupby(text.splitlines(), lambda line: line[:1] in ("", " ")):
        for line in group if indented else [" ".join(group)]:
            columns = re.match(r" +(\S.*? {2,})(?=\S)", line) if indented else None
            below = " " * (columns.end() if columns else 0)
            is_whole = not line or (indented and not columns)
            fill = textwrap.TextWrapper(width, subsequent_indent=below, break_on_hyphens=False)
            lines += [line] if is_whole else fill.wrap(line)
    return "\n".join(lines)


def positive(text: str) -> int:
    """The whole number that a flag is given, for argparse; 1 or more, up to LARGEST."""
    number = int(text.lstrip("0")[:MOST_DIGITS] or 0) if text.isdecimal() else 0
    if not 1 <= number <= LARGEST:
        wanted = f"up to {LARGEST}" if number else "a whole number, 1 or more"
        raise argparse.ArgumentTypeError(f"{shortened(text)}: it must be {wanted}")
    return number


def plain_words(argv: Sequence[str]) -> list[str]:
    """A command line as it was typed before a web page changed its dashes and quotes.

    Flags may begin with any dashes, also with one alone; -h comes out as --help.
    """
    words = []
    for word in argv:
        name, equals, value = DASHES.sub("--", word.strip(QUOTES)).partition("=")
        value = value.strip(QUOTES) if name.startswith("--") else value
        words.append("--help" if name == "--h" else name + equals + value)
    return words


def nearest(word: str, known: Iterable[str]) -> str:
    """Which known word may be meant, as a sentence to append: " Did you mean --crop?", or ""."""
    known = list(known)
    if (device := re.fullmatch(r"--([cg]pu)s?", word)) and "--device" in known:
        return f" Did you mean --device {device[1]}?"
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Leave as soon as a signal comes; what is half written does not have its final name yet.

    An exception could be lost instead: Python ignores those that are raised in some callbacks.
    The line goes to the stderr of the start, because descriptor 2 is turned elsewhere while
    TensorFlow or Pillow write to it.
    """
    stderr = os.dup(2)
    try:
        with _handled_by(lambda number, frame: leave(number, stderr)):
            yield
    finally:
        os.close(stderr)


@contextmanager
def stopping_later() -> Iterator[list[int]]:
    """A list that gets the number of the first signal; a second signal ends the process at once."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if received:
            os.write(2, b"stopped again, at once: the steps since the last checkpoint are lost\n")
            os._exit(128 + number)
        received.append(number)

    with _handled_by(stop):
        yield received


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number)


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Handle the signals that stop a program, as early.handle does, inside the block."""
    before = handle(handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
