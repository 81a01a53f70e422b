"""The model card: what was exported, for programs (model.json) and for people (model.md)."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from exports.check import Checked
from runs.flags import KEPT, displayed, marked
from runs.stored import CARD, card_beside, evaluations_of, is_evaluation, read_run
from support.files import write_json, written_aside
from support.text import counted, in_units, printable

if TYPE_CHECKING:
    from runs.opened import Trained

# Of the data sets that download.py knows by name; of any other the person at the keyboard knows.
LICENCES = {
    "mnist": "Yann LeCun and Corinna Cortes, CC BY-SA 3.0",
    "fashion_mnist": "Zalando SE, MIT",
    "celebA": "for non-commercial research only, by its agreement",
}
MEASURED = ("space", "identity", "samples", "reals", "figures")
MEASURED_ON = ("dataset", "digest")  # evaluate.py did not always note these
UNKNOWN = "not known to this program"
ROUNDED = (
    "- The run had been rounded to float16 and int8 to be passed on: it is what is compared with."
)
# Settings that tell how the run was trained; the networks and the step have them already, or they
# are folders of whoever trained it.
NOT_TOLD = {"labels_file", "c_dim", "arch"}


def write_card(
    trained: "Trained", checks: Sequence[Checked], folder: Path, licence: str | None = None
) -> list[Path]:
    """Write model.json and model.md about the exports in `folder`; returns their paths.

    licence: of the data, where this program does not know it.
    """
    card = describe(trained, checks, licence)
    write_json(folder / CARD, card)
    with written_aside(folder / "model.md") as aside:
        aside.write_text("\n".join(_lines(card)) + "\n", encoding="utf-8", errors="replace")
    return [folder / CARD, folder / "model.md"]


def describe(
    trained: "Trained", checks: Sequence[Checked], licence: str | None = None
) -> dict[str, Any]:
    """All that the card says, as JSON. It names no folder of the machine it was written on.

    What only the machine of the training knows is taken from the card beside a pretrained run.
    """
    dcgan, settings = trained.dcgan, trained.settings.as_json()
    came_with = card_beside(trained.folder)
    step = dataclasses.asdict(dcgan.training) | _average_on(came_with)
    told = [*marked(trained.settings, KEPT), "epoch"]
    its_own = set(told) & trained.known - dcgan.config.shape().keys() - step.keys() - NOT_TOLD
    return {
        "run": trained.folder.resolve().name,
        "step": int(dcgan.step),
        "weights": trained.weights,
        "rounded_before": bool(came_with),
        "data": data_of(trained, came_with, licence),
        "inputs": {
            "z": {"numbers": dcgan.z_dim, "drawn_from": trained.settings.z_dist},
            "y": {"numbers": dcgan.y_dim or 0, "classes": trained.classes},
        },
        "images": {"shape": list(dcgan.image_shape), "range": list(dcgan.value_range)},
        "networks": dataclasses.asdict(dcgan.config),
        "training": step,
        "settings": {name: settings[name] for name in sorted(its_own)},
        "figures": figures_of(trained, came_with),
        "exports": [_export(checked) for checked in checks],
        "tensorflow": tf.__version__,
    }


def _average_on(came_with: Mapping[str, Any]) -> dict[str, Any]:
    """The --ema of a pretrained run by its card, which its networks know nothing of any more."""
    training = came_with.get("training")
    share = training.get("ema") if isinstance(training, dict) else None
    return {"ema": share} if isinstance(share, float) else {}


def figures_of(trained: "Trained", came_with: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What evaluate.py has measured of this step and these weights, in each space; [] if nothing.

    It is against the run's own data, and with the --num and --seed that need not be typed.
    Of a pretrained run that was not measured since: what its card, `came_with`, says.

    Raises:
        UserError: a file of it is damaged.
    """
    of_this = {"step": int(trained.dcgan.step), "weights": trained.weights}
    measured = [
        _measured(one)
        for one in evaluations_of(trained.folder)
        if of_this.items() <= one.items() and set(MEASURED) <= one.keys() and not one.get("differs")
    ]
    return measured or figures_on(came_with)


