"""The course of a training: a table on disk, its curves as a picture, and what they warn of."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from metrics.evaluation import EVALUATED
from support.errors import UserError
from support.files import written_aside

NOTED = ".6g"  # how a number is written
NOTHING = "not measured yet"  # what a panel says that has no curve
LOW_FOR_STEPS = 200
LOW_ROWS = 3  # at least: rows may be far apart
COLLAPSED_BELOW = 0.2
COLLAPSED_TIMES = 3
RISING = 0.005  # from the first of these times to the last; a young G may be on its way
COLLAPSED = (
    "the samples differ from each other less than a fifth as much as the images do: G has "
    "collapsed to a few pictures"
)


class Row(NamedTuple):
    """What is noted of a step: losses of its updates, means of D's probabilities, speed.

    `images_per_s` is nan in the first row of a start, `diversity` where no sample was made: the
    mean distance of two samples as a part of that of two images (monitor.diversity). What follows
    is there where the step was evaluated: metrics.evaluation.EVALUATED, and the space that these
    were measured in, with "_ema" behind it where the pictures are by averaged weights.
    """

    step: int
    d_loss: float
    g_loss: float
    d_of_reals: float
    d_of_fakes: float
    images_per_s: float
    diversity: float = math.nan
    frechet: float = math.nan
    kid: float = math.nan
    kid_error: float = math.nan
    modes: float = math.nan
    entropy: float = math.nan
    label_accuracy: float = math.nan
    space: str = ""

    def with_figures(self, figures: Mapping[str, float], space: str) -> "Row":
        """The same row, with figures of its evaluation by name, in that space."""
        return Row(**self._asdict() | {**figures, "space": space})

    def evaluated(self) -> dict[str, float]:
        """The figures of its evaluation that there are, by name."""
        values = self._asdict().items()
        return {name: v for name, v in values if name in EVALUATED and not math.isnan(v)}


SPACELESS = Row._fields[:-1]  # the columns of files from before the space was noted
EARLIER = SPACELESS[: -len(EVALUATED)]  # and from before trainings were evaluated


def read_rows(path: Path, step: int) -> list[Row]:
    """The rows of a CSV up to `step`: those after it belong to steps that were lost.

    Raises:
        UserError: the file is not one that `write_rows` wrote.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error):
        lines = []
    names = tuple(lines[0]) if lines else ()
    if names not in (Row._fields, SPACELESS, EARLIER):
        raise UserError(f"{path} is not a training's history: delete it, or move it away")
    return [row for line in lines[1:] if (row := _row(names, line)) and row.step <= step]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a CSV of all rows, with the names of the columns first."""
    with written_aside(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([Row._fields, *map(_cells, rows)])


def append_row(path: Path, row: Row) -> None:
    """Add a row to a CSV that `write_rows` wrote."""
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(_cells(row))


def as_noted(value: float) -> float:
    """A number as the CSV holds it: to six digits."""
    return float(f"{value:{NOTED}}")


def _cells(row: Row) -> list[str]:
    step, *values = row[:-1]
    return [
        str(step),
        *("" if math.isnan(value) else f"{value:{NOTED}}" for value in values),
        row.space,
    ]


def _row(names: Sequence[str], cells: list[str]) -> Row | None:
    """None for a line that a kill cut short."""
    try:
        values = dict[str, Any](zip(names, cells, strict=True))
        step, space = int(values.pop("step")), values.pop("space", "")
        numbers = {name: float(value or math.nan) for name, value in values.items()}
    except ValueError:
        return None
    return Row(step, **numbers, space=space)


def by_space(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows that were evaluated, by words for their space: each has a curve of its own."""
    found = dict[str, list[Row]]()
    for row in rows:
        if row.evaluated():
            found.setdefault(f"in {row.space or 'a space not noted'}", []).append(row)
    return found


