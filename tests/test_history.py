"""history.csv survives kills, its curves are drawn, and what it warns of is in it."""

import math
from pathlib import Path

import pytest
from PIL import Image

from errors import UserError
from history import COLLAPSED, D_WINS, Row, append_row, draw, read_rows, warnings, write_rows


def rows(count: int, d_loss: float = 1.0, diversity: float = math.nan) -> list[Row]:
    return [Row(10 * k, d_loss, 2.0, 0.6, 0.4, 250.0, diversity) for k in range(1, count + 1)]


def test_rows_are_read_as_they_were_noted(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "history.csv"
    write_rows(path, rows(2))
    append_row(path, rows(3, diversity=0.5)[2])
    assert path.read_text().splitlines() == [
        "step,d_loss,g_loss,d_of_reals,d_of_fakes,images_per_s,diversity",
        "10,1,2,0.6,0.4,250,",
        "20,1,2,0.6,0.4,250,",
        "30,1,2,0.6,0.4,250,0.5",
    ]
    read = read_rows(path, step=30)
    assert [row.step for row in read] == [10, 20, 30]
    assert math.isnan(read[1].diversity)
    assert read[2] == rows(3, diversity=0.5)[2]


def test_rows_of_lost_steps_and_lines_cut_short_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_rows(path, rows(5))
    with path.open("a") as file:
        file.write("60,1,2,0.")
    assert [row.step for row in read_rows(path, step=40)] == [10, 20, 30, 40]
    assert [row.step for row in read_rows(path, step=999)] == [10, 20, 30, 40, 50]
    assert read_rows(tmp_path / "none.csv", step=40) == []


@pytest.mark.parametrize("text", ["", "date,price\n1,2\n"])
def test_a_file_of_something_else_is_not_overwritten(text: str, tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="no history of a training"):
        read_rows(path, step=10)


def test_d_wins_when_its_loss_is_low_for_200_steps() -> None:
    low = rows(20, d_loss=0.04)
    assert warnings(low[:19]) == []
    assert warnings(low) == [D_WINS]
    low[10] = low[10]._replace(d_loss=0.06)
    assert warnings(low) == []
    assert warnings([]) == []


def test_samples_have_collapsed_when_they_are_alike_twice() -> None:
    assert warnings(rows(1, diversity=0.19)) == []
    assert warnings(rows(2, diversity=0.19)) == [COLLAPSED]
    assert warnings([*rows(2, diversity=0.19), *rows(1, diversity=0.21)]) == []
    unmeasured = rows(3)
    assert warnings([rows(1, diversity=0.1)[0], *unmeasured, rows(1, diversity=0.1)[0]]) == [
        COLLAPSED
    ]


def test_the_curves_are_drawn_whatever_was_measured(tmp_path: Path) -> None:
    for given in (rows(1), rows(30, diversity=0.5)):
        with Image.open(draw(given, tmp_path / "history.png")) as picture:
            assert picture.size == (800, 480)
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 10
