"""The page in a real browser: its pictures are the sampler's, and every control does its part."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import first_picture, opened, pixels, running
from makers import small, stretched
from PIL import Image

from exports.web import write_page
from generation.latent import labels_of_seeds, within, z_of_seeds
from runs.opened import Trained
from runs.settings import Settings
from support.streams import Z_DISTS
from utils import sample_pixels

SEEDS = (0, 5, 2**31 - 1)
NAMES = ["dark & <b>", "ärmel", "2"]
WIDTHS = {"desktop": (1280, 800), "tablet": (768, 1024), "phone": (390, 844)}


def run_of(
    classes: list[str], z_dist: str = "uniform_signed", height: int = 8, **sizes: Any
) -> Trained:
    """A run whose pictures tell their z, though it was never trained."""
    dcgan = stretched(small(height, 8, y_dim=len(classes) or None, **sizes))
    settings, known = Settings(dataset="tiny", z_dist=z_dist), frozenset({"dataset"})
    return Trained(dcgan, settings, classes, Path("checkpoint/tiny_run"), known, bool(classes))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as browser:
        yield browser


@pytest.fixture(scope="module")
def path(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with labels, and colour."""
    return write_page(run_of(NAMES, c_dim=3), tmp_path_factory.mktemp("page") / "a page.html")


@pytest.fixture
def page(browser: Any, path: Path) -> Iterator[Any]:
    """The page with the picture of seed 5; it has to end without a console message or a request."""
    page = opened(browser, path, "seed=5", accept_downloads=True)
    page.wait_for_timeout(300)  # until the small pictures are there, too
    yield page
    page.context.close()
    assert page.said == []
    assert {url.partition(":")[0] for url in page.asked} <= {"file", "data", "blob"}


@pytest.mark.parametrize("int8", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("architecture", "classes", "z_dist", "size"),
    [
        ("dcgan", [], "normal01", {"height": 17, "c_dim": 3, "gf_dim": 8}),
        ("dcgan", NAMES, "uniform_unsigned", {}),
        ("dcgan_mnist", NAMES, "uniform_signed", {"height": 7}),
        ("gan", [], "uniform_signed", {"c_dim": 3}),
        ("gan", NAMES, "normal01", {"height": 5}),
    ],
)
def test_a_seeds_picture_is_the_samplers(
    browser: Any,
    tmp_path: Path,
    architecture: str,
    classes: list[str],
    z_dist: str,
    size: dict[str, int],
    int8: bool,
) -> None:
    run = run_of(classes, z_dist, architecture=architecture, **size)
    z = z_of_seeds(SEEDS, z_dist, run.dcgan.z_dim)
    labels = labels_of_seeds(SEEDS, len(classes)) if classes else None
    wanted = sample_pixels(run.dcgan, z, labels).astype(float)
    page = opened(browser, write_page(run, tmp_path / "page.html", int8), f"seed={SEEDS[0]}")
    for seed, picture in zip(SEEDS, wanted, strict=True):
        page.fill("#seed", str(seed))
        page.press("#seed", "Enter")
        error = pixels(page) - picture
        assert picture.std() > 15, "a picture that tells something"
        if int8:
            assert np.square(error).mean() < 255**2 / 1e3  # 30 dB
        else:
            assert np.abs(error).mean() < 0.1
    assert page.said == []
    page.context.close()


def test_the_z_and_the_label_of_a_seed_are_numpys(page: Any) -> None:
    seeds = [*range(300), 2**31 - 1]
    for z_dist in Z_DISTS:
        made = page.evaluate(
            "([seeds, dist]) => seeds.map((seed) => [...zOfSeed(seed, dist, 100)])", [seeds, z_dist]
        )
        np.testing.assert_array_equal(np.float32(made), z_of_seeds(seeds, z_dist, 100))
    for count in (1, 2, 10, 1000):
        made = page.evaluate("([seeds, n]) => seeds.map((s) => labelOfSeed(s, n))", [seeds, count])
        np.testing.assert_array_equal(made, labels_of_seeds(seeds, count))


