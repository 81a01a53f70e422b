"""What a mask hides is filled in by what fits the rest."""

from pathlib import Path

import numpy as np
import pytest
from makers import DIGITS, FACES, Here, one_error_line, small, stretched, write_jpegs, written
from PIL import Image

from generation.blending import BLENDS
from generation.complete import _loss_of, complete
from generation.inputs import is_sheet
from generation.latent import z_of_seeds
from generation.masks import named_mask, weights_of
from generation.search import Search
from utils import NAME_HEIGHT, SHEET_SIDE, sample_pixels, to_range


def test_what_is_hidden_of_a_generated_picture_is_found_again() -> None:
    dcgan = stretched(small(16, 16, 3, y_dim=3, gf_dim=8, gfc_dim=32))
    z = z_of_seeds([1], "normal01", dcgan.z_dim)
    (pixels,) = sample_pixels(dcgan, z, np.array([2]))
    hidden = named_mask("left", (16, 16), 0)
    search = Search([0, 1, 2], "normal01", 7, lambda _: None, steps=100, starts=24)
    noise = np.where(hidden[..., np.newaxis], 255 - pixels, pixels)
    found, drawn = complete(dcgan, noise, weights_of(hidden, 7), 0.003, search)
    assert found.label == 2
    error = np.mean((drawn.astype(float) - pixels)[hidden] ** 2)
    assert 10 * np.log10(255**2 / error) > 25, "what is hidden was not looked at"
    again = sample_pixels(dcgan, found.z, np.array([2]))[0]
    assert (again == drawn).all()


def test_the_loss_is_that_of_the_paper() -> None:
    dcgan = stretched(small(y_dim=3))  # values in 0 ... 1
    z, y = z_of_seeds([1, 2], "normal01", dcgan.z_dim), np.eye(3, dtype=np.float32)[[0, 2]]
    image = np.random.default_rng(0).integers(0, 256, dcgan.image_shape, np.uint8)
    hidden = named_mask("centre", (8, 8), 0)
    weights = weights_of(hidden, 7)[..., np.newaxis]
    wanted = to_range(image, dcgan.value_range)
    pictures = dcgan.sampler(z, y).numpy()
    contextual = (weights * np.abs(2 * pictures - 2 * wanted)).sum((1, 2, 3))
    d = 1 / (1 + np.exp(-dcgan.discriminate(pictures, y).numpy()[:, 0].astype(float)))
    total, gradient = _loss_of(dcgan)(z, y, wanted, weights, np.float32(5))
    np.testing.assert_allclose(total, contextual + 5 * np.log(1 - d), rtol=1e-4)
    without = _loss_of(dcgan)(z, y, wanted, weights, np.float32(0))
    np.testing.assert_allclose(without[0], contextual, rtol=1e-5)
    assert (gradient.numpy() != without[1].numpy()).any(), "D has a say"


def test_complete_writes_the_picture_the_sheet_and_a_z_that_can_be_used(made: Here) -> None:
    paths = write_jpegs(Path("some"), 2, 24, 30)
    hole = np.zeros((24, 30), np.uint8)
    hole[8:16, 10:20] = 255
    Image.fromarray(hole).save("hole.png")
    words = ("some", "--mask", "hole.png", "--steps", "2", "--starts", "2")
    done = made("complete", *FACES, *words)
    files = written(done)
    assert [path.name for path in files] == [
        f"0000{k}_{end}" for k in (0, 1) for end in ("completed.png", "completion.png", "z.npy")
    ]
    assert Path("samples/faces/completed") == files[0].parent
    assert [is_sheet(path) for path in files[:2]] == [False, True]
    assert f"completing {paths[0]} (cut to the centre 20x20): 25% of it is hidden" in done.stdout
    Image.new("RGBA", (24, 24), (9, 9, 9, 200)).save("half.png")
    said = made("complete", *FACES, "half.png", "--mask", "left", "--steps", "1").stdout
    assert "completing half.png (transparency laid over" in said
    sheet = np.asarray(Image.open(files[1]))
    assert sheet.shape == (SHEET_SIDE + NAME_HEIGHT, 4 * SHEET_SIDE, 3)
    given, known, found, blended = np.split(sheet[NAME_HEIGHT::12, ::12], 4, axis=1)
    hidden = (known != given).any(2)
    assert hidden.sum() == 16
    completed = np.asarray(Image.open(files[0]))
    assert (completed == blended).all()
    assert (completed[~hidden] == given[~hidden]).all()
    assert (completed == BLENDS["poisson"](given, found, hidden)).all()
    command = done.stdout.splitlines()[-1].partition("python generate.py ")[2].split()
    (again,) = written(made(*command, "--out", "again"))
    last = np.asarray(Image.open(files[4]))[NAME_HEIGHT::12, ::12]
    assert (np.asarray(Image.open(again)) == np.split(last, 4, axis=1)[2]).all()
    plainly = written(made("complete", *FACES, *words, "--blend", "plain"))
    filled = np.asarray(Image.open(plainly[0]))
    assert (filled == BLENDS["plain"](given, found, hidden)).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--mask is missing: a picture, or one of centre, left"),
        (("--mask", "middle"), "--mask middle: no such file, and none of centre, left"),
        (
            ("--mask", "center"),
            "and none of centre, left, right, top, bottom, random. Did you mean",
        ),
        (("--mask", "left", "--window", "4"), "--window: 4: it must be an odd number"),
        (("--mask", "left", "--prior", "-1"), "--prior: -1: it must be a number, 0 ..."),
        (("--mask", "left", "--prior", "inf"), "--prior: inf: it must be a number, 0 ..."),
        (("--mask", "left", "--blend", "soft"), "--blend"),
        (("--mask", "black.png"), "black.png hides nothing of image.png"),
        (("--mask", "white.png"), "white.png hides everything of image.png"),
        (("--mask", "notes.txt"), "--mask notes.txt: not an image"),
    ],
)
def test_a_mask_that_cannot_be_used_is_refused(made: Here, words: tuple, message: str) -> None:
    Image.new("L", (8, 8), 90).save("image.png")
    Image.new("L", (8, 8), 0).save("black.png")
    Image.new("L", (8, 8), 255).save("white.png")
    Path("notes.txt").write_text("nothing")
    done = made("complete", *DIGITS, "image.png", *words)
    assert message in one_error_line(done, 2)


def test_results_replace_no_mask_and_have_names_that_can_be_written(made: Here) -> None:
    (image,) = write_jpegs(Path("."), 1, 8, 8)
    image = image.rename("face.jpg")
    mask = Path("masks/face_completed.png")
    mask.parent.mkdir()
    Image.new("L", (8, 8), 255).save(mask)
    words = ("complete", *FACES, str(image), "--out", "masks", "--steps", "1")
    failed = one_error_line(made(*words, "--mask", str(mask)), 2)
    assert "face_completed.png is also read by this command" in failed
    long = image.rename("n" * 245 + ".jpg")
    failed = one_error_line(made("complete", *FACES, str(long), "--mask", "left"), 2)
    assert "too long a name to name results after" in failed
