"""Debian's Chromium, or another one that is installed, driven by playwright."""

import base64
import importlib.util
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("playwright", "axe_playwright_python", "wasmtime")  # requirements-web.txt
REQUIRED = "REQUIRE_BROWSER"  # a variable: what is missing is a failure, not left out


def need(what: str, there: bool) -> None:
    """Leave the test out, or fail it where REQUIRE_BROWSER is set, if something is not there."""
    if not there and os.environ.get(REQUIRED):
        pytest.fail(f"{what} is missing")
    if not there:
        pytest.skip(f"{what} is missing: make test-web installs it")


@contextmanager
def running() -> Iterator[Any]:
    """A browser, without windows."""
    found = [path for name in CHROMIUMS if (path := shutil.which(name))]
    need("Chromium", bool(found))
    for package in PACKAGES:
        need(f"the package {package}", importlib.util.find_spec(package) is not None)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0])
        yield browser
        browser.close()


def opened(
    browser: Any, path: Path, address: str = "", size: tuple[int, int] = (1280, 800), **options: Any
) -> Any:
    """A page from file://, when its first picture is there; page.said has all console messages.

    address: what stands behind #. options: of the context, such as color_scheme.
    """
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(f"{path.as_uri()}#{address}")
    first_picture(page)
    return page


def first_picture(page: Any) -> None:
    """Wait until a page that was loaded shows its first picture."""
    page.locator("#speed:not(:empty)").wait_for()


def pixels(page: Any, selector: str = "#picture") -> np.ndarray:
    """What a canvas shows: uint8 [H, W, 3]."""
    url = page.locator(selector).evaluate("canvas => canvas.toDataURL('image/png')")
    content = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
