"""Many pictures: the same alone and in company, whole files, bounded memory."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import DIGITS, FACES, Here, ok, one_error_line, small, stretched, written
from PIL import Image

from generation import sampling
from generation.inputs import is_sheet
from generation.sampling import sampled, save_z, write_array, write_singles
from generation.selection import Selection
from model import DCGAN
from utils import NAME_HEIGHT


def selection(dcgan: DCGAN, numbers: Sequence[int], labels: Sequence[int] = ()) -> Selection:
    classes = [str(n) for n in range(dcgan.y_dim or 0)]
    count = len(numbers) * max(1, len(labels))
    return Selection(numbers, None, list(labels), classes, count, "uniform_signed", dcgan.z_dim)


@pytest.mark.parametrize("y_dim", [None, 3])
@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_a_seed_has_its_picture_whatever_the_batch(y_dim: int | None, at_once: int) -> None:
    dcgan = stretched(small(12, 10, 3, y_dim=y_dim, gf_dim=16, gfc_dim=64, batch_size=at_once))
    _, together = zip(*sampled(dcgan, selection(dcgan, range(70))), strict=True)
    wanted = np.concatenate(together)
    assert len(np.unique(wanted.reshape(70, -1), axis=0)) == 70
    for start in range(0, 70, at_once):
        numbers = range(start, min(start + at_once, 70))
        _, alone = zip(*sampled(dcgan, selection(dcgan, numbers)), strict=True)
        assert (np.concatenate(alone) == wanted[list(numbers)]).all()


@pytest.mark.parametrize("c_dim", [1, 3])
@pytest.mark.parametrize("kind", ["png", "webp", "jpg"])
def test_files_hold_the_pictures(tmp_path: Path, c_dim: int, kind: str) -> None:
    dcgan = small(8, 8, c_dim, y_dim=3)
    asked = selection(dcgan, range(66), [0, 2])
    paths = write_singles(dcgan, asked, tmp_path, kind)
    assert paths[0].name == f"seed00000_label0.{kind}"
    assert paths[-1].name == f"seed00065_label2.{kind}"
    assert len(list(tmp_path.iterdir())) == 132
    pixels = np.concatenate([part for _, part in sampled(dcgan, asked)])
    for name, own in zip(asked.names(), pixels, strict=True):
        shown = np.asarray(Image.open(tmp_path / f"{name}.{kind}").convert("RGB"))
        if kind != "jpg":
            assert (shown == own).all()


def test_an_array_holds_them_all(tmp_path: Path) -> None:
    dcgan = small(y_dim=3)
    asked = selection(dcgan, range(70))
    paths = write_array(dcgan, asked, tmp_path)
    pictures, labels = (np.load(path) for path in paths)
    assert pictures.dtype == np.uint8
    assert (pictures == np.concatenate([part for _, part in sampled(dcgan, asked)])).all()
    assert (labels == asked.labels_of()).all()


def test_the_z_that_is_saved_is_that_of_the_pictures(tmp_path: Path) -> None:
    asked = selection(small(y_dim=3), range(40), [1, 2])
    z = np.load(save_z(asked, tmp_path / "deep/z.npy"))
    assert z.dtype == np.float32
    assert (z == asked.z()).all()
    assert (z[0] == z[1]).all(), "one seed in two labels"


def test_pictures_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sampler waits for the files: few pictures are made that are not yet written."""
    done: list[Path] = []
    made = 0
    dcgan = small()
    real_sample, real_save = dcgan.sampler, sampling.save_picture

    def sample(z: np.ndarray, y: np.ndarray | None) -> object:
        nonlocal made
        assert made - len(done) <= 2 * 16 + 1, "16 a thread, and the one to be handed over"
        made += len(z)
        return real_sample(z, y)

    def save(picture: np.ndarray, path: Path, flush: bool) -> Path:
        assert not flush, "thousands of files do not wait for the disk"
        done.append(real_save(picture, path, flush))
        return path

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(dcgan, "sampler", sample)
    monkeypatch.setattr(sampling, "save_picture", save)
    write_singles(dcgan, selection(dcgan, range(5 * 64)), tmp_path, "png")
    assert len(done) == made == 320


def test_a_picture_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    dcgan = small()
    (tmp_path / "seed00003.png").mkdir()
    with pytest.raises(OSError, match="seed00003"):
        write_singles(dcgan, selection(dcgan, range(9)), tmp_path, "png")
    assert not list(tmp_path.glob(".*")), "nothing half written stays"


def test_class_names_are_safe_in_file_names() -> None:
    classes = ["dark hair", "../x", "2"]
    asked = Selection([4], None, [0, 1, 2], classes, 3, "normal01", 5)
    assert asked.names() == [
        "seed00004_label0_dark-hair",
        "seed00004_label1_-x",
        "seed00004_label2",
    ]


