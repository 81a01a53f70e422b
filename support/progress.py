"""How far long work is: a bar on a terminal, plain lines in a pipe."""

import shutil
import sys
import time

from tqdm import tqdm

from support.console import say, warn

LINE_EVERY_SECONDS = 30.0


class Progress:
    """A context manager that counts work done, in units, out of `total`."""

    def __init__(
        self, title: str, total: int, unit: str, done: int = 0, scale: int = 1, shown: bool = True
    ):
        """Show `total` units, as `scale` times as many of what `unit` names (a step is 64 images).

        If not `shown`, neither bar nor lines appear, only what `line` prints.
        """
        self._title, self._unit, self._scale = title, unit, scale
        self._total, self._start, self._done = total, done, done
        self._shown = shown
        self._began = self._said = time.monotonic()
        size = shutil.get_terminal_size()
        self._bar = tqdm(
            desc=title,
            total=total * scale,
            initial=done * scale,
            unit=f" {unit}",
            # 80 x 24 if the terminal does not know its size; tqdm would then show nothing.
            ncols=size.columns,
            nrows=size.lines,
            disable=not (shown and sys.stderr.isatty()),
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def update(self, units: int = 1) -> None:
        """Count `units` as done; in a pipe, print a line about it every half a minute."""
        self._done += units
        self._bar.update(units * self._scale)
        now = time.monotonic()
        if self._shown and self._bar.disable and now - self._said >= LINE_EVERY_SECONDS:
            self._said = now
            rate = (self._done - self._start) / (now - self._began)
            left = tqdm.format_interval((self._total - self._done) / rate) if rate else "?"
            warn(
                f"{self._title}: {self._done * self._scale:,} of {self._total * self._scale:,} "
                f"{self._unit}, {rate * self._scale:.0f} a second, {left} left"
            )

    def reach(self, units: int) -> None:
        """Count as done what is missing to `units`."""
        self.update(units - self._done)

    def line(self, text: str) -> None:
        """Print a line to stdout; on a terminal the bar stays below it."""
        with tqdm.external_write_mode(file=sys.stdout, nolock=False):
            say(text)
