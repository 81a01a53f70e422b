"""What a run tells of itself, collected from the files it wrote, for exports/report_html.py."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.image_files import UnreadableError, opened
from exports.formats import Written
from exports.report_html import Report, Sample, write_report
from gan.checkpoints import Description, latest_checkpoint, read_description, step_of
from runs.flags import COMMAND, displayed, marked
from runs.settings import Settings
from runs.stored import StoredRun, beside, read_run
from support.errors import UserError
from support.files import read_json
from training.history import read_rows
from training.monitor import REALS, sample_pictures, sampled_steps

if TYPE_CHECKING:
    from runs.opened import Trained

ANIMATIONS = 6  # at most: they are large


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/report.html, for export.py."""
    path = write_report(report_of(trained.folder), folder / "report.html")
    return [Written(path, "opened by a double click", reader="")]


def report_of(folder: Path) -> Report:
    """What there is to report of the run whose checkpoints are in `folder`.

    Raises:
        UserError: no run was trained there, or a file of it makes no sense.
    """
    run, newest = read_run(folder), latest_checkpoint(folder)
    if newest is None or not run.settings:
        raise UserError(f"{folder}: there is no trained run in it with a run.json to report of")
    settings = Settings(**run.settings)
    step, logs, samples = step_of(newest), beside(folder, "logs"), beside(folder, "samples")
    rows = read_rows(logs / "history.csv", step)
    batches, reals = _batches(run, settings), samples / REALS
    return Report(
        title=folder.resolve().name,
        lead=_lead(run, settings, step, read_description(folder)),
        command=_command(settings),
        settings=[(f"--{n}", str(displayed(v))) for n, v in run.settings.items() if v is not None],
        rows=[row._asdict() for row in rows],
        samples=[
            _sample(path, _step_of_picture(path, batches), settings.ema > 0)
            for path in sample_pictures(samples, sampled_steps(rows), batches)
            if is_readable(path)
        ],
        reals=reals if is_readable(reals) else None,
        evaluations=_evaluations(logs / "evaluated"),
        animations=_animations(samples),
    )


def _batches(run: StoredRun, settings: Settings) -> int:
    """The steps of an epoch."""
    size = min(run.images or 0, settings.train_size)
    return max(1, int(size // (settings.batch_size * run.replicas)))


def _sample(path: Path, step: int, averages: bool) -> Sample:
    """A sample picture, by the averaged weights where the run has one of these beside it."""
    averaged = path.with_name(path.name.replace("train", "ema", 1))
    if averages and is_readable(averaged):
        return Sample(step, averaged, "averaged weights, always of the same z")
    return Sample(step, path, "always of the same z")


def is_readable(path: Path) -> bool:
    """Whether a file is a picture that can be read: no pipe, not half of one."""
    try:
        with opened(path) as image:
            image.load()
    except UnreadableError:
        return False
    return True


def _step_of_picture(path: Path, batches: int) -> int:
    epoch, idx = path.stem.split("_")[1:]
    return int(epoch) * batches + int(idx) + 1


def _lead(run: StoredRun, settings: Settings, step: int, stored: Description | None) -> str:
    images = f"{run.images:,} images of " if run.images else ""
    height, width = settings.output_height, settings.output_width
    kinds = "with {} tags" if stored and stored.config.tags else "in {} classes"
    labels = f" {kinds.format(len(run.classes))}" if run.classes else ""
    return (
        f"A DCGAN after {step:,} steps of {settings.batch_size * run.replicas} images. It was "
        f"trained on {images}{settings.dataset}{labels}, {height}x{width} pixels."
    )


def _command(settings: Settings) -> str:
    """The command line that makes the run again: what differs from the defaults."""
    defaults, words = Settings(dataset=settings.dataset).as_json(), ["python", "main.py", "--train"]
    passing = {*marked(settings, COMMAND)} - {"dataset"}
    for name, value in settings.as_json().items():
        if (
            name not in passing
            and value is not None
            and (name == "dataset" or value != defaults[name])
        ):
            words.append(_flag(name, value))
    return shlex.join(words)


def _flag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    return f"--{name}={displayed(value)}"


def _evaluations(folder: Path) -> list[Mapping[str, Any]]:
    """What evaluate.py wrote of the run, by step; files of something else are left out."""
    found = [read_json(path) for path in sorted(folder.glob("*.json"))]
    return [one for one in found if _is_evaluation(one)]


def _is_evaluation(one: Mapping[str, Any]) -> bool:
    figures, space = one.get("figures"), one.get("space")
    return (
        isinstance(figures, dict)
        and all(isinstance(value, int | float) for value in figures.values())
        and isinstance(space, str)
        and all(type(one.get(name, 0)) is int for name in ("samples", "step"))
    )


def _animations(samples: Path) -> list[tuple[str, Path]]:
    """The GIFs of the OPTIONs, the merged ones first."""
    there = filter(is_readable, samples.glob("option_*/*.gif"))
    found = sorted(there, key=lambda p: ("merged" not in p.name, p))
    return [(f"{path.parent.name}: {path.name}", path) for path in found[:ANIMATIONS]]
