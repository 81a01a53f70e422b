"""An image back to z: what was generated is found again."""

from pathlib import Path

import numpy as np
import pytest
from makers import DIGITS, FACES, Here, one_error_line, small, stretched, write_jpegs, written
from PIL import Image

from generation.inputs import is_sheet
from generation.latent import within, z_of_seeds
from generation.project import project
from generation.search import Search
from utils import NAME_HEIGHT, SHEET_SIDE, sample_pixels


@pytest.mark.parametrize(("y_dim", "z_dist"), [(None, "normal01"), (3, "uniform_signed")])
def test_a_generated_picture_is_found_again(y_dim: int | None, z_dist: str) -> None:
    dcgan = stretched(small(16, 16, 3, y_dim=y_dim, gf_dim=8, gfc_dim=32))
    z = z_of_seeds([1], z_dist, dcgan.z_dim)
    (pixels,) = sample_pixels(dcgan, z, np.array([2]) if y_dim else None)
    assert pixels.std() > 20
    lines: list[str] = []
    labels = [0, 1, 2] if y_dim else []
    search = Search(labels, z_dist, 7, lines.append, steps=100, starts=24)
    (found, label), drawn, psnr = project(dcgan, pixels, search)
    assert psnr > 25
    assert label == (2 if y_dim else None)
    assert found.shape == (1, dcgan.z_dim)
    assert (within(found, z_dist) == found).all()
    again = sample_pixels(dcgan, found, np.array([2]) if y_dim else None)[0]
    assert (again == drawn).all()
    error = np.mean((again.astype(float) - pixels) ** 2)
    assert psnr == pytest.approx(10 * np.log10(255**2 / error), abs=0.01)
    losses = [float(line.split()[5].strip(",")) for line in lines]
    assert losses[-1] < losses[0] / 10, "what is said falls"


def test_one_step_and_one_start_are_enough_to_end() -> None:
    dcgan = small(y_dim=3)
    pixels = np.zeros(dcgan.image_shape, np.uint8)
    lines: list[str] = []
    search = Search([1], "uniform_signed", 0, lines.append, steps=1, starts=1)
    result = project(dcgan, pixels, search)
    assert len(lines) == 1
    assert result.found.label == 1
    assert np.isfinite(result.psnr)


def test_project_gives_a_z_that_can_be_used(made: Here) -> None:
    written(made(*DIGITS, "--seeds", "4", "--out", "own"))
    (image,) = Path("own").iterdir()
    done = made("project", *DIGITS, str(image), "--steps", "60")
    sheet, _ = written(done)
    assert is_sheet(sheet)
    assert Image.open(sheet).size == (2 * SHEET_SIDE, SHEET_SIDE + NAME_HEIGHT)
    command = done.stdout.splitlines()[-1].partition("python generate.py ")[2].split()
    written(made(*command, "--out", "found"))
    (found,) = Path("found").iterdir()
    result = np.asarray(Image.open(sheet))[NAME_HEIGHT::12, SHEET_SIDE::12]
    assert (result == np.asarray(Image.open(found))).all()
    noise = np.random.default_rng(0).integers(0, 2, (8, 8), np.uint8) * 255
    Image.fromarray(noise).save("noise.png")
    done = made("project", *DIGITS, "noise.png", "--steps", "5")
    assert " dB (far off: this run cannot draw it); the picture alone: " in done.stdout
    Path("bad.png").write_text("nothing")
    assert "bad.png: not an image" in one_error_line(made("project", *DIGITS, "bad.png"), 2)
    Path("checkpoint/digits/run.json").unlink()
    shown = "checkpoint/digits holds no run.json: images are used without --crop, on white\n"
    assert shown in made("project", *DIGITS, "noise.png", "--steps", "1").stdout


def test_the_command_that_project_prints_has_what_it_was_typed_with(made: Here) -> None:
    written(made(*DIGITS, "--seeds", "4", "--out", "own"))
    (image,) = Path("own").iterdir()
    sizes = ("--which", "1", "--output_height", "8", "--output_width", "8")
    done = made("project", *DIGITS, str(image), "--steps", "1", *sizes)
    assert f"_z.npy {' '.join(sizes)} --label" in done.stdout


def test_project_says_what_was_cut_and_leaves_its_own_pictures_whole(made: Here) -> None:
    paths = write_jpegs(Path("some"), 2, 24, 30)
    done = made("project", *FACES, str(paths[0]), "--steps", "1")
    assert f"projecting {paths[0]} (cut to the centre 20x20)" in done.stdout
    written(made(*FACES, "--num", "1", "--out", "made"))
    again = made("project", *FACES, "made", "--steps", "1")
    assert "projecting made/seed00000.png\n" in again.stdout


def test_an_image_whose_results_could_not_be_named_is_refused_at_once(made: Here) -> None:
    (image,) = write_jpegs(Path("."), 1, 8, 8)
    long = image.rename("n" * 245 + ".jpg")
    failed = one_error_line(made("project", *FACES, str(long)), 2)
    assert "too long a name to name results after" in failed
