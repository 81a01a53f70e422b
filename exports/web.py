"""A trained generator as one HTML file: a page that makes pictures in a browser, without a server.

The page's source is the folder page/, in readable files; here they are put together with the
weights and with what the run tells. page/network.js reads what _weights writes.
"""

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exports.card import UNKNOWN, data_of, figures_of
from exports.formats import Written, refuse_tags
from exports.graphs import labels_to_try
from exports.layers import Layer, layers_of
from gan.directions import telling_directions
from runs.stored import card_beside
from support.files import written_aside
from support.streams import DEVIATIONS
from support.text import printable

if TYPE_CHECKING:
    from runs.opened import Trained

PAGE = Path(__file__).parent / "page"
# The parts of the program, each using those before it only when it is called.
SCRIPTS = ("random", "network", "latent", "picture", "controls", "blend", "main")
LANES = 8  # columns in a panel of product.wat
DIRECTIONS = 8
SHOWN = ("frechet", "kid", "label_accuracy")  # figures that the page tells
REACH = 3.5  # standard deviations of z to both sides that the sliders reach
# dB that the page's weights must reach, as LiteRT's must: float16, int8.
LEAST, LEAST_INT8 = 50.0, 30.0
# What page/network.js computes, of the weights in the file, by NumPy: no browser may be there.
READER = """
import base64
import json
import re

def held(name):
    return re.search('id="' + name + '">(.*?)</script>', text, re.DOTALL)[1]

with open(path, encoding="utf-8") as file:
    text = file.read()
model, weights = json.loads(held("model")), base64.b64decode(held("weights"))
stored, at = np.dtype("<f2" if model["precision"] == "float16" else "<i1"), 0

def take(kind, count):
    global at
    values = np.frombuffer(weights, kind, count, at)
    at += values.nbytes
    return values.astype(np.float32)

def read(layer):
    taps = 25 if layer["kind"] == "deconv" else 1
    count = taps * layer["outputs"]
    columns = -(-count // 8) * 8
    scales = take("<f4", columns)
    biases = take("<f4", -(-layer["outputs"] // 8) * 8)[: layer["outputs"]]
    panels = take(stored, layer["inputs"] * columns).reshape(-1, layer["inputs"], 8)
    matrix = panels.transpose(1, 0, 2).reshape(layer["inputs"], columns) * scales
    return matrix[:, :count], biases

layers = [(layer, *read(layer)) for layer in model["layers"]]

def deconv(layer, x, matrix):
    (height, width), outputs = layer["size"], layer["outputs"]
    patches = (x @ matrix).reshape(*x.shape[:3], 5, 5, outputs)
    # SAME pads an even size by one before and two behind, an odd one by two and two.
    top, left = (2 if side % 2 else 1 for side in (height, width))
    whole = np.zeros((len(x), 2 * x.shape[1] + 3, 2 * x.shape[2] + 3, outputs), np.float32)
    for i in range(5):
        for j in range(5):
            ends = i + 2 * x.shape[1], j + 2 * x.shape[2]
            whole[:, i : ends[0] : 2, j : ends[1] : 2] += patches[:, :, :, i, j]
    return whole[:, top : top + height, left : left + width]

def run(batch):
    x, y = batch["z"], batch.get("y")
    for layer, matrix, biases in layers:
        if layer["kind"] == "deconv":
            height, width = (-(-side // 2) for side in layer["size"])
            x = x.reshape(len(x), height, width, -1)
            if y is not None:
                planes = np.broadcast_to(y[:, None, None], (len(x), height, width, y.shape[1]))
                x = np.concatenate([x, planes], 3)
            x = deconv(layer, x, matrix) + biases
        else:
            x = x if y is None else np.concatenate([x, y], 1)
            x = x @ matrix + biases
        if layer["slope"] is not None:
            x = np.maximum(x, layer["slope"] * x)
    x = np.tanh(x) if model["valueRange"][0] < 0 else 1 / (1 + np.exp(-x))
    return {"images": x.reshape(len(x), model["height"], model["width"], model["channels"])}

outputs = joined(run)
"""


