"""The pictures of the page in docs/web.md, made again from the included models.

PYTHONPATH=. python tests/screenshots.py
"""

import io
import tempfile
from pathlib import Path
from typing import Any

from browser import opened, running
from makers import PROJECT
from PIL import Image

from exports.web import write_page
from runs.opened import open_run

IMAGES = PROJECT / "docs/images"
HEIGHT = 605  # of the pictures
GAP = 14  # between the two of a phone


def main() -> None:
    """Write both pictures, and say so."""
    with running() as browser, tempfile.TemporaryDirectory() as name:
        pages = {run: Path(name) / f"{run}.html" for run in ("faces", "mnist")}
        for run, path in pages.items():
            write_page(open_run(PROJECT / "pretrained" / run, {}), path)
        desktop = opened(browser, pages["faces"], "seed=5&d=2:0.4", (1280, 860))
        kept([shot(desktop)], "web_desktop.png")
        phone = opened(
            browser, pages["mnist"], "seed=5&label=3&d=2:0.4", (390, 844), color_scheme="dark"
        )
        top = shot(phone)
        phone.locator("#strength").evaluate("slider => slider.scrollIntoView({ block: 'end' })")
        kept([top, shot(phone)], "web_phone.png")


def shot(page: Any) -> Image.Image:
    """What is seen of a page, when its small pictures are there."""
    page.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO(page.screenshot()))
    return picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT))


def kept(shots: list[Image.Image], name: str) -> None:
    """Write pictures side by side, in few colours, as a file of docs/images."""
    width = sum(one.width for one in shots) + GAP * (len(shots) - 1)
    sheet, left = Image.new("RGB", (width, HEIGHT), "white"), 0
    for one in shots:
        sheet.paste(one, (left, 0))
        left += one.width + GAP
    sheet.quantize(dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)
    print(f"wrote {IMAGES / name}")


if __name__ == "__main__":
    main()
