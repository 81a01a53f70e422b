"""A run as one HTML file that one can send to a colleague: no server, no network.

The page's own source lies in report_page/. What it shows is collected by training/run_report.py.
"""

import base64
import html
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from PIL import Image

from support.files import written_aside
from utils import spread

PAGE = Path(__file__).parent / "report_page"
LAST = "<p>These are the settings of the last start: what was changed on the way is not noted.</p>"
MOST_ROWS = 1000  # of the curves: more cannot be told apart on a screen
MOST_PICTURES = 40
MOST_SIDE = 2000  # pixels of a picture
WEBP_QUALITY = 90
# The panels of curves: title, and the columns of history.csv with the names they are shown under.
PANELS = {
    "Losses": {"d_loss": "d_loss", "g_loss": "g_loss"},
    "What D thinks: 1 is real": {
        "d_of_reals": "D(x), of images",
        "d_of_fakes": "D(G(z)), of fakes",
    },
    "Diversity, as a part of the images'": {"diversity": "of the samples"},
    "Speed": {"images_per_s": "images a second"},
}
# And these, of each space one of its own: its figures cannot be compared with another's.
OF_SPACE = {
    "Frechet distance {}: 0 is the best": "frechet",
    "Kernel distance {}: 0 is the best": "kid",
}


class Sample(NamedTuple):
    """A sample picture: of which step, its file, and what it shows."""

    step: int
    path: Path
    words: str


@dataclass(frozen=True)
class Report:
    """What a report shows.

    title: the run's name. lead: a sentence about it. command: that of the run's last settings.
    settings: names and values, as typed. rows: of history.csv, by column, nan where nothing was
    measured; "step" is among them, and "space", that of an evaluation. samples: the sample
    pictures, in their order. reals: real images to compare with, or None. evaluations: what
    evaluate.py wrote. animations: captions and GIFs.
    """

    title: str
    lead: str
    command: str
    settings: Sequence[tuple[str, str]]
    rows: Sequence[Mapping[str, Any]]
    samples: Sequence[Sample]
    reals: Path | None
    evaluations: Sequence[Mapping]
    animations: Sequence[tuple[str, Path]]