def test_single_files_by_seed(made: Here) -> None:
    paths = written(made(*DIGITS, "--num", "12", "--seed", "5"))
    folder = Path("samples/digits/generated")
    assert {path.parent for path in paths} == {folder}
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 12
    assert [name[:9] for name in names] == [f"seed{k:05}" for k in range(5, 17)]
    written(made(*DIGITS, "--seeds", "16,5-6", "--out", "again"))
    for path in Path("again").iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()
    done = made(*FACES, "--num", "2", "--format", "npy")
    assert np.load(written(done)[0]).shape == (2, 8, 8, 3)


def test_pictures_of_earlier_commands_are_counted(made: Here) -> None:
    """A folder may be read as one set of pictures, and those of another checkpoint may be in it."""
    assert "earlier" not in ok(made(*FACES, "--num", "9"))
    assert "earlier" not in ok(made(*FACES, "--num", "9"))
    out = ok(made(*FACES, "--seeds", "3,20"))
    assert "samples/faces/generated also holds 8 pictures of earlier commands" in out
    assert "also holds 10 pictures" in ok(made(*FACES, "--format", "npy"))


def test_no_picture_is_of_a_seed_that_seeds_refuses(made: Here) -> None:
    last = str(2**31 - 1)
    (path,) = written(made(*DIGITS, "--num", "1", "--seed", last))
    assert path.name.startswith(f"seed{last}_label")
    written(made(*DIGITS, "--num", "3", "--label", "0-2", "--seed", last))
    for flags in ((), ("--num", "2"), ("--grid", "1x2"), ("--num", "4", "--label", "0-2")):
        told = one_error_line(made(*DIGITS, *flags, "--seed", last), 2)
        assert f"--seed {last}: " in told
        assert f"seeds from there go beyond the last, {last}" in told
    assert len(list(Path("samples/digits/generated").iterdir())) == 3, "one in three classes"


def test_a_seed_and_a_label_that_are_repeated_count_once(made: Here) -> None:
    done = made(*DIGITS, "--seeds", "3,5,3,3", "--label", "2,0,2", "--format", "npy")
    assert np.load(written(done)[1]).tolist() == [2, 0, 2, 0]
    assert "--seeds: left out 2 (given more than once)\n" in done.stdout
    assert "--label: left out 1 (given more than once)\n" in done.stdout
    written(made(*DIGITS, "--seeds", "7,7", "--label", "1,1"))
    assert len(list(Path("samples/digits/generated").glob("*.png"))) == 1
    (path,) = written(made("interpolate", *FACES, "--seeds", "3,7,3", "--frames", "5"))
    frames = Image.open(path).n_frames  # type: ignore[attr-defined]
    assert frames > 3, "there and back"


def test_z_goes_out_and_comes_in_again(made: Here) -> None:
    written(made(*FACES, "--seeds", "3,9", "--save_z", "z.npy", "--truncation", "0.7"))
    assert np.abs(np.load("z.npy")).max() <= 0.7
    written(made(*FACES, "--z", "z.npy", "--out", "again"))
    for k, seed in enumerate((3, 9)):
        first = Path(f"samples/faces/generated/seed{seed:05}.png")
        assert Path(f"again/z{k:05}.png").read_bytes() == first.read_bytes()


def test_each_column_of_a_grid_is_a_label_and_each_row_a_seed(made: Here) -> None:
    (sheet,) = written(made(*DIGITS, "--label", "0-2", "--grid"))
    assert Image.open(sheet).size == (3 * 8, 10 * 8)
    assert is_sheet(sheet)
    written(made(*DIGITS, "--label", "0-2", "--num", "6"))
    pixels = np.asarray(Image.open(sheet))
    for seed in (0, 1):
        for label in range(3):
            name = f"samples/digits/generated/seed{seed:05}_label{label}.png"
            tile = pixels[8 * seed : 8 * seed + 8, 8 * label : 8 * label + 8]
            assert (np.asarray(Image.open(name)) == tile).all()
            assert not is_sheet(Path(name))
    done = made(*FACES, "--grid", "2x3", "--seeds", "0-4")
    assert "1 tile of the 2x3 grid black: there are no more pictures" in done.stdout
    (sheet,) = written(done)
    assert Image.open(sheet).size == (24, 16)
    done = made(*FACES, "--grid")
    assert "black" not in done.stdout
    (sheet,) = written(done)
    assert Image.open(sheet).size == (80, 80)


