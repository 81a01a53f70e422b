"""Pictures: value ranges, grids of any count, animations of the right length, the OPTIONs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from support.errors import RunError
from utils import (
    NAME_HEIGHT,
    SAMPLED_AT_ONCE,
    SHEET_SIDE,
    grid,
    grid_size,
    one_hot,
    sample_pixels,
    save_animation,
    save_grid,
    save_picture,
    save_sheet,
    to_pixels,
    to_range,
    visualize,
)


class MadeUpDCGAN:
    """A sampler whose pictures tell the z and the label that they were made from.

    Pixel (0, k) is coordinate k of z, mapped from [-1, 1] to the value range; pixel (1, k) is
    bright where k is the label.
    """

    def __init__(self, y_dim: int | None, c_dim: int = 1):
        self.z_dim, self.y_dim, self.c_dim, self.batch_size = 4, y_dim, c_dim, 7
        self.value_range = (0.0, 1.0) if y_dim else (-1.0, 1.0)

    def sampler(self, z: np.ndarray, y: np.ndarray | None) -> Any:
        assert z.dtype == np.float32
        assert len(z) == SAMPLED_AT_ONCE, "the kernels see one shape only"
        images = np.zeros((len(z), 2, 4, self.c_dim), np.float32)
        images[:, 0] = (z / 2 + 0.5)[..., None]
        if y is not None:
            assert self.y_dim is not None
            images[:, 1, : self.y_dim] = y[..., None]
        low, high = self.value_range

        class Result:
            def numpy(self) -> np.ndarray:
                return images * (high - low) + low

        return Result()


def made(dcgan: MadeUpDCGAN, option: int, folder: Path, count: int = 10) -> list[Path]:
    paths: list[Path] = []
    visualize(dcgan, option, folder, count, seed=3, written=paths.append)  # type: ignore[arg-type]
    assert sorted(paths) == sorted(folder.iterdir()), "each path that is written is passed on"
    return paths


def tiles(path: Path, count: int) -> np.ndarray:
    """The 2x4 tiles of a grid."""
    picture = np.asarray(Image.open(path).convert("L"))
    rows, columns = grid_size(count)
    cut = picture.reshape(rows, 2, columns, 4).transpose(0, 2, 1, 3)
    return cut.reshape(-1, 2, 4)[:count]


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def read_all(path: Path) -> np.ndarray:
    """The frames of an animation [N, H, W, 3]."""
    with Image.open(path) as image:
        return np.stack([np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(image)])


def swept(count: int) -> np.ndarray:
    """Pixel values of a coordinate that goes through 0, 1/N, 2/N ..."""
    return np.rint((np.arange(count) / count / 2 + 0.5) * 255)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0)])
def test_black_is_the_low_end_and_white_the_high(low: float, high: float) -> None:
    ends = np.array([low, high, low - 9, high + 9])
    assert to_pixels(ends, (low, high)).tolist() == [0, 255, 0, 255]
    every = np.arange(256, dtype=np.uint8)
    assert (to_pixels(to_range(every, (low, high)), (low, high)) == every).all()


def test_ranges_are_the_originals() -> None:
    every = np.arange(256, dtype=np.uint8)
    x = every.astype(np.float32)
    np.testing.assert_array_equal(to_range(every, (0, 1)), x / 255)
    np.testing.assert_array_equal(to_range(every, (-1, 1)), x / np.float32(127.5) - 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_there_is_no_picture_of_what_is_not_finite(bad: float) -> None:
    images = np.zeros((2, 4, 4, 1), np.float32)
    images[1, 2, 3] = bad
    with pytest.raises(RunError, match="NaN or infinite"):
        to_pixels(images, (-1, 1))
    with pytest.raises(RunError, match="z that are NaN or infinite"):
        sample_pixels(MadeUpDCGAN(None), np.full((1, 4), bad), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_pixels_and_images_are_not_taken_for_each_other(kind: type, tmp_path: Path) -> None:
    images: np.ndarray = np.zeros((3, 4, 4, 3), kind)
    path = tmp_path / "a.png"
    for write in (
        lambda: to_range(images, (-1, 1)),
        lambda: grid(images),
        lambda: save_grid(images, path),
        lambda: save_sheet(images, ["", "", ""], path, (1, 3)),
        lambda: save_picture(images[0], path),
        lambda: save_animation(images, path, 1.0),
    ):
        with pytest.raises(ValueError, match=f"pixels are {images.dtype}, not uint8"):
            write()
    with pytest.raises(ValueError, match="images are uint8, not floats"):
        to_pixels(images.astype(np.uint8), (0, 1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_a_picture_is_grey_or_in_colour(channels: int, tmp_path: Path) -> None:
    pixels = np.zeros((3, 4, 4, channels), np.uint8)
    with pytest.raises(ValueError, match=r"a picture is \[H, W, 1 or 3\]"):
        save_grid(pixels, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_class_that_is_none_has_no_row() -> None:
    assert one_hot(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    for label in (-1, 3):
        with pytest.raises(IndexError):
            one_hot(np.array([0, label]), 3)


@pytest.mark.parametrize(
    ("option", "count", "classes", "told"),
    [
        (5, 10, (), "options are 0 to 4"),
        (-1, 10, (), "options are 0 to 4"),
        (0, 0, (), "count 0"),
        (0, 10, ("a", "b"), "2 classes, and the networks have 3"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(
    option: int, count: int, classes: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=told):
        visualize(MadeUpDCGAN(3), option, tmp_path, count, 0, print, classes)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [1, 2, 3, 7, 32, 64, 100, 101])
def test_a_grid_holds_any_count(count: int, tmp_path: Path) -> None:
    rows, columns = grid_size(count)
    assert rows * columns >= count
    assert 0 <= columns - rows <= 1
    pixels = np.arange(1, count + 1, dtype=np.uint8).repeat(12).reshape(count, 2, 2, 3)
    picture = read(save_grid(pixels, tmp_path / "a.png"))
    assert picture.shape == (rows * 2, columns * 2, 3)
    for k in range(count):
        row, column = divmod(k, columns)
        assert (picture[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] == k + 1).all()
    assert grid(pixels).sum() == pixels.sum(), "missing tiles are black"


@pytest.mark.parametrize("count", [1, 10, 64, 100, 500])
@pytest.mark.parametrize("c_dim", [1, 3])
def test_an_animation_takes_as_long_as_asked(count: int, c_dim: int, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (count, 8, 8, c_dim), np.uint8)
    with Image.open(save_animation(frames, tmp_path / "a.gif", 2.0)) as gif:
        assert gif.n_frames == min(count, 100)
        durations = []
        for k in range(gif.n_frames):
            gif.seek(k)
            durations.append(gif.info["duration"])
        assert sum(durations) == 2000
        assert max(durations) - min(durations) <= 10
        assert gif.info.get("loop", 0) == 0, "endless"


def test_option_0_is_one_grid_of_small_z(tmp_path: Path) -> None:
    (path,) = made(MadeUpDCGAN(None), 0, tmp_path)
    assert path.name.startswith("test_")
    z = tiles(path, 10)[:, 0] / 127.5 - 1
    assert -0.51 < z.min() < -0.3
    assert 0.3 < z.max() < 0.51


def test_option_1_sweeps_each_coordinate_over_random_z(tmp_path: Path) -> None:
    made(MadeUpDCGAN(None), 1, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {f"test_arange_{k}.png" for k in range(4)}
    shown = tiles(tmp_path / "test_arange_2.png", 10)[:, 0]
    np.testing.assert_allclose(shown[:, 2], swept(10), atol=1)
    others = np.delete(shown, 2, axis=1)
    assert others.min() < 40, "U(-1,1)"
    assert others.max() > 215


@pytest.mark.parametrize("option", [0, 1])
def test_tiles_go_through_the_labels(option: int, tmp_path: Path) -> None:
    made(MadeUpDCGAN(3), option, tmp_path)
    shown = tiles(next(iter(tmp_path.iterdir())), 10)
    assert shown[:, 1].argmax(1).tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("c_dim", [1, 3])
def test_option_2_animates_each_coordinate_over_a_small_z(tmp_path: Path, c_dim: int) -> None:
    made(MadeUpDCGAN(None, c_dim), 2, tmp_path)
    wanted = {f"test_gif_{k}.{kind}" for k in range(4) for kind in ("gif", "png")}
    assert {p.name for p in tmp_path.iterdir()} == wanted
    shown = tiles(tmp_path / "test_gif_2.png", 10)[:, 0]
    np.testing.assert_allclose(shown[:, 2], swept(10), atol=1)
    still = np.delete(shown, 2, axis=1)
    assert (still == still[0]).all(), "one z for all frames"
    assert np.abs(still / 127.5 - 1).max() <= 0.21
    frames = read_all(tmp_path / "test_gif_2.gif")
    assert len(frames) == 10
    np.testing.assert_allclose(frames[:, 0, 2].reshape(10, -1)[:, 0], swept(10), atol=2)


@pytest.mark.parametrize("option", [3, 4])
@pytest.mark.parametrize("y_dim", [None, 3])
def test_options_3_and_4_sweep_over_zero(option: int, y_dim: int | None, tmp_path: Path) -> None:
    made(MadeUpDCGAN(y_dim), option, tmp_path)
    wanted = {f"test_gif_{k}.gif" for k in range(4)}
    assert {p.name for p in tmp_path.iterdir()} - {"test_gif_merged.gif"} == wanted
    for idx in range(4):
        frames = read_all(tmp_path / f"test_gif_{idx}.gif")[..., 0]
        np.testing.assert_allclose(frames[:, 0, idx], swept(10), atol=1)
        np.testing.assert_allclose(np.delete(frames[:, 0], idx, axis=1), 127.5, atol=1)
        if y_dim:
            assert (frames[:, 1].argmax(1) == idx % y_dim).all()


def test_option_4_merges_all_sweeps_forth_and_back_in_eight_seconds(tmp_path: Path) -> None:
    made(MadeUpDCGAN(3), 4, tmp_path)
    with Image.open(tmp_path / "test_gif_merged.gif") as gif:
        seen, seconds = [], 0.0
        for k in range(gif.n_frames):
            gif.seek(k)
            seen.append(np.asarray(gif.convert("L")))
            seconds += gif.info["duration"] / 1000
    assert seconds == pytest.approx(8.0)
    # The two frames in the middle are equal, and so become one of twice the length.
    assert len(seen) == 19
    bright = [frame.reshape(2, 2, 2, 4)[0, 0, 0, 0] for frame in seen]
    np.testing.assert_allclose(bright, [*swept(10), *swept(10)[-2::-1]], atol=2)


def test_the_seed_decides_the_pictures(tmp_path: Path) -> None:
    for name in "ab":
        made(MadeUpDCGAN(None), 1, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_names_stand_above_the_columns_that_the_caller_chose(tmp_path: Path) -> None:
    pixels = np.zeros((6, 8, 20, 3), np.uint8)
    plain = read(save_grid(pixels, tmp_path / "plain.png", (2, 3)))
    assert plain.shape == (16, 60, 3)
    named = read(save_grid(pixels, tmp_path / "a.png", (2, 3), names=["a", "", "b"]))
    assert named.shape == (16 + NAME_HEIGHT, 60, 3)
    line = named[:NAME_HEIGHT].reshape(NAME_HEIGHT, 3, -1).max(axis=(0, 2))
    assert (line > 0).tolist() == [True, False, True]
    sized = save_grid(pixels, tmp_path / "b.png", (2, 3), classes=["a", "b"])
    assert (read(sized) == plain).all(), "a size that is given is kept"
    assert read(save_grid(pixels, tmp_path / "c.png", classes=["a", "b"])).shape[1] == 80


def test_names_that_do_not_fit_end_in_dots_before_the_next(tmp_path: Path) -> None:
    pixels = np.zeros((2, 8, 32, 1), np.uint8)
    named = read(save_grid(pixels, tmp_path / "a.png", (1, 2), names=["light hair", "light haze"]))
    columns = named[:NAME_HEIGHT].max(axis=0)
    assert columns[:30].any()
    assert not columns[30:33].any(), "a gap"
    whole = read(save_grid(pixels, tmp_path / "b.png", (1, 2), names=["li", "l"]))
    assert named[:NAME_HEIGHT, :32].any(axis=0).sum() > whole[:NAME_HEIGHT, :32].any(axis=0).sum()


def test_a_sheet_enlarges_small_tiles_below_their_captions(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 28, 40, 3), np.uint8)
    sheet = read(save_sheet(pixels, ["one", ""], tmp_path / "a.png", (2, 1)))
    factor = 3
    assert 40 * (factor - 1) < SHEET_SIDE <= 40 * factor
    first, second = sheet.reshape(2, NAME_HEIGHT + 28 * factor, 40 * factor, 3)
    assert first[:NAME_HEIGHT].any()
    assert not second[:NAME_HEIGHT].any()
    for tile, own in ((first, pixels[0]), (second, pixels[1])):
        for shift in range(factor):
            np.testing.assert_array_equal(tile[NAME_HEIGHT + shift :: factor, shift::factor], own)
