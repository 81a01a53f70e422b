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
    """What failed, in one line; where networks ran out of memory, also what needs less of it.

    That is also said of our own error that was raised because of it, with more to say.
    """
    if isinstance(error, UserError | RunError):
        ran_out = needs_less and _tensorflows("OpError") and _is_no_memory(error.__cause__)
        return f"{error}. To need less memory, {needs_less}" if ran_out else str(error)
    said = one_line(error)
    if not _is_no_memory(error):
        return said
    advice = f": {needs_less}" if needs_less else ""
    return f"out of memory{advice} ({said})" if _tensorflows("OpError") else "out of memory"


def _is_no_memory(error: BaseException | None) -> bool:
    kinds: tuple[type[BaseException], ...] = (MemoryError, *_tensorflows("ResourceExhaustedError"))
    if error is None or not isinstance(error, kinds):
        return False
    return "No space left" not in one_line(error)  # TensorFlow has one error for memory and disks


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
