"""The two ways a command can end badly, each one line for the person who typed it."""

import re

TENSORFLOWS_MARKS = re.compile(r"\{\{.*?\}\}| ?\[Op:.*")  # where in a graph it was


class UserError(Exception):
    """Wrong input: says what was found and what to type instead. Exit status 2."""

    exit_status = 2


class RunError(Exception):
    """Something failed underway that the command line is not to blame for. Exit status 1."""

    exit_status = 1


def one_line(error: BaseException) -> str:
    """What an exception of a library says, in one line; an OSError's with the file's name."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(getattr(error, "message", error)).strip()  # TensorFlow's errors have a message
    return TENSORFLOWS_MARKS.sub("", text.split("\n")[0]).strip() or type(error).__name__
