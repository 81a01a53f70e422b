"""A report is one HTML file that needs nothing else, and shows what it was given."""

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from exports.report_html import MOST_PICTURES, MOST_ROWS, Report, Sample, write_report


def report(folder: Path, steps: int = 3, title: str = "run") -> Report:
    """Of so many steps, a sample picture of each."""
    samples = []
    for step in range(1, steps + 1):
        path = folder / f"{step}.png"
        Image.fromarray(np.full((8, 8), step % 256, np.uint8)).save(path)
        samples.append(Sample(step, path, "same z"))
    rows = [
        {"step": k, "d_loss": 1.0 / k, "kid": math.nan, "diversity": math.nan, "space": ""}
        for k in range(1, steps + 1)
    ]
    rows[1] |= {"kid": 0.5, "frechet": 3.0, "space": "pixels"}
    rows[2] |= {"kid": 9.0, "frechet": 70.0, "space": "mnist_ema"}
    evaluation = {"step": 2, "space": "mnist", "samples": 2000, "figures": {"frechet": 12.34567}}
    evaluation |= {"dataset": "cats", "differs": {"dataset": "cats", "num": 2000}}
    settings = [("--seed", "1")]
    return Report(title, "lead", "the command", settings, rows, samples, None, [evaluation], [])


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


class Addresses(HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


def test_it_shows_what_it_was_given(tmp_path: Path) -> None:
    page = write_report(report(tmp_path), tmp_path / "report.html").read_text()
    data = data_of(page)
    assert data["steps"] == [1, 2, 3]
    series = {panel["title"]: panel["series"] for panel in data["panels"]}
    assert series["Losses"] == [["d_loss", [1.0, 0.5, 1 / 3]]]
    kernel = "Kernel distance in {}: 0 is the best"
    assert series[kernel.format("pixels")] == [["kid", [None, 0.5, None]]]
    assert series[kernel.format("mnist_ema")] == [["kid", [None, None, 9.0]]], "never in one curve"
    assert "Diversity, as a part of the images'" not in series, "nothing was measured"
    assert [sample["step"] for sample in data["samples"]] == [1, 2, 3]
    table = '<tr><th scope="row">step</th><td>2</td></tr>'
    assert table in page, "figures are rows: side by side they would not fit a screen"
    for words in (
        "the command",
        "lead",
        "--seed",
        "12.35",
        "<td>cats</td>",
        "dataset cats, num 2000",
    ):
        assert words in page


def test_it_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = write_report(report(tmp_path), tmp_path / "report.html").read_text()
    parser = Addresses()
    parser.feed(page)
    assert all(address.startswith("data:") for address in parser.found)
    assert all(
        sample["source"].startswith("data:image/webp") for sample in data_of(page)["samples"]
    )


def test_names_are_shown_and_not_run(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    page = write_report(report(tmp_path, title=evil), tmp_path / "report.html").read_text()
    assert evil not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page


def test_a_long_run_is_thinned_out_but_for_its_evaluations(tmp_path: Path) -> None:
    page = write_report(report(tmp_path, 5000), tmp_path / "report.html").read_text()
    data = data_of(page)
    assert len(data["samples"]) == MOST_PICTURES
    assert data["steps"][:3] == [1, 2, 3]
    assert data["steps"][-1] == 5000
    assert MOST_ROWS <= len(data["steps"]) <= MOST_ROWS + 2