def write_report(report: Report, path: Path) -> Path:
    """Write the page; returns its path.

    Raises:
        OSError: a picture cannot be read, or the page not be written.
    """
    rows, samples = spread(report.rows, MOST_ROWS), spread(report.samples, MOST_PICTURES)
    # Evaluations are rare: their rows stay.
    measured = [row for row in report.rows if not math.isnan(row.get("frechet", math.nan))]
    rows = sorted(
        {row["step"]: row for row in (*rows, *measured)}.values(), key=lambda r: r["step"]
    )
    panels = [
        {"title": title, "series": series}
        for title, columns in PANELS.items()
        if (series := _series(rows, columns))
    ]
    panels += [
        {"title": title.format(f"in {space or 'a space not noted'}"), "series": series}
        for space in dict.fromkeys(row.get("space", "") for row in measured)
        for title, column in OF_SPACE.items()
        if (series := _series(rows, {column: column}, space))
    ]
    data = {
        "steps": [int(row["step"]) for row in rows],
        "panels": panels,
        "samples": [
            {"step": one.step, "source": _as_webp(one.path), "words": one.words} for one in samples
        ],
    }
    page = Template((PAGE / "report.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(report.title),
        lead=html.escape(report.lead),
        style=(PAGE / "report.css").read_text(encoding="utf-8"),
        script=(PAGE / "report.js").read_text(encoding="utf-8"),
        data=json.dumps(data).replace("</", "<\\/"),
        sections="\n".join(filter(None, _sections(report, len(samples), panels))),
    )
    with written_aside(path) as aside:
        aside.write_text(page, encoding="utf-8")
    return path


def _sections(report: Report, pictures: int, panels: Sequence[Mapping]) -> list[str]:
    return [
        _pictures(pictures, report.reals),
        _curves(panels),
        _evaluations(report.evaluations),
        _animations(report.animations),
        _section(
            "The command", f"<pre>{html.escape(report.command)}</pre>{LAST}" + _settings(report)
        ),
    ]


def _pictures(count: int, reals: Path | None) -> str:
    if not count:
        return ""
    last = count - 1
    made = (
        '<figure data-samples><img alt="sample pictures of the step that is chosen">'
        f'<input type="range" min="0" max="{last}" value="{last}" aria-label="step">'
        "<figcaption></figcaption></figure>"
    )
    real = _figure(reals, "real images, for comparison") if reals else ""
    return _section("Pictures through time", f'<div class="pictures">{made}{real}</div>')


def _curves(panels: Sequence[Mapping]) -> str:
    divs = "".join(
        f'<div data-panel="{number}"><h3>{html.escape(panel["title"])}</h3></div>'
        for number, panel in enumerate(panels)
    )
    note = '<p class="note">Point at a curve, or use the arrow keys, to read its values.</p>'
    return _section("The course", f'<div class="curves">{divs}</div>{note}') if divs else ""


def _evaluations(evaluations: Sequence[Mapping]) -> str:
    if not evaluations:
        return ""
    names = list(dict.fromkeys(name for one in evaluations for name in one["figures"]))
    rows = {  # a column for each evaluation: there are few of them, and many figures
        "step": [f"{one.get('step', 0):,}" for one in evaluations],
        "weights": ["averaged" if one.get("weights") == "ema" else "raw" for one in evaluations],
        "space": [one["space"] for one in evaluations],
        "pictures": [f"{one['samples']:,}" for one in evaluations],
        "real images of": [one.get("dataset", "not noted") for one in evaluations],
    }
    differing = [one.get("differs", {}).items() for one in evaluations]
    if any(differing):
        words = [", ".join(f"{name} {value}" for name, value in items) for items in differing]
        rows["not as the run has it"] = words
    for name in names:
        values = [one["figures"].get(name) for one in evaluations]
        rows[name] = ["" if value is None else f"{value:.4g}" for value in values]
    body = "".join(_row(values, name) for name, values in rows.items())
    scrolls = 'class="scroll" tabindex="0" role="region" aria-label="figures"'
    table = f"<div {scrolls}><table>{body}</table></div>"
    note = '<p class="note">Figures of different spaces cannot be compared.</p>'
    return _section("How good it is", table + note)


def _animations(animations: Sequence[tuple[str, Path]]) -> str:
    figures = "".join(_figure(path, caption) for caption, path in animations)
    return (
        _section("What it has learned", f'<div class="pictures">{figures}</div>') if figures else ""
    )


def _settings(report: Report) -> str:
    rows = "".join(_row(pair) for pair in report.settings)
    return f"<details><summary>All settings</summary><table>{rows}</table></details>"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{content}</section>"


def _row(values: Sequence[str], name: str = "") -> str:
    head = f'<th scope="row">{html.escape(name)}</th>' if name else ""
    cells = "".join(f"<td>{html.escape(v)}</td>" for v in values)
    return f"<tr>{head}{cells}</tr>"


def _figure(path: Path, caption: str) -> str:
    source = _as_gif(path) if path.suffix == ".gif" else _as_webp(path)
    text = html.escape(caption)
    return f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def _series(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], space: str | None = None
) -> list[tuple[str, list[float | None]]]:
    """Names and values of the columns that hold any; None where one is not finite.

    With a space, also where the row is not of that one.
    """
    found = []
    for column, name in columns.items():
        values = [
            row.get(column, math.nan) if space in (None, row.get("space", "")) else math.nan
            for row in rows
        ]
        if any(map(math.isfinite, values)):
            found.append((name, [value if math.isfinite(value) else None for value in values]))
    return found


def _as_webp(path: Path) -> str:
    with Image.open(path) as image:
        out = io.BytesIO()
        image.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.BOX)
        image.convert("RGB").save(out, "WEBP", quality=WEBP_QUALITY)
    return _source("image/webp", out.getvalue())


def _as_gif(path: Path) -> str:
    return _source("image/gif", path.read_bytes())


def _source(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