def write(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/page.html, for export.py."""
    path = write_page(trained, folder / "page.html")
    return [Written(path, "opened by a double click", READER, LEAST)]


def write_int8(trained: "Trained", folder: Path) -> list[Written]:
    """Write FOLDER/page_int8.html, for export.py."""
    path = write_page(trained, folder / "page_int8.html", int8=True)
    return [Written(path, "opened by a double click", READER, LEAST_INT8)]


def write_page(trained: "Trained", path: Path, int8: bool = False) -> Path:
    """Write a run's generator as a page to `path`; returns it.

    int8: the weights in 8 bits instead of float16: half the size, and pictures that differ by
    some units of 255 (docs/web.md).

    Raises:
        UserError: the run has tags, of which the page knows nothing.
    """
    refuse_tags(["web"], trained)
    layers = layers_of(trained.dcgan.sampled, trained.dcgan.config)
    script = "\n".join((PAGE / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    style = (PAGE / "style.css").read_text("utf-8")
    # In JSON "<" stands in strings only, and there \u003c is the same: no name ends the script.
    model = json.dumps(_model(trained, layers, int8), ensure_ascii=False).replace("<", r"\u003c")
    parts = {
        "name": html.escape(printable(trained.folder.name)),
        "style": style,
        "style_hash": _hash_of(style),
        "script": script,
        "script_hash": _hash_of(script),
        "model": model,
        "weights": _base64(b"".join(_weights(layer, int8) for layer in layers)),
        "program": _base64((PAGE / "product.wasm").read_bytes()),
    }
    page = (PAGE / "index.html").read_text("utf-8")
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], page)
    with written_aside(path) as aside:
        aside.write_text(page, encoding="utf-8", newline="\n")  # the hashes are of these bytes
    return path


def _model(trained: "Trained", layers: list[Layer], int8: bool) -> dict[str, Any]:
    """What the page has to know besides the weights."""
    dcgan, z_dist = trained.dcgan, trained.settings.z_dist
    height, width, channels = dcgan.image_shape
    directions = telling_directions(
        dcgan.sampler, dcgan.value_range, z_dist, dcgan.z_dim, labels_to_try(dcgan), DIRECTIONS
    )
    return {
        "name": printable(trained.folder.name),
        "classes": [printable(name) for name in trained.classes],
        "height": height,
        "width": width,
        "channels": channels,
        "valueRange": dcgan.value_range,
        "zDim": dcgan.z_dim,
        "zDist": z_dist,
        "directions": [[round(float(x), 6) for x in row] for row in directions.vectors],
        "reach": round(REACH * DEVIATIONS[z_dist], 1),
        "precision": "int8" if int8 else "float16",
        "layers": [
            {
                "kind": "linear" if layer.size is None else "deconv",
                "inputs": layer.matrix.shape[0],
                "outputs": len(layer.biases),
                "size": layer.size,
                "slope": layer.slope,
            }
            for layer in layers
        ],
        "card": _card(trained, int8),
    }


def _card(trained: "Trained", int8: bool) -> list[tuple[str, str]]:
    """What the page says of its model: pairs of a word and what there is to say."""
    dcgan, settings = trained.dcgan, trained.settings
    height, width, channels = dcgan.image_shape
    came_with = card_beside(trained.folder)
    average = {"ema": "averaged", "raw": "as trained"}[trained.weights]
    parameters = sum(int(np.prod(v.shape)) for v in dcgan.sampled.trainable().values())
    card = [
        ("Run", trained.folder.name),
        ("Checkpoint", f"step {int(dcgan.step):,}"),
        ("Network", f"{dcgan.config.architecture}, {parameters:,} parameters"),
        ("Weights", f"{average}, kept here as {'int8' if int8 else 'float16'}"),
        ("Pictures", f"{width} x {height}, {'colour' if channels == 3 else 'grey'}"),
        ("z", f"{dcgan.z_dim} numbers, {settings.z_dist}"),
    ]
    if "dataset" in trained.known:
        card.append(("Trained on", f"the data set {settings.dataset}"))
    if (licence := data_of(trained, came_with)["licence"]) != UNKNOWN:
        card.append(("Licence of the data", licence))
    for one in figures_of(trained, came_with):
        told = ", ".join(f"{n} {one['figures'][n]:.3g}" for n in SHOWN if n in one["figures"])
        card.append((f"Measured in {one['space']}", f"{told}; {one['samples']:,} pictures"))
    return [(word, printable(said)) for word, said in card]


def _weights(layer: Layer, int8: bool) -> bytes:
    """A layer's scales, biases and matrix [inputs, columns], as page/network.js takes them.

    Each column is divided by its largest weight, its scale, so that float16 never overflows and
    int8 uses its range. Columns are filled up to whole panels of 8, and each panel lies in memory
    as [inputs, 8]: product.wat reads it from front to back. All numbers are little-endian.
    """
    matrix = layer.matrix.reshape(len(layer.matrix), -1)
    matrix = np.pad(matrix, [(0, 0), (0, -matrix.shape[1] % LANES)])
    steps = 127 if int8 else 1
    largest = np.abs(matrix).max(0)
    scales = np.where(largest > 0, largest, 1) / steps
    stored = matrix / scales
    stored = np.rint(stored).astype("<i1") if int8 else stored.astype("<f2")
    panels = stored.reshape(len(matrix), -1, LANES).transpose(1, 0, 2)
    biases = np.pad(layer.biases, (0, -len(layer.biases) % LANES))
    return scales.astype("<f4").tobytes() + biases.astype("<f4").tobytes() + panels.tobytes()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _hash_of(text: str) -> str:
    """How a content security policy names the one script, or the one style, that it allows."""
    return f"sha256-{_base64(hashlib.sha256(text.encode()).digest())}"
