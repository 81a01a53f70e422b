"""Animations: between seeds and between labels, GIF and MP4."""

import errno
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from makers import DIGITS, FACES, Here, one_error_line, small, written
from PIL import Image

from generation import interpolate
from generation.inputs import is_sheet
from generation.interpolate import frames_between, save_frames
from generation.latent import z_of_seeds
from utils import sample_pixels


def test_the_way_begins_and_ends_at_the_pictures_themselves() -> None:
    dcgan = small(y_dim=3)
    z, labels = z_of_seeds([1, 2], "uniform_signed", 5), np.array([0, 2])
    ends = sample_pixels(dcgan, z, labels)
    frames = frames_between(dcgan, z, labels, 9, False, "lerp")
    assert frames.shape == (9, 8, 8, 1)
    assert (frames[[0, -1]] == ends).all()
    loop = frames_between(dcgan, z, labels, 8, True, "slerp")
    assert (loop[[0, 4]] == ends).all()


def test_between_labels_the_label_is_mixed() -> None:
    dcgan = small(y_dim=3)
    z = np.repeat(z_of_seeds([1], "uniform_signed", 5), 2, axis=0)
    frames = frames_between(dcgan, z, np.array([0, 2]), 3, False, "lerp")
    wanted = sample_pixels(dcgan, z[:1], np.array([[0.5, 0, 0.5]], np.float32))
    assert (frames[1] == wanted[0]).all()


def test_mp4_asks_for_what_writes_it(made: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("interpolate", *FACES, "--seeds", "1,2", "--frames", "3")
    assert [path.suffix for path in written(made(*words, "--format", "mp4"))] == [".mp4"]
    monkeypatch.setattr(interpolate.importlib.util, "find_spec", lambda name: None)
    done = made(*words, "--format", "mp4")
    assert "pip install imageio-ffmpeg" in one_error_line(done, 2)
    assert "TensorFlow" not in done.stdout
    written(made(*words, "--format", "gif"))


@pytest.mark.parametrize("c_dim", [1, 3])
def test_an_mp4_of_odd_size(tmp_path: Path, c_dim: int) -> None:
    frames = np.full((20, 33, 35, c_dim), 100, np.uint8)
    path = save_frames(frames, tmp_path / "a.mp4", 2.0)
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert count == 20
    assert seconds == pytest.approx(2.0, abs=0.1)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_ffmpeg_ends_also_when_a_frame_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Writer:
        closed = False

        def send(self, frame: np.ndarray | None) -> None:
            if frame is not None:
                raise OSError(errno.ENOSPC, "disk full")

        def close(self) -> None:
            self.closed = True

    writer = Writer()
    monkeypatch.setattr(imageio_ffmpeg, "write_frames", lambda *args, **kwargs: writer)
    with pytest.raises(OSError, match="disk full"):
        save_frames(np.zeros((2, 8, 8, 3), np.uint8), tmp_path / "a.mp4", 1.0)
    assert writer.closed
    assert not list(tmp_path.iterdir())


def test_a_gif_takes_the_seconds(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), np.uint8)
    with Image.open(save_frames(frames, tmp_path / "a.gif", 1.0)) as gif:
        assert gif.n_frames == 10
        assert gif.info["duration"] == 100


def test_from_seed_to_seed_and_from_label_to_label(made: Here) -> None:
    (path,) = written(made("interpolate", *FACES, "--seeds", "3,7", "--frames", "9", "--loop"))
    assert path.name == "seeds_3-7_slerp.gif", "the run's z are normal"
    assert is_sheet(path)
    assert 1 < Image.open(path).n_frames <= 9  # type: ignore[attr-defined]
    written(made("interpolate", *DIGITS, "--seeds", "3", "--label", "0,2", "--method", "lerp"))
    for words, message in (
        (("--seeds", "1-3", "--label", "0,1"), "one for each of 3"),
        (("--seeds", "1"), "--seeds 1 is one point: give two or more"),
        (("--seeds", "1-9", "--frames", "8"), "a frame for each"),
    ):
        assert message in one_error_line(made("interpolate", *DIGITS, *words), 2)