def test_sliders_leave_z_where_generate_py_directions_does(page: Any) -> None:
    way = np.where(np.arange(100) % 3, 0.15, -0.1)
    act = """([seed, zDist, way, amount]) => [...zOf({ zDist, zDim: 100, directions: [way] },
      { seed, z: null, directions: [amount], coordinates: new Map() })]"""
    for z_dist, amount in itertools.product(Z_DISTS, (0, 0.5, -3.5)):
        made = page.evaluate(act, [5, z_dist, way.tolist(), amount])
        wanted = within(z_of_seeds([5], z_dist, 100) + amount * way, z_dist)
        np.testing.assert_allclose(made, wanted[0], atol=1e-6)


def change(page: Any, act: Any) -> None:
    """Assert that something that is done changes the picture."""
    before = pixels(page)
    act()
    page.wait_for_timeout(30)
    assert not np.array_equal(before, pixels(page))


BUTTONS = {
    "new": "#new",
    "label": "#labels input[value='2']",
    "variation": "#variations button >> nth=4",
    "slot": "#slots .tile >> nth=1",
    "sum": "#sum",
}


@pytest.mark.parametrize("selector", BUTTONS.values(), ids=BUTTONS)
@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
def test_every_button_makes_another_picture(page: Any, selector: str, hand: str) -> None:
    button = page.locator(selector)
    change(page, button.click if hand == "mouse" else lambda: button.press("Space"))
    assert page.inner_text("#status") == page.inner_text("#caption"), "a screen reader is told"
    after = pixels(page)
    change(page, page.go_back)
    assert page.inner_text("#status") == page.inner_text("#caption"), "of what is shown now"
    change(page, page.go_forward)
    np.testing.assert_array_equal(pixels(page), after)


SLIDERS = {"direction": "#direction-2", "coordinate": "#coordinate-amount", "morph": "#morph"}


@pytest.mark.parametrize("selector", SLIDERS.values(), ids=SLIDERS)
@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
def test_every_slider_changes_the_picture(page: Any, selector: str, hand: str) -> None:
    page.locator("summary").press("Enter")  # shows the coordinates
    slider = page.locator(selector)
    box = slider.bounding_box()
    at = {"x": box["width"] * 0.8, "y": box["height"] / 2}
    act = (lambda: slider.click(position=at)) if hand == "mouse" else lambda: slider.press("PageUp")
    change(page, act)
    if selector != "#morph":
        assert "changed" in page.inner_text("#caption")
        change(page, lambda: page.click("#reset"))
        assert page.inner_text("#caption") == f"Seed 5 · label {NAMES[labels_of_seeds([5], 3)[0]]}"


def test_the_ends_of_a_slider_are_where_it_leads(page: Any) -> None:
    end = pixels(page, ".direction canvas >> nth=3")
    page.locator("#direction-2").press("End")
    np.testing.assert_array_equal(pixels(page), end)


def test_variations_are_near_and_the_slider_says_how_near(page: Any) -> None:
    def distance() -> float:
        tiles = [pixels(page, f"#variations canvas >> nth={k}") for k in range(12)]
        return float(np.mean([np.abs(tile - pixels(page).astype(float)).mean() for tile in tiles]))

    before = distance()
    page.locator("#strength").press("End")
    page.wait_for_timeout(300)
    assert distance() > 1.3 * before > 0
    far = distance()
    page.click("#more")
    page.wait_for_timeout(300)
    assert distance() not in (0, far)


def test_what_is_kept_is_blended(page: Any) -> None:
    five = pixels(page)
    for button in ("Keep as A", "Keep as B"):
        page.click(f"text={button}")
        page.click("#new")
    change(page, lambda: page.click("#sum"))
    page.locator("#morph").press("End")
    page.locator("#morph").press("Home")
    np.testing.assert_array_equal(pixels(page), five)
    page.click("text=Keep as B")  # A - A + C
    page.click("#sum")
    summed = pixels(page)
    page.locator("#slots .tile >> nth=2").click()
    assert np.abs(summed - pixels(page).astype(float)).mean() < 60, "C, but with A's label"


