"""A training measures its own pictures, --eval_freq, and keeps its best checkpoint apart."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datasets.dataset import Dataset, arrays_of
from gan.checkpoints import latest_checkpoint, step_of
from generation.sampling import pictures_of_seeds
from metrics.evaluation import EVALUATED, evaluate, suffix_of
from metrics.kept import digest_of
from metrics.reals import (
    Reals,
    compared,
    drawn_labels,
    features_of_reals,
    open_reals,
    reals_of,
)
from metrics.spaces import open_space, refuse_unopenable, suiting
from model import DCGAN
from runs.settings import Settings
from support.console import Say
from support.files import read_json, write_json
from support.text import counted
from training.history import Row, as_noted

PICTURES = 2000  # evaluate.py's with --num 2000: of the seeds 0 to 1,999, and the same labels
# Of the kernel distance, the first of evaluate.py's: all hundred would take longer than all else.
SUBSETS = 20
MEASURE_FILE = "evaluation.json"  # beside history.csv: how its figures were measured
LEAST_GAIN = 0.01  # of a Frechet distance: less is none. Of a kernel distance: its standard error


class Measured(NamedTuple):
    """What decides between steps. error: two figures that differ by no more are as good."""

    step: int
    figure: float
    error: float = 0.0


class Evaluator:
    """Measures the pictures of one run as it goes on, and knows which step's were the best.

    space: what the figures are in, with "_ema" behind it if the pictures are by averaged weights.
    """

    def __init__(self, settings: Settings, data: Dataset, dcgan: DCGAN, say: Say):
        """Compute the features of the data, where no earlier start has kept them.

        Raises:
            UserError: there are too few images to compare with, or what the space needs is missing.
        """
        real, arrays = _reals(settings, data, say), arrays_of(settings)
        self._dcgan, self._z_dist = dcgan, settings.z_dist
        self._space = open_space(suiting(settings, settings.eval_space), settings, arrays, say)
        self._real = features_of_reals(self._space, compared(real).images, arrays, say)
        self._asked = drawn_labels(real, PICTURES, seed=0) if dcgan.y_dim else None
        self._weights = settings.weights or ("ema" if dcgan.average else "raw")
        # The classifier behind `mnist` is of these very digits; elsewhere, the distance that does
        # not depend on the number of pictures.
        self._ranked_by = "frechet" if self._space.classes else "kid"
        self._seconds, self._began = 0.0, time.monotonic()
        self._measured: list[Measured] = []

    @property
    def space(self) -> str:
        """What TensorBoard's tags of the figures begin with."""
        return self._space.name + suffix_of(self._weights)

    def take_up(self, rows: Sequence[Row], logs: Path, best: Path, say: Say) -> None:
        """Go on from what earlier starts noted in `rows`, if it was measured in the same way.

        How, is in MEASURE_FILE in the folder `logs`. best: where the best checkpoint is kept.
        """
        path = logs / MEASURE_FILE
        measure = {
            "space": self._space.identity,
            "reals": digest_of(self._real.values),
            "pictures": PICTURES,
            "weights": self._weights,
        }
        found = [row for row in rows if row.evaluated()]
        since = measured_since(path, measure, found)
        if found and since == found[-1].step:
            say(
                f"the figures up to step {since:,} were measured in another way than those to come "
                f"({path}): the best is looked for anew"
            )
        self._measured = [
            self._as_measured(row.step, row.evaluated()) for row in found if row.step > since
        ]
        if said := disagreement(best_of(self._measured).step, best):
            say(said)
            self._measured = []
            # Nor do they count at a later start, which finds them in the history all the same.
            write_json(path, {**measure, "since": found[-1].step if found else 0})
        self._seconds, self._began = 0.0, time.monotonic()

    def figures(self, step: int) -> dict[str, float]:
        """Measure the pictures of the weights after `step`: the fields of Row.evaluated."""
        began = time.monotonic()
        self._dcgan.choose(self._weights)
        blocks = pictures_of_seeds(self._dcgan, range(PICTURES), self._z_dist, self._asked)
        found = evaluate(
            self._space,
            self._real,
            blocks,
            PICTURES,
            self._asked,
            near=False,
            subsets=SUBSETS,
            title="",
        ).figures
        # As history.csv holds them: a resumed run must decide as one that was never stopped.
        figures = {name: as_noted(found[name]) for name in EVALUATED if name in found}
        self._measured.append(self._as_measured(step, figures))
        self._seconds += time.monotonic() - began
        return figures

    def _as_measured(self, step: int, figures: Mapping[str, float]) -> Measured:
        figure = figures.get(self._ranked_by, math.nan)
        is_kernel = self._ranked_by == "kid"
        error = figures.get("kid_error", 0.0) if is_kernel else LEAST_GAIN * figure
        return Measured(step, figure, error)

    @property
    def best(self) -> Measured:
        """The step whose pictures were the best so far; step 0 before one."""
        return best_of(self._measured)

    def line(self, figures: dict[str, float]) -> str:
        """What to say of the evaluation that was made last."""
        step = self._measured[-1].step
        words = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        best = ", the best so far" if step == self.best.step else ""
        return f"evaluated step {step:,} in {self.space}: {words}{best}"

    def summary(self) -> Iterator[str]:
        """At the end of a start: which step was the best, whether it still got better, the cost."""
        step, value, _ = self.best
        if not step:
            return
        figure = f"{self._ranked_by} {value:.4g} in {self.space}"
        yield f"the best: step {step:,}, {figure}; {trend_of(self._measured)}"
        yield "--which best takes the weights of that step"
        share = self._seconds / max(time.monotonic() - self._began, 1e-9)
        yield f"to evaluate took {share:.0%} of the time"