class Alarms:
    """What the rows of a run warn of, in words, with what to try; each once."""

    def __init__(self, d_wins_below: float | None, slower: str = "a smaller --learning_rate"):
        """Before the first row; `d_wins_below` is that of the run's gan.losses.Loss.

        slower: how its training is made slower, by the flags that decide there.
        """
        self._d_wins_below = -math.inf if d_wins_below is None else d_wins_below
        self._d_wins = (
            f"d_loss has been under {d_wins_below} for {LOW_FOR_STEPS} steps: D recognises every "
            f"fake, and G learns little from that. Try {slower}, --augment if there are few "
            "images, or check that they are of one kind and size"
        )
        self._collapsed = (
            f"{COLLAPSED}. Try an earlier checkpoint, another --seed, {slower}, or a larger "
            "--batch_size"
        )
        self._low: list[int] = []  # steps, since d_loss was last high
        self._last: list[float] = []  # measures of diversity
        self._said: set[str] = set()

    def after(self, row: Row) -> list[str]:
        """What there is to say after a row; the rows must come in their order."""
        self._low = [*self._low, row.step] if row.d_loss < self._d_wins_below else []
        d_wins = len(self._low) >= LOW_ROWS and row.step - self._low[0] >= LOW_FOR_STEPS
        if not math.isnan(row.diversity):
            self._last = [*self._last, row.diversity][-COLLAPSED_TIMES:]
        collapsed = (
            len(self._last) == COLLAPSED_TIMES
            and max(self._last) < COLLAPSED_BELOW
            and self._last[-1] - self._last[0] < RISING
        )
        found = {self._d_wins: d_wins, self._collapsed: collapsed}
        new = [words for words, holds in found.items() if holds and words not in self._said]
        self._said.update(new)
        return new


def draw_curves(rows: Sequence[Row], path: Path) -> Path:
    """Write figure_of the rows as a PNG; returns its path."""
    with written_aside(path) as aside:
        figure_of(rows).savefig(aside, format="png", dpi=80)
    return path


def figure_of(rows: Sequence[Row]) -> Figure:
    """The curves: losses, D's probabilities, diversity, speed, evaluations, over the steps."""
    spaces = by_space(rows)
    height, lines = (9, 3) if spaces else (6, 2)
    figure = Figure(figsize=(10, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(lines, 2, sharex=True).flat)
    losses, probabilities, diversity, speed = panels[:4]
    _curve(losses, rows, "d_loss")
    _curve(losses, rows, "g_loss")
    losses.set(title="losses", ylim=(_bottom(rows, "d_loss", "g_loss"), None))
    _curve(probabilities, rows, "d_of_reals", "D(x), of images")
    _curve(probabilities, rows, "d_of_fakes", "D(G(z)), of fakes")
    probabilities.set(title="what D thinks: 1 is real", ylim=(0, 1))
    _curve(diversity, rows, "diversity", "of samples; 1 is that of the images")
    diversity.axhline(COLLAPSED_BELOW, color="grey", linestyle=":", label="collapsed below")
    diversity.set(title="diversity", ylim=(0, 1.5))
    _curve(speed, rows, "images_per_s", "images a second")
    speed.set(title="speed", ylim=(0, None))
    if spaces:
        for panel, name in zip(panels[4:], ("frechet", "kid"), strict=True):
            for where, some in spaces.items():
                _curve(panel, some, name, where, dots=True)
            named = "".join(spaces) if len(spaces) == 1 else f"in {len(spaces)} spaces"
            panel.set(title=f"{name} {named}: 0 is the best")
            panel.set_ylim(_bottom(rows, name), 1.05 * panel.get_ylim()[1])  # whole dots
    for panel in panels[-2:]:
        panel.set_xlabel("step")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in panels:
        if any(len(line.get_xdata()) for line in panel.get_lines()):
            panel.legend(fontsize="small")
        else:  # as the speed, which takes two records
            panel.text(0.5, 0.5, NOTHING, ha="center", va="center", transform=panel.transAxes)
        panel.grid(alpha=0.3)
    return figure


def _bottom(rows: Sequence[Row], *names: str) -> float:
    """Where an axis begins: at 0, or a little below the smallest value."""
    values = [getattr(row, name) for row in rows for name in names]
    return 1.05 * min([0.0, *filter(math.isfinite, values)])


def _curve(  # type: ignore[no-untyped-def]
    panel, rows: Sequence[Row], name: str, label: str = "", dots: bool = False
) -> None:
    points = [(row.step, value) for row in rows if not math.isnan(value := getattr(row, name))]
    marker = "o" if dots or len(points) == 1 else ""  # there is no line through one point
    xy = zip(*points, strict=True) if points else ([], [])
    panel.plot(*xy, label=label or name, linewidth=1, marker=marker)