def test_classes_go_by_their_names(made: Here) -> None:
    path = Path("checkpoint/digits/run.json")
    names = '{\n  "classes": ["dark hair", "fair, long", "2-3"],'
    path.write_text(path.read_text().replace("{", names, 1))
    (path_of_one,) = written(made(*DIGITS, "--label", "fair, long", "--num", "1"))
    assert path_of_one.name == "seed00000_label1_fair-long.png"
    paths = written(made(*DIGITS, "--label", "dark hair,2-3", "--num", "2"))
    assert [path.name for path in paths] == [
        "seed00000_label0_dark-hair.png",
        "seed00000_label2_2-3.png",
    ]
    (sheet,) = written(made(*DIGITS, "--label", "dark hair,2-3", "--grid", "2x4"))
    assert Image.open(sheet).size == (4 * 8, 2 * 8 + NAME_HEIGHT), "the columns have names"
    (path,) = written(made("interpolate", *DIGITS, "--seeds", "3", "--label", "2-3,dark hair"))
    assert path.name == "seeds_3_slerp_label_2-0_2-3-dark-hair.gif"
    assert sheet.name == "grid_2x4_seed00000_label_0-2_dark-hair-2-3.png"
    done = made(*DIGITS, "--label", "dark hare")
    assert "Did you mean dark hair?" in one_error_line(done, 2)


def test_labels_that_a_file_of_z_lacks_are_mentioned(made: Here) -> None:
    done = made(*DIGITS, "--seeds", "3,4", "--save_z", "z.npy")
    assert "that is z alone: with --z, give the labels again" in done.stdout
    lacks = "--z holds no labels: they are drawn from the row numbers"
    for command in ((), ("interpolate",)):
        assert lacks in made(*command, *DIGITS, "--z", "z.npy").stdout
        assert lacks not in made(*command, *DIGITS, "--z", "z.npy", "--label", "1").stdout
    np.save("far.npy", np.full((1, 5), 1e300))
    assert "row 0 has NaN, or a number beyond" in one_error_line(made(*DIGITS, "--z", "far.npy"), 2)
    np.save("far.npy", np.full((1, 5), 50.0))
    far = made(*FACES, "--z", "far.npy", "--z_dist", "uniform_signed")
    assert "warning: --z reaches from 50 to 50, but this run was trained with z in -1 ..." in (
        far.stdout
    )
    assert "warning" not in made(*FACES, "--z", "far.npy").stdout, "normal z have no end"


def test_labels_never_lie_beside_the_pictures_of_another_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call without labels, or one that ends between the two files, leaves none."""
    labelled, plain = stretched(small(y_dim=3)), stretched(small())
    pictures, labels = tmp_path / "pictures.npy", tmp_path / "labels.npy"
    write_array(labelled, selection(labelled, range(5)), tmp_path)
    assert len(np.load(pictures)) == len(np.load(labels)) == 5
    write_array(plain, selection(plain, range(3)), tmp_path)
    assert len(np.load(pictures)) == 3
    assert not labels.exists()
    write_array(labelled, selection(labelled, range(5)), tmp_path)
    write_npy = sampling.write_npy

    def interrupted(path: Path, *rest: Any) -> Path:
        if path == labels:
            raise KeyboardInterrupt
        return write_npy(path, *rest)

    monkeypatch.setattr(sampling, "write_npy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_array(labelled, selection(labelled, range(4)), tmp_path)
    assert len(np.load(pictures)) == 4
    assert not labels.exists()


def test_what_would_be_replaced_and_is_no_plain_file_is_refused(made: Here, tmp_path: Path) -> None:
    os.mkfifo("pipe.npy")
    Path("link.npy").symlink_to(tmp_path / "elsewhere.npy")
    for name in ("pipe.npy", "link.npy", os.devnull):
        failed = one_error_line(made(*DIGITS, "--num", "1", "--save_z", name), 2)
        assert f"{name} is a link, a pipe, a device or a folder" in failed
    np.save("z.npy", np.zeros((1, 5), np.float32))
    failed = one_error_line(made(*DIGITS, "--z", "z.npy", "--save_z", "./z.npy"), 2)
    assert "z.npy is also read by this command" in failed
    for file in Path("checkpoint/digits").iterdir():
        failed = one_error_line(made(*DIGITS, "--num", "1", "--save_z", str(file)), 2)
        assert f"{file} is also read by this command" in failed


def test_no_command_replaces_one_of_its_images(made: Here) -> None:
    Path("own").mkdir()
    for name in ("a.png", "a_projection.png", "scores.png"):
        Image.new("RGB", (8, 8)).save(Path("own", name))
    for command, name in (("project", "a_projection.png"), ("score", "scores.png")):
        failed = one_error_line(made(command, *FACES, "own", "--out", "own"), 2)
        assert f"own/{name} is also read by this command" in failed
    Path("own/scores.png").unlink()
    Path("own/scores.csv").symlink_to("elsewhere.csv")
    failed = one_error_line(made("score", *FACES, "own", "--out", "own"), 2)
    assert "own/scores.csv is a link" in failed


@pytest.mark.parametrize("digits", [20, 5000])
@pytest.mark.parametrize("flag", ["--num", "--grid"])
def test_numbers_beyond_all_measure_are_refused(flag: str, digits: int, made: Here) -> None:
    value = "9" * digits + ("x2" if flag == "--grid" else "")
    failed = one_error_line(made(*FACES, flag, value), 2)
    assert flag in failed
    assert len(failed) < 300
