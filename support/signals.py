"""The signals that ask the program to stop: leaving at once, or after the step that is underway."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Leave as soon as a signal comes; what is half written has a name aside.

    An exception instead could be lost: Python ignores those raised while it calls back. The line
    goes to the stderr of the start, as what TensorFlow and Pillow write to descriptor 2 is turned
    elsewhere for a while.
    """
    stderr = os.dup(2)

    def leave(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        os.write(stderr, f"stopped by {name}; every file written is whole\n".encode())
        os._exit(128 + number)

    try:
        with _handled_by(leave):
            yield
    finally:
        os.close(stderr)


@contextmanager
def stopping_later() -> Iterator[list[int]]:
    """A list that is empty until a signal comes, then holds its number; a second one ends all."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if received:
            text = "stopped again, at once: the steps since the last checkpoint are lost\n"
            os.write(2, text.encode())
            os._exit(128 + number)
        received.append(number)

    with _handled_by(stop):
        yield received


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    previous = {number: signal.signal(number, handler) for number in _that_stop()}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _that_stop() -> list[signal.Signals]:
    """SIGINT, SIGTERM and SIGHUP, but those that the one who started the program has ignored.

    nohup ignores SIGHUP; shells ignore SIGINT for what their scripts start in the background.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