@pytest.mark.parametrize(
    ("selector", "key"), [("#walk", "Enter"), ("#walk", "Escape"), ("#morph-play", "Enter")]
)
def test_what_moves_plays_and_stops(page: Any, selector: str, key: str) -> None:
    button = page.locator(selector)
    button.click()
    page.wait_for_timeout(500)
    change(page, lambda: page.wait_for_timeout(300))
    assert button.get_attribute("aria-pressed") == "true"
    button.press(key)
    assert button.get_attribute("aria-pressed") == "false"
    still = pixels(page)
    page.wait_for_timeout(200)
    np.testing.assert_array_equal(pixels(page), still)
    page.reload()
    first_picture(page)
    np.testing.assert_array_equal(pixels(page), still)


ADDRESSED = {
    "seed": ["#new"],
    "label": ["#labels input[value='2']"],
    "slider": ["End on #direction-1", "PageUp on #direction-3"],
    "variation": ["#variations button >> nth=2", "PageDown on #direction-2"],
    "blend": ["PageUp on #morph"],
    "sum": ["#sum"],
}


@pytest.mark.parametrize("steps", ADDRESSED.values(), ids=ADDRESSED)
def test_a_copied_link_makes_the_same_picture(
    browser: Any, path: Path, page: Any, steps: list[str]
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for step in steps:
        key, _, slider = step.partition(" on ")
        page.locator(slider).press(key) if slider else page.locator(step).click()
    page.click("#copy")
    page.locator("#copy", has_text="Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    other = opened(browser, path, link.partition("#")[2], size=WIDTHS["phone"])
    np.testing.assert_array_equal(pixels(other), pixels(page))
    assert other.inner_text("#caption") == page.inner_text("#caption")
    other.context.close()


def test_an_address_chooses_its_label_and_without_one_any(browser: Any, path: Path) -> None:
    drawn = labels_of_seeds([5], 3)[0]
    for address, chosen in ((f"seed=5&label={drawn}", str(drawn)), ("seed=5", "any")):
        page = opened(browser, path, address)
        assert page.inner_text("#caption") == f"Seed 5 · label {NAMES[drawn]}"
        assert page.locator("#labels :checked").get_attribute("value") == chosen
        assert page.url.endswith(f"#{address}"), "which the page keeps as it is"
        page.context.close()


ELSEWHERE = "seed [0-9]+ is shown instead"
DAMAGED = {  # what is said of it, what is shown, which label is chosen
    "seed=99999999999": (ELSEWHERE, "Seed ", "any"),
    "seed=abc": (ELSEWHERE, "Seed ", "any"),
    "seeds=5": (ELSEWHERE, "Seed ", "any"),
    "z=AAAA": (ELSEWHERE, "Seed ", "any"),
    "z=!!!": (ELSEWHERE, "Seed ", "any"),
    "z=" + "A" * 27: (ELSEWHERE, "Seed ", "any"),
    "seed=x&label=1": (ELSEWHERE, "Seed ", "1"),
    "seed=5&label=99": ("there is no label 99", "Seed 5 · label ", "any"),
    "label=99": ("there is no label 99", "Seed ", "any"),
    "seed=5&d=99:1,1:x": ("some of its sliders cannot be read", "Seed 5 · label ", "any"),
}


def test_a_damaged_link_says_what_it_shows_until_the_next_picture(browser: Any, path: Path) -> None:
    page = opened(browser, path, "seed=x")
    assert page.inner_text("#note").startswith("This link is damaged: seed ")
    for address, (said, shown, label) in DAMAGED.items():
        page.click("#labels input[value='any']")
        page.click("#new")
        assert page.locator("#note").is_hidden()
        page.goto(f"{path.as_uri()}#{address}")
        page.locator("#note").wait_for()
        note, caption = page.inner_text("#note"), page.inner_text("#caption")
        assert re.fullmatch(f"This link is damaged: {said}", note)
        assert caption.startswith(shown)
        if said == ELSEWHERE:
            assert caption.startswith(f"Seed {re.sub('[^0-9]', '', note)} ")
        assert page.inner_text("#status") == f"{note}. {caption}"
        assert page.input_value("#labels input:checked") == label
    assert page.said == []
    page.context.close()


def test_an_address_may_leave_the_seed_open(browser: Any, path: Path) -> None:
    for address, label in (("", "any"), ("label=2", "2")):
        page = opened(browser, path, address)
        assert page.locator("#note").is_hidden()
        assert page.input_value("#labels input:checked") == label
        assert label == "any" or page.inner_text("#caption").endswith(f"label {NAMES[2]}")
        page.context.close()


def test_a_changed_address_is_told(page: Any) -> None:
    page.evaluate("location.hash = '#seed=7&label=99'")
    page.locator("#caption", has_text="Seed 7").wait_for()
    assert page.inner_text("#status").startswith("This link is damaged: there is no label 99. Seed")
    page.go_back()
    page.locator("#caption", has_text="Seed 5").wait_for()
    assert page.inner_text("#status") == page.inner_text("#caption")
    assert page.locator("#note").is_hidden()


def test_an_address_goes_as_far_as_a_slider_reaches(browser: Any, path: Path, page: Any) -> None:
    page.locator("#direction-1").press("End")
    page.locator("summary").press("Enter")
    page.locator("#coordinate-amount").press("Home")
    far = opened(browser, path, "seed=5&d=1:99&c=1:-1e9")
    assert far.url.partition("#")[2] == page.url.partition("#")[2]
    np.testing.assert_array_equal(pixels(far), pixels(page))
    far.context.close()


def saved_as(page: Any) -> Any:
    with page.expect_download() as download:
        page.click("#download")
    return download


def test_caption_and_png_tell_what_the_picture_is(page: Any) -> None:
    label = labels_of_seeds([5], 3)[0]
    for step, shown, named in (
        ("End on #direction-1", "Seed 5, changed", f"seed5_label{label}_changed"),
        ("Enter on #variations button >> nth=2", "A variation", f"variation_label{label}"),
        ("End on #direction-1", "A variation, changed", f"variation_label{label}_changed"),
        ("PageUp on #morph", "A blend", f"blend_label{labels_of_seeds([1], 3)[0]}"),
    ):
        key, _, control = step.partition(" on ")
        page.locator(control).press(key)
        assert page.inner_text("#caption").startswith(f"{shown} · label ")
        assert saved_as(page).value.suggested_filename == f"tiny_run_{named}.png"


def test_the_png_is_the_picture(page: Any, tmp_path: Path) -> None:
    download = saved_as(page)
    assert download.value.suggested_filename.startswith("tiny_run_seed5_label")
    download.value.save_as(tmp_path / "picture.png")
    saved = np.asarray(Image.open(tmp_path / "picture.png").convert("RGB"))
    np.testing.assert_array_equal(saved, pixels(page))


def test_an_empty_seed_keeps_the_picture(page: Any) -> None:
    before = pixels(page)
    page.fill("#seed", "")
    page.click("#seed-form button")
    np.testing.assert_array_equal(pixels(page), before)
    assert page.evaluate("document.querySelector('#seed').validationMessage"), "and is told"


def test_a_chosen_label_stays_for_new_pictures(page: Any) -> None:
    page.click("#labels input[value='0']")
    for _ in range(4):
        page.click("#new")
        assert page.inner_text("#caption").endswith(f"label {NAMES[0]}")


def test_tab_leads_to_every_control(page: Any) -> None:
    page.locator("summary").press("Enter")
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        )
    controls = page.evaluate(
        "[...document.querySelectorAll('button, summary, input:not([type=radio]), :checked')]"
        ".map((one) => [...document.querySelectorAll('*')].indexOf(one))"
    )
    assert set(controls) <= reached


@pytest.mark.parametrize(("width", "scheme"), [*itertools.product(WIDTHS, ("light", "dark"))])
def test_it_can_be_read_in_every_width_and_scheme(
    browser: Any, path: Path, tmp_path: Path, width: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(browser, path, "seed=5", WIDTHS[width], color_scheme=scheme)
    page.wait_for_timeout(300)
    page.locator("summary").press("Enter")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTHS[width][0]
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    paper = np.asarray(Image.open(tmp_path / "page.png").convert("L"))[0, 0]
    assert paper > 200 if scheme == "light" else paper < 50
    box = page.locator("#picture").bounding_box()
    assert box["width"] > 0.4 * min(WIDTHS[width]), "the picture is the largest thing"
    assert page.said == []
    page.context.close()
