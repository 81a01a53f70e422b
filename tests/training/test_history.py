"""history.csv survives kills, its curves are drawn, and what it warns of is in it."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.errors import UserError
from training.history import (
    COLLAPSED,
    EARLIER,
    EVALUATED,
    Alarms,
    Row,
    append_row,
    by_space,
    draw_curves,
    figure_of,
    read_rows,
    write_rows,
)

LOW = "d_loss has been under 0.05 for 200 steps"


def rows(count: int, d_loss: float = 1.0, diversity: float = math.nan) -> list[Row]:
    return [Row(10 * k, d_loss, 2.0, 0.6, 0.4, 250.0, diversity) for k in range(1, count + 1)]


def test_rows_are_read_as_they_were_noted(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "history.csv"
    write_rows(path, rows(2))
    last = rows(3, diversity=0.5)[2]._replace(space="pixels")
    append_row(path, last)
    assert path.read_text().splitlines() == [
        "step,d_loss,g_loss,d_of_reals,d_of_fakes,images_per_s,diversity,"
        "frechet,kid,kid_error,modes,entropy,label_accuracy,space",
        "10,1,2,0.6,0.4,250,,,,,,,,",
        "20,1,2,0.6,0.4,250,,,,,,,,",
        "30,1,2,0.6,0.4,250,0.5,,,,,,,pixels",
    ]
    read = read_rows(path, step=30)
    assert [row.step for row in read] == [10, 20, 30]
    assert math.isnan(read[1].diversity)
    assert read[2] == last


def test_a_history_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    columns = "step,d_loss,g_loss,d_of_reals,d_of_fakes,images_per_s,diversity"
    path.write_text(f"{columns}\n10,1,2,0.6,0.4,250,0.5\n")
    assert read_rows(path, step=10) == rows(1, diversity=0.5), "from before there were evaluations"
    columns += ",frechet,kid,kid_error,modes,entropy,label_accuracy"
    path.write_text(f"{columns}\n10,1,2,0.6,0.4,250,0.5,7,,,,,\n")
    (row,) = read_rows(path, step=10)
    assert (row.evaluated(), row.space) == ({"frechet": 7.0}, ""), "and the space was noted"


def test_the_figures_of_an_evaluation_are_the_last_columns_with_their_space() -> None:
    assert Row._fields == (*EARLIER, *EVALUATED, "space")


def test_figures_of_two_spaces_are_two_curves() -> None:
    spaces = ("", "pixels", "mnist_ema", "mnist_ema")
    noted = [row.with_figures({"kid": 1.0}, s) for row, s in zip(rows(4), spaces, strict=True)]
    steps = {words: [row.step for row in some] for words, some in by_space(noted).items()}
    assert steps == {"in a space not noted": [10], "in pixels": [20], "in mnist_ema": [30, 40]}
    assert by_space(rows(3)) == {}
    assert figure_of(noted[2:]).axes[5].get_title() == "kid in mnist_ema: 0 is the best"
    panel = figure_of(noted).axes[5]
    assert panel.get_title() == "kid in 3 spaces: 0 is the best"
    assert [line.get_label() for line in panel.get_lines()] == list(steps)


def test_curves_below_zero_are_drawn(tmp_path: Path) -> None:
    """Losses of a Wasserstein D, and a kernel distance, may lie there."""
    figures = {"kid": -0.01, "frechet": 1.0}
    below = [row.with_figures(figures, "pixels") for row in rows(9, d_loss=-20.0)]
    picture = draw_curves(below, tmp_path / "curves.png")
    figure = np.asarray(Image.open(picture).convert("RGB"))[40:220, 60:390].astype(int)
    blue = (figure[..., 2] - figure[..., 0] > 60).sum()  # the first curve's colour
    assert blue > 100, "d_loss is in the picture"


def test_rows_of_lost_steps_and_lines_cut_short_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_rows(path, rows(5))
    with path.open("a") as file:
        file.write("60,1,2,0.")
    assert [row.step for row in read_rows(path, step=40)] == [10, 20, 30, 40]
    assert [row.step for row in read_rows(path, step=999)] == [10, 20, 30, 40, 50]
    assert read_rows(tmp_path / "none.csv", step=40) == []


@pytest.mark.parametrize("content", [b"", b"date,price\n1,2\n", b"\xff\xfe\x00"])
def test_a_file_of_something_else_is_not_overwritten(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is not a training's history"):
        read_rows(path, step=10)


def warned(rows: list[Row]) -> list[tuple[int, str]]:
    """At which step which warning came."""
    alarms = Alarms(0.05)
    found = [(row.step, words) for row in rows for words in alarms.after(row)]
    assert all("a smaller --learning_rate" in words for _, words in found), "what to try"
    return [
        (step, LOW if words.startswith(f"{LOW}: ") else words.partition(". Try")[0])
        for step, words in found
    ]


def test_d_wins_when_its_loss_is_low_for_200_steps() -> None:
    low = rows(60, d_loss=0.04)
    assert warned(low) == [(210, LOW)], "once"
    low[10] = low[10]._replace(d_loss=0.06)
    assert warned(low) == [(320, LOW)]
    low[30] = low[30]._replace(d_loss=0.06)
    assert warned(low[:35]) == []
    late = [row._replace(step=row.step + 5000) for row in rows(3, d_loss=0.04)]
    assert warned(late) == [], "nothing is known of the steps before"
    seldom = [row._replace(step=row.step * 100) for row in rows(3, d_loss=0.04)]
    assert warned(seldom) == [(3000, LOW)], "two rows tell too little"


def test_samples_have_collapsed_when_they_stay_alike() -> None:
    """Three times, and without becoming less so: those of a young G are alike, too."""
    alike, other, unmeasured = (rows(1, diversity=d)[0] for d in (0.19, 0.21, math.nan))
    assert warned([alike, alike]) == []
    assert warned([alike, unmeasured, alike, alike, alike]) == [(10, COLLAPSED)]
    assert warned([alike, alike, other, alike, alike]) == []
    young = [alike._replace(diversity=d) for d in (0.01, 0.02, 0.04, 0.07, 0.12, 0.18, 0.3)]
    assert warned(young) == []
    falling = [alike._replace(diversity=d) for d in (0.4, 0.19, 0.17, 0.1)]
    assert warned(falling) == [(10, COLLAPSED)]


def test_the_curves_are_drawn_whatever_was_measured(tmp_path: Path) -> None:
    for given in (rows(1), rows(30, diversity=0.5)):
        with Image.open(draw_curves(given, tmp_path / "history.png")) as picture:
            assert picture.size == (800, 480)
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10


def test_a_single_point_is_seen(tmp_path: Path) -> None:
    """A line through one point has no length."""
    seen = []
    for count in (0, 1):
        with Image.open(draw_curves(rows(1)[:count], tmp_path / "history.png")) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
            seen.append(int((pixels[..., 2] - pixels[..., 0] > 100).sum()))  # the first line's blue
    assert seen[1] > seen[0] + 3 * 20, "in the panels of loss, probability and speed"


def test_a_panel_without_a_curve_says_so(tmp_path: Path) -> None:
    """The first record of a start has no speed: that takes two."""
    dark = []
    for speed in (math.nan, 250.0):
        (row,) = rows(1)
        picture = draw_curves([row._replace(images_per_s=speed)], tmp_path / "history.png")
        grey = np.asarray(Image.open(picture).convert("L"))
        dark.append(int((grey[330:370, 540:680] < 100).sum()))  # the middle of that panel
    assert dark[0] > 100 > dark[1]


def test_a_loss_that_has_no_low_end_gives_no_alarm() -> None:
    alarms = Alarms(None)
    assert not [words for row in rows(60, d_loss=-9.0) for words in alarms.after(row)]