def refuse_unmeasurable(settings: Settings) -> None:
    """Refuse an --eval_freq whose pictures could not be measured, before anything is written.

    Raises:
        UserError, RunError: as metrics.spaces.refuse_unopenable.
    """
    if settings.eval_freq:
        refuse_unopenable(suiting(settings, settings.eval_space), settings)


def measured_since(path: Path, measure: Mapping[str, Any], rows: Sequence[Row]) -> int:
    """The step after which the figures of `rows` were measured as `measure` says; 0 for all.

    Both are noted in `path`, for the next start: the rows of before are still there then.
    """
    stored = read_json(path)
    since = stored.pop("since", 0)  # earlier versions did not note it
    last = rows[-1].step if rows else 0
    is_same = stored == measure and type(since) is int
    # A run that fell back to an earlier step than that makes all later rows anew.
    since = min(since, last) if is_same else last
    write_json(path, {**measure, "since": since})
    return since


def disagreement(noted: int, best: Path) -> str:
    """In words, where the folder `best` does not hold what was noted as the best; "" if it does.

    noted: the step, 0 for none. A run that was killed may have fallen back to before the step whose
    weights are kept, and another flag then leads elsewhere; or somebody took the folder away.
    """
    kept = latest_checkpoint(best)
    if noted == (step_of(kept) if kept else 0):
        return ""
    if not noted:
        return f"nothing is noted of {kept}: it is replaced by the first that is evaluated"
    found = f"{kept} is another" if kept else f"{best} holds no checkpoint"
    return f"step {noted:,} is noted as the best, but {found}: the best is looked for anew"


def best_of(measured: Sequence[Measured]) -> Measured:
    """The one with the smallest figure; of step 0 and nan where there is no figure."""
    nothing = Measured(0, math.nan)
    return min(_numbers(measured), key=lambda one: one.figure, default=nothing)


def trend_of(measured: Sequence[Measured]) -> str:
    """Whether it still got better at the end, in words."""
    numbers, best = _numbers(measured), best_of(measured)
    later = sum(one.step > best.step for one in numbers)
    if len(numbers) == 1:
        return "the only evaluation, so there is nothing to compare it with"
    if later == 0:
        before = best_of(numbers[:-1])
        if (gain := before.figure - best.figure) <= best.error:
            return (
                f"the last evaluation, but only {gain:.2g} below that of step {before.step:,}: "
                "too little to count"
            )
        return "the last evaluation: it still got better, and may do so with a larger --epoch"
    if later <= len(numbers) // 4:
        return f"{later} of {len(numbers)} evaluations came after it: it may yet get better"
    return f"{counted(later, 'evaluation')} after it, none of them better"


def _numbers(measured: Sequence[Measured]) -> list[Measured]:
    """Those that have a figure."""
    return [one for one in measured if not math.isnan(one.figure)]


def _reals(settings: Settings, data: Dataset, say: Say) -> Reals:
    """The images to compare with: of an idx set the training part, of a folder all."""
    return open_reals(settings, say) if settings.is_idx_set else reals_of(data, settings.dataset)
