"""The two ways a command can fail, and what an exception says to the person who typed it."""

import re
import sys

TENSORFLOWS_MARKS = re.compile(r"\{\{.*?\}\}| ?\[Op:.*")  # where in a graph it happened


class UserError(Exception):
    """Wrong input: says what was found and what to type instead. Exit status 2."""


class RunError(Exception):
    """Something failed underway that the command line is not to blame for. Exit status 1."""


class NoRoomError(RunError):
    """The disk has no room: asking another source would not help."""


def one_line(error: BaseException) -> str:
    """What a library's exception says, in one line; an OSError's with the file's name."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(getattr(error, "message", error)).strip()  # TensorFlow's errors have a message
    return TENSORFLOWS_MARKS.sub("", text.split("\n")[0]).strip() or type(error).__name__


def failure(error: BaseException, needs_less: str = "") -> str:
    """What failed, in one line; where networks ran out of memory, also what needs less of it."""
    if isinstance(error, UserError | RunError):
        return str(error)
    said = one_line(error)
    no_memory = isinstance(error, (MemoryError, *_tensorflows("ResourceExhaustedError")))
    if not no_memory or "No space left" in said:  # TensorFlow has one error for memory and disks
        return said
    advice = f": {needs_less}" if needs_less else ""
    return f"out of memory{advice} ({said})" if _tensorflows("OpError") else "out of memory"


def exit_status(error: BaseException) -> int:
    """The exit status of a command that ends with this error."""
    return 2 if isinstance(error, UserError) else 1


def expected_errors() -> tuple[type[Exception], ...]:
    """For `except`: ours, and what libraries raise when disks, memory or TensorFlow fail."""
    return (UserError, RunError, OSError, MemoryError, *_tensorflows("OpError"))


def _tensorflows(name: str) -> tuple[type[Exception], ...]:
    """TensorFlow's exception of that name; () while TensorFlow is not loaded."""
    errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    return (getattr(errors, name),) if errors else ()
