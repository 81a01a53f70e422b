"""The formats of export.py: a row each, and a file each in this folder. Without TensorFlow."""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from support.errors import RunError, UserError
from support.files import sweep_asides

if TYPE_CHECKING:
    from runs.opened import Trained


@dataclass(frozen=True)
class Format:
    """What a format is, the module that writes it, and the packages that this needs.

    The module's function, of (trained, folder), returns a Written for each file that it wrote.
    packages: what to import, by what to install. takes_tags: also networks of several labels an
    image.
    """

    text: str
    module: str
    packages: tuple[tuple[str, str], ...] = ()
    function: str = "write"
    takes_tags: bool = True


@dataclass(frozen=True)
class Written:
    """An exported file or folder.

    text: what it is. reader: the lines of a program that make `outputs`, arrays by name, of `path`
    and `batches`, the inputs by name (exports/check.py); "" where there is no such
    program. least: how near its pictures must be to the run's, in dB; None where all its numbers
    must be the run's. most: what these may be apart, in parts of 1, or of the largest of an array.
    rounded: by name, how far arrays may be apart that were rounded, each as it was.
    """

    path: Path
    text: str
    reader: str
    least: float | None = None
    most: float = 1e-5
    rounded: Mapping[str, float] = field(default_factory=dict)


FORMATS = {
    "savedmodel": Format("both networks, for TensorFlow 2", "exports.saved_model"),
    "frozen": Format("the generator as one graph file, as --freeze", "exports.frozen"),
    "onnx": Format(
        "both networks, for ONNX Runtime and others",
        "exports.onnx_graph",
        (("onnx", "onnx"), ("onnxruntime", "onnxruntime")),
    ),
    "litert": Format(
        "the generator in float32, float16 and int8, for phones",
        "exports.litert",
        (("ai-edge-litert", "ai_edge_litert"),),
    ),
    "npz": Format("all weights as arrays", "exports.weights"),
    "pretrained": Format("the run to pass on, at a tenth of its size", "exports.pretrained"),
    "web": Format(
        "the generator as one page that makes pictures in a browser",
        "exports.web",
        takes_tags=False,
    ),
    "web-int8": Format("that page at half the size", "exports.web", (), "write_int8", False),
    "report": Format("the training as one page that can be sent", "training.run_report"),
}


def refuse_missing(formats: Sequence[str]) -> None:
    """Refuse formats whose packages are not installed.

    Raises:
        RunError: says what to install.
    """
    for name in formats:
        missing = [
            package
            for package, module in FORMATS[name].packages
            if importlib.util.find_spec(module) is None
        ]
        if missing:
            raise RunError(f"--format {name} needs more packages: pip install {' '.join(missing)}")


def refuse_tags(formats: Sequence[str], trained: "Trained") -> None:
    """Refuse formats for classes where a run has tags, before anything is written.

    Raises:
        UserError: names the first of them.
    """
    for name in formats:
        if trained.dcgan.config.tags and not FORMATS[name].takes_tags:
            raise UserError(
                f"--format {name} is for runs of classes: {trained.folder} has tags, several an "
                "image. The other formats take them"
            )


def write(name: str, trained: "Trained", folder: Path) -> list[Written]:
    """Write one format of a run into `folder`, and sweep what a killed export left there.

    Raises:
        UserError: something else has that name, or the format cannot hold these networks.
    """
    row = FORMATS[name]
    sweep_asides(folder)
    files: list[Written] = getattr(importlib.import_module(row.module), row.function)(
        trained, folder
    )
    return files