def figures_on(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures on the card beside a pretrained run; [] without one."""
    figures = card.get("figures", [])
    are_rows = isinstance(figures, list) and all(isinstance(one, dict) for one in figures)
    return [
        _measured(one)
        for one in (figures if are_rows else [])
        if set(MEASURED) <= one.keys() and is_evaluation(one)
    ]


def _measured(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in (*MEASURED, *MEASURED_ON) if name in one}


def data_of(
    trained: "Trained", came_with: Mapping[str, Any], licence: str | None = None
) -> dict[str, Any]:
    """The name of the data, how many images, and their licence: `licence`, or what is known.

    came_with: the card beside the run.
    """
    if "dataset" not in trained.known:
        return {"name": "", "images": None, "licence": licence or UNKNOWN}
    dataset = trained.settings.dataset
    return {
        "name": Path(dataset).name,
        "images": read_run(trained.folder).images,
        "licence": licence or LICENCES.get(dataset) or licence_on(came_with) or UNKNOWN,
    }


def licence_on(card: Mapping[str, Any]) -> str:
    """The licence of the data by the card beside a pretrained run; "" without one."""
    data = card.get("data")
    licence = data.get("licence") if isinstance(data, dict) else None
    return licence if isinstance(licence, str) else ""


def _export(checked: Checked) -> dict[str, Any]:
    written = checked.written
    return {
        "file": written.path.name,
        "what": written.text,
        "bytes": size_of(written.path),
        "check": checked.words,
        "difference": _as_json(checked.difference),
        "psnr": _as_json(checked.psnr),
        "same": checked.is_same,
    }


def _as_json(figure: float | None) -> float | None:
    """JSON knows neither NaN nor infinity; "check" says them in words."""
    return None if figure is None or not math.isfinite(figure) else figure


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())


def _lines(card: dict[str, Any]) -> list[str]:
    """The card as Markdown."""
    data, z, y = card["data"], card["inputs"]["z"], card["inputs"]["y"]
    height, width, channels = card["images"]["shape"]
    low, high = card["images"]["range"]
    averaged = ", averaged weights" if card["weights"] == "ema" else ""
    images = f", {counted(data['images'], 'image')}" if data["images"] else ""
    lines = [
        f"# {printable(card['run'])}, step {card['step']:,}{averaged}",
        "",
        "A DCGAN: a generator of pictures, and the discriminator that it was trained against.",
        "",
        f"- Trained on: {printable(data['name']) or 'data that are not known'}{images}.",
        f"- Licence of the data: {data['licence']}.",
        f"- z: float32 [N, {z['numbers']}], drawn from {z['drawn_from']}.",
    ]
    if y["numbers"]:
        tags = card["networks"]["tags"]
        what = "a 1 for each tag that a picture has," if tags else "the class, one-hot"
        lines.append(f"- y: {what} float32 [N, {y['numbers']}]: {_classes(y)}.")
    lines += [
        f"- Pictures: [N, {height}, {width}, {channels}], float32, {low:g} is black and {high:g} "
        "white.",
        *([ROUNDED] if card["rounded_before"] else []),
        f"- Exported with TensorFlow {card['tensorflow']}.",
        *_table("Files", ("file", "what", "size", "against the run itself"), _rows(card)),
    ]
    for one in card["figures"]:
        title = f"Figures of the run itself in the space {one['space']}: "
        title += f"{one['samples']:,} pictures against {one['reals']:,} real images"
        title += f" of {one['dataset']}" if one.get("dataset") else ""
        rows = [(name, f"{value:.6g}") for name, value in one["figures"].items()]
        lines += _table(title, ("figure", "value"), rows)
    if not card["figures"]:
        lines += ["", "evaluate.py had not measured this checkpoint when it was exported."]
    settings = card["networks"] | card["training"] | card["settings"]
    told = [(name, displayed(value)) for name, value in settings.items() if value is not None]
    return [*lines, *_table("How it was trained", ("setting", "value"), told)]


def _classes(y: dict[str, Any]) -> str:
    if y["classes"] == [str(number) for number in range(y["numbers"])]:
        return f"0 to {y['numbers'] - 1}"
    return ", ".join(f"{number} {printable(name)}" for number, name in enumerate(y["classes"]))


def _rows(card: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for one in card["exports"]:
        said = one["check"] + ("" if one["same"] else ": **not the same**")
        rows.append((one["file"], one["what"], in_units(one["bytes"]), said))
    return rows


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A section with a table."""
    lines = [names, ["---"] * len(names), *rows]
    cells = [[printable(str(cell)).replace("|", "\\|") for cell in line] for line in lines]
    return ["", f"## {title}", "", *(f"| {' | '.join(line)} |" for line in cells)]
