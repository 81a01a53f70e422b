"""Checkpoints are written whole, found again, and passed over where they are damaged."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from makers import small

from gan.checkpoints import (
    checkpoints_in,
    read_newest,
    write_checkpoint,
)
from support.console import print_note
from support.errors import RunError, UserError

VALUES = np.arange(100, dtype=np.float32)


def write(folder: Path, step: int, max_to_keep: int = 5) -> Path:
    objects = tf.train.Checkpoint(v=tf.Variable(VALUES + step), step=tf.Variable(step))
    return write_checkpoint(objects.write, folder, step, max_to_keep)


def read(folder: Path) -> int | None:
    """The step of the newest good checkpoint, whose values are checked."""
    variable, step = tf.Variable(VALUES), tf.Variable(0)

    def restore(prefix: Path) -> None:
        tf.train.Checkpoint(v=variable, step=step).read(str(prefix)).assert_consumed()

    if read_newest(folder, restore, None, print_note) is None:
        return None
    np.testing.assert_array_equal(variable, VALUES + int(step))
    return int(step)


def test_an_empty_or_missing_folder_holds_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    assert read(tmp_path / "missing") is None


def test_the_newest_is_read_and_the_oldest_are_deleted(tmp_path: Path) -> None:
    for step in (1, 2, 10, 20):
        write(tmp_path, step, max_to_keep=2)
    assert read(tmp_path) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("DCGAN.model-10.data-00000-of-00001", "DCGAN.model-10.index"),
        *("DCGAN.model-20.data-00000-of-00001", "DCGAN.model-20.index"),
        "checkpoint",
    ]


def test_tensorflow_itself_finds_it(tmp_path: Path) -> None:
    prefix = write(tmp_path, 7)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(prefix)


def test_a_folder_may_move_and_have_any_name(tmp_path: Path) -> None:
    """The state file names paths of another machine, of Windows too."""
    for there in ("/home/user/old/", "C:\\\\Users\\\\me\\\\"):
        here = tmp_path / "ünïcode und Lücken"
        write(here, 7)
        write(here, 3)
        state = here / "checkpoint"
        state.write_text(state.read_text().replace("DCGAN", there + "DCGAN"))
        assert read(here) == 3, "the one that was written last"


@pytest.mark.parametrize("name", ["a*b", "a?", "[1]", "a\\b", "end\\", "byte \udcff"])
@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_a_name_that_tensorflow_cannot_load_from_is_refused_before_it_is_written(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"TensorFlow (cannot find|takes no)"):
        small().save(tmp_path / name, 1)
    assert not list(tmp_path.iterdir())
    write(tmp_path / "plain", 1)
    (tmp_path / "plain").rename(tmp_path / name)
    with pytest.raises(UserError, match="give another"):
        read(tmp_path / name)


def test_copies_under_other_names_are_kept(tmp_path: Path) -> None:
    mine = write(tmp_path, 1)
    for file in tmp_path.glob("DCGAN.model-1.*"):
        for name in ("best-1", "DCGAN.model-0001", "keep-9000"):
            (tmp_path / file.name.replace("DCGAN.model-1", name)).write_bytes(file.read_bytes())
    for step in (2, 3, 4):
        write(tmp_path, step, max_to_keep=1)
    names = {path.name for path in checkpoints_in(tmp_path)}
    assert names == {"DCGAN.model-4", "best-1", "DCGAN.model-0001", "keep-9000"}
    assert mine.name not in names
    assert read(tmp_path) == 4


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_a_state_file_without_an_end_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "checkpoint").unlink()
    os.mkfifo(tmp_path / "checkpoint")
    assert read(tmp_path) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names")
def test_a_checkpoint_without_an_end_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (1, 2):
        write(tmp_path, step)
    data = tmp_path / "DCGAN.model-2.data-00000-of-00001"
    data.unlink()
    os.mkfifo(data)
    assert read(tmp_path) == 1
    assert f"DCGAN.model-2 is damaged: {data.name} is not a file\n" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00 garbage {", b"model_checkpoint_path: 7"])
def test_without_a_legible_state_file_the_highest_step_is_taken(
    content: bytes | None, tmp_path: Path
) -> None:
    for step in (9, 10):
        write(tmp_path, step)
    state = tmp_path / "checkpoint"
    state.unlink()
    if content is not None:
        state.write_bytes(content)
    assert [path.name for path in checkpoints_in(tmp_path)] == ["DCGAN.model-10", "DCGAN.model-9"]
    assert read(tmp_path) == 10


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def fill_with_garbage(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("damage", [cut, flip, empty, fill_with_garbage])
def test_the_one_before_is_taken_and_it_is_said(
    damage: Callable[[Path], None], suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (1, 2):
        prefix = write(tmp_path, step)
    damage(prefix.with_name(prefix.name + suffix))
    assert read(tmp_path) == 1
    assert f"note: {prefix} is damaged: " in capsys.readouterr().err
    write(tmp_path, 2)
    assert read(tmp_path) == 2, "written anew, it is whole again"


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    """What checkpoints.DAMAGED says of TensorFlow's own checksums."""
    for step in (1, 2):
        prefix = write(tmp_path, step)
    found = set()
    for suffix in (".index", ".data-00000-of-00001"):
        path = prefix.with_name(prefix.name + suffix)
        whole = path.read_bytes()
        for place in range(0, len(whole), 3):
            path.write_bytes(
                whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
            )
            found.add(read(tmp_path))
        path.write_bytes(whole)
    assert found == {1, 2}


def test_data_that_are_gone_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, 1)
    write(tmp_path, 2).with_name("DCGAN.model-2.data-00000-of-00001").unlink()
    assert read(tmp_path) == 1
    gone = f"{tmp_path}/DCGAN.model-2 is not whole: DCGAN.model-2.data-00000-of-00001 is missing"
    assert gone in capsys.readouterr().err


def test_nothing_but_damaged_ones_is_an_error_and_deletes_nothing(tmp_path: Path) -> None:
    for step in (1, 2):
        cut(write(tmp_path, step).with_name(f"DCGAN.model-{step}.index"))
    with pytest.raises(RunError, match=r"no checkpoint in .* can be read \(2 tried\)"):
        read(tmp_path)
    write(tmp_path, 3, max_to_keep=1)
    assert len(list(tmp_path.glob("*.index"))) == 3, "what cannot be read is not deleted either"


def test_a_run_that_fell_back_keeps_what_it_fell_back_to(tmp_path: Path) -> None:
    for step in (15, 20):
        write(tmp_path, step)
    cut(tmp_path / "DCGAN.model-20.data-00000-of-00001")
    assert read(tmp_path) == 15
    write(tmp_path, 18, max_to_keep=2)
    kept = sorted(path.name for path in tmp_path.glob("*.index"))
    assert kept == ["DCGAN.model-15.index", "DCGAN.model-18.index"]


def test_a_write_that_fails_leaves_the_last_one(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "DCGAN.model-2.index").mkdir()  # in the way of the rename
    with pytest.raises(OSError, match=r"DCGAN\.model-2"):
        write(tmp_path, 2)
    (tmp_path / "DCGAN.model-2.index").rmdir()
    assert read(tmp_path) == 1
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    write(tmp_path, 1)
    aside = tmp_path / f".DCGAN.model-2.{2**22 + 1}.part"  # above any process number
    left = [aside.with_name(aside.name + suffix) for suffix in (".index", "_temp")]
    left[0].touch()
    left[1].mkdir()
    for path in left:
        os.utime(path, (1, 1))
    assert read(tmp_path) == 1
    write(tmp_path, 3)
    assert not list(tmp_path.glob(".*"))
