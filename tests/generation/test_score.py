"""What D thinks of images: sorted, with the label that fits best, and its last features."""

import csv
import errno
import os
from pathlib import Path

import numpy as np
import pytest
from makers import FACES, Here, small, write_jpegs, written

from datasets.image_files import Geometry, load_image
from generation.inputs import files_of, is_sheet
from generation.score import best_and_worst, save_csv, save_features, scores_of
from main import parse
from runs.opened import Trained
from support.errors import RunError, UserError
from utils import one_hot, to_range


def trained(y_dim: int | None, *flags: str) -> Trained:
    dcgan = small(12, 10, 3, y_dim=y_dim)
    for variable in dcgan.discriminator.trainable().values():
        variable.assign(variable * 10)  # fresh ones think the same of all
    settings = parse(["--dataset=faces", *flags])
    classes = ["a", "b", "c"] if y_dim else []
    return Trained(
        dcgan=dcgan, settings=settings, classes=classes, folder=Path(), known=settings.given
    )


def pixels_of(path: Path) -> np.ndarray:
    return load_image(path, Geometry(None, (12, 10)), 3).pixels[None]


@pytest.mark.parametrize("y_dim", [None, 3])
def test_scores_features_and_sheet_agree(tmp_path: Path, y_dim: int | None) -> None:
    run = trained(y_dim)
    write_jpegs(tmp_path / "faces/deep", 70, 24, 20)
    (tmp_path / "faces/bad.png").write_text("nothing")
    files = files_of([tmp_path / "faces"])
    scores, report = scores_of(run, files, [0, 1, 2] if y_dim else [])
    assert (report.used, len(report.skipped), len(scores)) == (70, 1, 70)
    logits = [score.logit for score in scores]
    assert logits == sorted(logits, reverse=True)
    assert logits[0] > logits[-1]
    low, high = run.dcgan.value_range
    images = [to_range(pixels_of(score.file), (low, high)) for score in scores]
    for image, score in zip(images, scores, strict=True):
        each = (
            [run.dcgan.discriminate(image, one_hot(np.array([k]), 3)) for k in range(3)]
            if (y_dim)
            else [run.dcgan.discriminate(image)]
        )
        assert score.logit == pytest.approx(np.max(each), abs=1e-4)
        assert score.label == (int(np.argmax(each)) if y_dim else None)
        assert score.probability == pytest.approx(1 / (1 + np.exp(-score.logit)))
    features = np.load(save_features(run, scores, tmp_path / "f.npy"))
    last = run.dcgan.discriminator.d_h3_lin if y_dim else run.dcgan.discriminator.d_h4_lin
    decided = features @ last.Matrix.numpy() + last.bias.numpy()
    np.testing.assert_allclose(decided[:, 0], logits, atol=1e-4)
    with save_csv(scores, run.classes, tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [str(score.file) for score in scores]
    assert float(rows[0]["score"]) == pytest.approx(scores[0].probability, abs=1e-6)
    assert ("label" in rows[0]) == bool(y_dim)
    tiles, captions, size = best_and_worst(run, scores)
    assert size == (4, 10)
    for tile, score in ((0, scores[0]), (19, scores[19]), (20, scores[50]), (39, scores[69])):
        assert (tiles[tile] == pixels_of(score.file)[0]).all()
        of_class = f" as {rows[scores.index(score)]['label']}" if y_dim else ""
        assert captions[tile] == f"{score.probability:.3f}{of_class}"


def test_a_file_that_has_changed_meanwhile_is_named(tmp_path: Path) -> None:
    run = trained(None)
    paths = write_jpegs(tmp_path, 3, 12, 10)
    scores, _ = scores_of(run, paths, [])
    paths[1].write_text("nothing")
    with pytest.raises(RunError, match="changed meanwhile"):
        save_features(run, scores, tmp_path / "f.npy")
    assert not (tmp_path / "f.npy").exists()


def test_images_of_the_networks_size_are_not_cropped_again(tmp_path: Path) -> None:
    run = trained(None, "--crop", "--input_height=6", "--input_width=6")
    own, other = tmp_path / "own", tmp_path / "other"
    (small_one,) = write_jpegs(own, 1, 12, 10)
    (large_one,) = write_jpegs(other, 1, 24, 24)
    scores, _ = scores_of(run, [small_one, large_one], [])
    logit_of = {score.file: score.logit for score in scores}
    cropped = load_image(large_one, Geometry((6, 6), (12, 10)), 3).pixels[None]
    for path, pixels in ((small_one, pixels_of(small_one)), (large_one, cropped)):
        logits = run.dcgan.discriminate(to_range(pixels, (-1, 1)))
        assert logit_of[path] == pytest.approx(float(logits[0, 0]), abs=1e-4)


def test_paths_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file and no folder"):
        files_of([tmp_path / "none.png"])
    with pytest.raises(UserError, match="no picture in"):
        files_of([tmp_path])


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jpegs(tmp_path, 1, 12, 10)
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "closed":  # root may read every folder
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(UserError, match="closed: Permission denied"):
        files_of([tmp_path])


def test_score_writes_a_csv_a_sheet_and_features(made: Here) -> None:
    paths = write_jpegs(Path("data/faces"), 7, 24, 24)
    paths[3].write_text("nothing")
    done = made("score", *FACES, "data/faces", "--features", "f.npy")
    assert [path.name for path in written(done)] == ["scores.csv", "scores.png", "f.npy"]
    assert is_sheet(written(done)[1])
    assert "7 files found, 6 used, 1 skipped" in done.stdout
    assert len(Path("samples/faces/scored/scores.csv").read_text().splitlines()) == 7
    assert "holds no run.json" not in done.stdout
    Path("checkpoint/faces/run.json").unlink()
    shown = "checkpoint/faces holds no run.json: images are used without --crop, on white\n"
    assert shown in made("score", *FACES, "data/faces").stdout


def test_an_image_given_twice_counts_once_and_the_report_says_what_was_cut(made: Here) -> None:
    paths = write_jpegs(Path("some"), 2, 24, 30)
    done = made("score", *FACES, "some", str(paths[0]), "./some")
    assert "2 files found, 2 used" in done.stdout
    assert "cut to the centre 20x20" in done.stdout


def test_a_score_that_is_not_finite_is_none(tmp_path: Path) -> None:
    run, paths = trained(None), write_jpegs(tmp_path, 2, 12, 10)
    last = run.dcgan.discriminator
    last.d_h4_lin.Matrix.assign(np.full(last.d_h4_lin.Matrix.shape, 3e38))
    last.d_bn3.beta.assign(np.full(last.d_bn3.beta.shape, 9.0))
    assert run.dcgan.not_finite() == ""
    with pytest.raises(RunError, match="D says NaN or infinity of an image"):
        scores_of(run, paths, [])
