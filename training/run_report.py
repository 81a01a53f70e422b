"""What a run tells of itself, collected from the files it wrote, for exports/report_html.py."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.dataset import epoch_of
from datasets.image_files import UnreadableError, opened
from exports.card import figures_on, licence_on
from exports.formats import Written
from exports.report_html import Report, Sample, write_report
from gan.checkpoints import latest_checkpoint, step_of
from gan.description import Description, read_description
from runs.flags import COMMAND, as_flag, displayed, marked
from runs.rules import idle
from runs.settings import Settings
from runs.stored import StoredRun, beside, card_beside, evaluations_of, read_run
from support.errors import UserError
from support.text import counted
from training.history import read_rows
from training.monitor import REALS, sample_pictures, sampled_steps, step_of_picture

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
    batches = epoch_of(settings, run.images, run.replicas)[1] if run.images else 1
    reals, card = samples / REALS, card_beside(folder)
    return Report(
        title=folder.resolve().name,
        lead=_lead(run, settings, step, read_description(folder)) + _passed_on(card),
        command=_command(settings, run.begun_from),
        settings=[(f"--{n}", str(displayed(v))) for n, v in run.settings.items() if v is not None],
        rows=[row._asdict() for row in rows],
        samples=[
            _sample(path, step_of_picture(path, batches), settings.ema > 0)
            for path in sample_pictures(samples, sampled_steps(rows), batches)
            if is_readable(path)
        ],
        reals=reals if is_readable(reals) else None,
        evaluations=evaluations_of(folder) or _on_card(card, step),
        animations=_animations(samples),
    )


def _on_card(card: Mapping[str, Any], step: int) -> list[dict[str, Any]]:
    """The figures on the card of a run that was passed on: its evaluations are not with it."""
    return [{"step": step, "weights": card.get("weights", "")} | one for one in figures_on(card)]


def _passed_on(card: Mapping[str, Any]) -> str:
    """What a run that was passed on lacks, and the licence of its data; "" without a card."""
    if not card:
        return ""
    licence = f" Licence of the data: {licence_on(card)}." if licence_on(card) else ""
    return f"{licence} It was passed on without its curves and sample pictures."


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


def _lead(run: StoredRun, settings: Settings, step: int, stored: Description | None) -> str:
    images = f"{counted(run.images, 'image')} of " if run.images else ""
    height, width = settings.output_height, settings.output_width
    kinds = "with {} tags" if stored and stored.config.tags else "in {} classes"
    labels = f" {kinds.format(len(run.classes))}" if run.classes else ""
    each = counted(settings.batch_size * run.replicas, "image")
    begun = f" It began with the weights of {run.begun_from}." if run.begun_from else ""
    return (
        f"A DCGAN after {counted(step, 'step')} of {each}. It was "
        f"trained on {images}{settings.dataset}{labels}, {height}x{width} pixels.{begun}"
    )


def _command(settings: Settings, begun_from: str) -> str:
    """The command line of the run's last settings: what differs from the defaults."""
    defaults, words = Settings(dataset=settings.dataset).as_json(), ["python", "main.py", "--train"]
    passing = {*marked(settings, COMMAND), *idle(settings)} - {"dataset"}
    for name, value in settings.as_json().items():
        if (
            name not in passing
            and value is not None
            and (name == "dataset" or value != defaults[name])
        ):
            words.append(as_flag(name, value))
    if begun_from:
        words.append(as_flag("init_from", begun_from))
    return shlex.join(words)


def _animations(samples: Path) -> list[tuple[str, Path]]:
    """The GIFs of the OPTIONs, the merged ones first."""
    there = filter(is_readable, samples.glob("option_*/*.gif"))
    found = sorted(there, key=lambda p: ("merged" not in p.name, p))
    return [(f"{path.parent.name}: {path.name}", path) for path in found[:ANIMATIONS]]
