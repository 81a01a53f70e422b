"""Signals that come while a script still loads modules: the first thing that it imports.

It imports next to nothing itself, so that what is not covered is hardly more than Python's start.
"""

import os
import sys

TYPE_CHECKING = False  # typing's own takes longer to import than all that this file does
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Any

    Handler = Callable[[int, FrameType | None], object]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # those that stop a program; Windows has no SIGHUP


def watch_signals() -> None:
    """Have a signal end this program in one line from now on, until something handles it better."""
    before, sys.excepthook = sys.excepthook, _interrupted  # while the module `signal` loads
    handle(lambda number, frame: leave(number))
    sys.excepthook = before


def handle(handler: "Handler") -> "dict[int, Any]":
    """Handle SIGNALS, except those that whoever started the program has ignored.

    nohup ignores SIGHUP; shells ignore SIGINT for what their scripts start in the background.
    Returns what handled each before.
    """
    import signal

    before = {}
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, handler)
    return before


def leave(number: int, stderr: int = 2) -> None:
    """End the program at once, with a line to that descriptor and exit status 128 + `number`."""
    import signal

    _leave(signal.Signals(number).name, number, stderr)


def _leave(name: str, number: int, stderr: int = 2) -> None:
    try:
        os.write(stderr, f"stopped by {name}; every file written is whole\n".encode())
    finally:  # also where stderr is closed
        os._exit(128 + number)


def _interrupted(
    kind: type[BaseException], error: BaseException, trace: "TracebackType | None"
) -> None:
    """What Python calls for an exception that nothing caught."""
    if issubclass(kind, KeyboardInterrupt):
        _leave("SIGINT", 2)
    sys.__excepthook__(kind, error, trace)
