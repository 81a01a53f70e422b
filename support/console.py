"""How a command meets its terminal: its streams, the signals, and the one line of a bad end."""

import io
import os
import sys
from collections.abc import Callable

from support.errors import RunError, UserError, one_line
from support.signals import leaving_at_once


def run_command(work: Callable[[], int]) -> int:
    """Do `work` -> exit status: its own, 1 for a failure underway, 2 for wrong input.

    A signal n ends the process with 128 + n.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file may have any name; a line must be seen when it is printed, also in a pipe.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    with leaving_at_once():
        return _ended(work)


def _ended(work: Callable[[], int]) -> int:
    try:
        return work()
    except (UserError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except ImportError as error:
        print(f"error: {error}: pip install -r requirements.txt", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    finally:
        _flush_stdout()


def say_written(path: object) -> None:
    """Tell where something now stands."""
    print(f"wrote {path}", flush=True)


def _flush_stdout() -> None:
    try:
        sys.stdout.flush()
    except OSError:  # the reader of the pipe has gone; Python would complain of it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
