"""Fifteen ways to break the program: each is survived, or named in one line.

Every case asserts the exit status, the line that tells, and that there is no traceback. What is
refused (2) and what fails (1) is told in exactly one error line. Cases call main.main, which is all
that main.py does, in this process; those that change what a process is given have one of their own.
"""

import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hosts import HASTY, Manner, Request, running_host, status
from makers import PROJECT, Here, Run, await_line, one_error_line, start, write_jpegs, write_mnist
from PIL import Image

import download
import main
from downloads import http
from downloads.mnist import HEADERS, IdxSet

TINY = ("--dataset=tiny", "--output_height=16", "--batch_size=4", "--epoch=1", "--sample_freq=999")
TRAIN = (*TINY, "--train", "--seed=3")
RUN = Path("checkpoint/tiny_4_16_16")


class Case(NamedTuple):
    """A command, how to prepare its folder, and how it must end."""

    mode: str  # the number in the list of fifteen, and what is broken
    prepare: Callable[[Path], object]
    flags: tuple[str, ...]
    status: int
    says: str
    options: dict[str, Any] = {}  # noqa: RUF012


def tiny(folder: Path, count: int = 9) -> list[Path]:
    """A good data set of JPEGs."""
    return write_jpegs(folder / "data/tiny", count, 20, 20)


def empty(folder: Path) -> None:
    (folder / "data/tiny").mkdir(parents=True)


def other_suffix(folder: Path) -> None:
    for path in tiny(folder):
        path.rename(path.with_suffix(".JPG"))


def bad_files(folder: Path) -> None:
    good = tiny(folder)[0]
    data = good.parent
    (data / "empty.jpg").touch()
    (data / "text.jpg").write_text("<html>")
    (data / "halb größe 半.jpg").write_bytes(good.read_bytes()[:300])
    (data / "x.jpg").mkdir()
    (data / "nowhere.jpg").symlink_to("gone")
    os.mkfifo(data / "pipe.jpg")


def other_pictures(folder: Path) -> None:
    tiny(folder)[0].rename(folder / "data/tiny/a.PNG")


def mixed_modes(folder: Path) -> None:
    tiny(folder, 3)
    for mode in ("L", "LA", "P", "RGBA", "CMYK", "I;16"):
        kind = "tif" if mode == "CMYK" else "png"
        Image.new(mode, (20, 20)).save(folder / f"data/tiny/{mode[:4].replace(';', '')}.{kind}")


def mixed_sizes(folder: Path) -> None:
    tiny(folder, 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 20)).save(folder / "data/tiny/turned.jpg", exif=exif)
    write_jpegs(folder / "data/small", 4, 9, 9)
    for path in (folder / "data/small").iterdir():
        path.rename(folder / "data/tiny" / f"small{path.name}")


def mostly_bad(folder: Path) -> None:
    tiny(folder, 5)
    for number in range(6):
        (folder / f"data/tiny/bad{number}.jpg").write_text("quota exceeded")


def mnist(folder: Path) -> None:
    write_mnist(folder / "data/mnist")


def gzipped_mnist(folder: Path) -> None:
    mnist(folder)
    for path in list((folder / "data/mnist").iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def html_mnist(folder: Path) -> None:
    mnist(folder)
    (folder / "data/mnist/t10k-labels-idx1-ubyte").write_text("<html>404</html>")


def trained(*flags: str) -> Callable[[Path], None]:
    """Prepare a run of two steps, with a checkpoint of each, in the working folder."""

    def prepare(folder: Path) -> None:
        tiny(folder)
        assert main.main([*TRAIN, "--ckpt_freq=1", *flags]) == 0

    return prepare


def half_written(folder: Path) -> None:
    trained()(folder)
    data = folder / RUN / "DCGAN.model-2.data-00000-of-00001"
    with data.open("rb+") as file:
        file.truncate(data.stat().st_size // 2)


def all_half_written(folder: Path) -> None:
    half_written(folder)
    (folder / RUN / "DCGAN.model-1.index").write_bytes(b"")


def no_json(folder: Path) -> None:
    trained()(folder)
    (folder / RUN / "DCGAN.model.json").write_text("{half")


def renamed(folder: Path) -> None:
    """A run of one size under the name of another."""
    trained()(folder)
    (folder / RUN).rename(folder / "checkpoint/tiny_4_32_32")


def described(content: dict[str, object]) -> Callable[[Path], None]:
    """A run with another description of its networks."""

    def prepare(folder: Path) -> None:
        trained()(folder)
        (folder / RUN / "DCGAN.model.json").write_text(json.dumps(content))

    return prepare


def run_file(content: dict[str, object]) -> Callable[[Path], None]:
    """A run with other flags on file."""

    def prepare(folder: Path) -> None:
        trained()(folder)
        (folder / RUN / "run.json").write_text(json.dumps(content))

    return prepare


def without_run_file(folder: Path) -> None:
    trained()(folder)
    (folder / RUN / "run.json").unlink()


def old_checkpoint(folder: Path) -> None:
    tiny(folder)
    shutil.copytree(PROJECT / "tests/data/tf1_checkpoint_color", folder / "old")


def old_tensorflow(folder: Path) -> None:
    tiny(folder)
    for name in ("tensorflow", "tensorboard"):
        (folder / f"{name}.py").write_text('__version__ = "1.15.0"')


def in_the_way(name: str) -> Callable[[Path], None]:
    """A file where a folder has to be."""

    def prepare(folder: Path) -> None:
        tiny(folder)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("in the way")

    return prepare


def a_folder_for_a_picture(folder: Path) -> None:
    """The images that samples are to be like can be written, the first sample cannot."""
    tiny(folder)
    (folder / "samples/tiny_4_16_16/train_00_0000.png/full").mkdir(parents=True)


def spaces(folder: Path) -> None:
    tiny(folder)
    (folder / "data").rename(folder / "meine Däten")


def small_files_only() -> None:
    """No file may grow above 1 MB: what a full disk does to a checkpoint, without a disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


def killed_in_a_save(folder: Path) -> None:
    trained()(folder)
    aside = folder / RUN / ".DCGAN.model-3.99999999.part"
    aside.with_name(f"{aside.name}_temp").mkdir()
    aside.with_name(f"{aside.name}.data-00000-of-00001").write_bytes(b"half")
    (folder / RUN / "DCGAN.model-3.data-00000-of-00001").write_bytes(b"whole, but no index")


def nothing(folder: Path) -> None:
    pass


CASES = [
    Case("1 no folder", nothing, TRAIN, 2, "there is no folder data/tiny"),
    Case("1 empty folder", empty, TRAIN, 2, "The folder is empty"),
    Case("1 another suffix", other_suffix, TRAIN, 2, 'try --input_fname_pattern "*.JPG"'),
    Case("2 bad files", bad_files, TRAIN, 0, "14 files found, 9 used, 5 skipped"),
    Case(
        "2 others", other_pictures, TRAIN, 0, "other pictures, which *.jpg does not match: 1 .PNG"
    ),
    Case("2 mostly bad", mostly_bad, TRAIN, 2, "--allow_bad"),
    Case("2 mostly bad, allowed", mostly_bad, (*TRAIN, "--allow_bad"), 0, "11 files found, 5 used"),
    Case(
        "3 mixed modes",
        mixed_modes,
        (*TRAIN, "--input_fname_pattern=*.*"),
        0,
        "9 files found, 9 used",
    ),
    Case(
        "4 mixed sizes",
        mixed_sizes,
        (*TRAIN, "--crop", "--input_height=16"),
        0,
        "converted 4 (enlarged to cover the crop)",
    ),
    Case("5 odd sizes", tiny, (*TRAIN, "--output_height=17", "--output_width=3"), 0, "17x3x3"),
    Case("5 no size", tiny, (*TRAIN, "--output_height=0"), 2, "--output_height=0: it must be"),
    Case(
        "5 mnist without 28",
        mnist,
        ("--dataset=mnist", "--output_height=32", "--train", "--batch_size=100", "--epoch=1"),
        0,
        "128 images of 32x32x1",
    ),
    Case(
        "6 less than a batch", tiny, (*TRAIN, "--batch_size=64"), 2, "do not fill one batch of 64"
    ),
    Case("7 batch 1", tiny, (*TRAIN, "--batch_size=1", "--sample_freq=9"), 0, "9 steps an epoch"),
    Case("7 batch 7", tiny, (*TRAIN, "--batch_size=7"), 0, "2 left over"),
    Case(
        "7 batch 32", lambda folder: tiny(folder, 32), (*TRAIN, "--batch_size=32"), 0, "1 step an"
    ),
    Case(
        "7 batch 128",
        lambda folder: tiny(folder, 128),
        (*TRAIN, "--batch_size=128", "--sample_freq=1"),
        0,
        "wrote samples/tiny_128_16_16/train_00_0000.png",
    ),
    Case("8 unknown flag", nothing, ("--is_grey",), 2, "there is no flag --is_grey"),
    Case("8 misspelt flag", nothing, ("--epochs=3",), 2, "Did you mean --epoch?"),
    Case("8 old flag", tiny, (*TINY, "--is_train", "--is_crop", "False"), 0, "called --train now"),
    Case("8 no such z_dist", nothing, ("--z_dist=cauchy",), 2, "there are uniform_signed"),
    Case("9 no checkpoint", tiny, TINY, 2, "no checkpoint in checkpoint/tiny_4_16_16"),
    Case("9 half written", half_written, TINY, 0, "loaded step 1 of checkpoint/tiny_4_16_16"),
    Case("9 all half written", all_half_written, TRAIN, 1, "all 2 checkpoints in"),
    Case("9 half a description", no_json, TRAIN, 2, "is not valid JSON"),
    Case(
        "9 another z_dim",
        trained("--z_dim=12"),
        (*TRAIN, "--z_dim=9"),
        2,
        "z_dim is 12, not 9",
    ),
    Case(
        "9 another size",
        renamed,
        (*TRAIN, "--output_height=32"),
        2,
        "output_height is 16, not 32",
    ),
    Case(
        "9 a description of something else",
        described({"output_height": "16"}),
        TRAIN,
        2,
        "DCGAN.model.json: output_height is '16'",
    ),
    Case("9 a damaged run file", run_file({"seed": 1, "beta1": "x"}), TRAIN, 2, "beta1 is 'x'"),
    Case(
        "9 no run file",
        without_run_file,
        (*TRAIN, "--epoch=2"),
        0,
        "holds no run.json: what is not given is new",
    ),
    Case(
        "9 an old checkpoint of a size that nobody told",
        old_checkpoint,
        ("--dataset=tiny", "--train", "--init_from=old"),
        2,
        "for square images of 33 to 48 pixels. Give --output_height and --output_width",
    ),
    Case(
        "9 an old checkpoint of another z_dim",
        old_checkpoint,
        ("--dataset=tiny", "--train", "--init_from=old", "--output_height=48", "--z_dim=99"),
        2,
        "the networks in old are of another shape: z_dim is 10, not 99",
    ),
    Case("9 another c_dim", trained(), (*TRAIN, "--c_dim=1"), 2, "c_dim is 3, not 1"),
    Case("10 finished", trained(), TRAIN, 0, "this run is finished: it has made 2 steps"),
    Case(
        "10 changed flags",
        trained(),
        (*TRAIN, "--epoch=2", "--learning_rate=0.001"),
        0,
        "changed: learning_rate 0.0002 -> 0.001",
    ),
    Case(
        "11 still gzipped",
        gzipped_mnist,
        ("--dataset=mnist", "--train", "--epoch=1"),
        0,
        "128 images of 28x28x1",
    ),
    Case(
        "11 a web page", html_mnist, ("--dataset=mnist", "--train"), 2, "python download.py mnist"
    ),
    Case(
        "12 NaN",
        trained(),
        (*TRAIN, "--epoch=3", "--learning_rate=1e30"),
        1,
        "The last checkpoint is checkpoint/tiny_4_16_16/DCGAN.model-2",
    ),
    Case("13 memory", tiny, (*TRAIN, "--z_dim=1000000000"), 1, "out of memory: give a smaller"),
    Case("13 no GPU", tiny, (*TRAIN, "--device=gpu"), 2, "use --device=cpu"),
    Case(
        "14 a broken library",
        lambda folder: (folder / "absl.py").write_text("import no_such_library"),
        TRAIN,
        1,
        "pip install -r requirements.txt",
        {"env": {"PYTHONPATH": "."}},
    ),
    Case(
        "15 no folder to write to", in_the_way("checkpoint"), TRAIN, 1, "checkpoint/tiny_4_16_16: "
    ),
    Case(
        "15 no folder for samples",
        in_the_way("samples"),
        (*TRAIN, "--sample_freq=1"),
        1,
        "samples/tiny_4_16_16: Not a directory",
    ),
    Case(
        "15 no place for a sample",
        a_folder_for_a_picture,
        (*TRAIN, "--sample_freq=1"),
        1,
        "Step 1 is saved, checkpoint/tiny_4_16_16/DCGAN.model-1: the same command goes on",
    ),
    Case(
        "14 a wrong version", old_tensorflow, TRAIN, 1, "is too old", {"env": {"PYTHONPATH": "."}}
    ),
    Case(
        "15 full disk",
        trained(),
        (*TRAIN, "--epoch=2"),
        1,
        "the checkpoint of step 4 cannot be written: File too large. The last checkpoint is",
        {"preexec_fn": small_files_only},
    ),
    Case(
        "15 absolute path with spaces",
        spaces,
        (*TRAIN, "--data_dir={folder}/meine Däten", "--out_dir={folder}/aus gabe"),
        0,
        "aus gabe/checkpoint/tiny_4_16_16/DCGAN.model-2",
    ),
    Case(
        "15 killed in a save",
        killed_in_a_save,
        (*TRAIN, "--epoch=2"),
        0,
        "going on from step 2",
    ),
]


Ended = subprocess.CompletedProcess[str]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def in_its_own(flags: list[str], folder: Path, options: dict[str, Any]) -> Ended:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"} | options.get("env", {})
    return subprocess.run(
        [sys.executable, str(PROJECT / "main.py"), *flags],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **(options | {"env": environment}),
    )


@pytest.mark.parametrize("case", CASES, ids=[case.mode for case in CASES])
def test_it_is_survived_or_named_in_one_line(case: Case, tmp_path: Path, here: Here) -> None:
    case.prepare(tmp_path)
    flags = [flag.replace("{folder}", str(tmp_path)) for flag in case.flags]
    done = in_its_own(flags, tmp_path, case.options) if case.options else here(tmp_path, *flags)
    assert "Traceback" not in done.stderr
    if case.status:
        assert case.says in one_error_line(done, case.status)
    else:
        assert done.returncode == 0, done.stderr
        assert any(case.says in line for line in (done.stdout + done.stderr).splitlines())


def test_the_list_is_complete() -> None:
    assert {int(case.mode.split()[0]) for case in CASES} == set(range(1, 16))


def breaks(request: Request, content: bytes) -> None:
    """Cut off, and begun anew when asked for the rest."""
    request.answer(200, content[:500], len(content))


def hangs(request: Request, content: bytes) -> None:
    request.answer(200, content[:500], len(content))
    time.sleep(1)


def shows_a_page(request: Request, content: bytes) -> None:
    request.answer(200, b"<html>quota exceeded")


def has_another_file(request: Request, content: bytes) -> None:
    request.answer(200, gzip.compress(b"other"))


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        (status(404), "answered 404 Not Found"),
        (status(403), "answered 403 Forbidden"),
        (breaks, "cut off, 3 times in a row"),
        (hangs, "3 times in a row"),
        (shows_a_page, "a web page instead"),
        (has_another_file, "wrong content"),
    ],
    ids=["not there", "forbidden", "breaks", "hangs", "a web page", "another file"],
)
def test_11_downloads_that_fail_are_one_line_with_the_recipe(
    manner: Manner,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    no_proxy: None,
) -> None:
    known = download.DATA_SETS["mnist"]
    assert isinstance(known, IdxSet)
    with running_host() as host:
        host.files = {f"{name}.gz": os.urandom(2000) for name in HEADERS}
        host.manner = manner
        here = replace(known, mirrors=(host.address,), npm_package=None)
        monkeypatch.setitem(download.DATA_SETS, "mnist", here)
        monkeypatch.setattr(http, "Patience", lambda: HASTY)
        returned = download.main(["mnist"])
    done = subprocess.CompletedProcess([], returned, *capfd.readouterr())
    line = one_error_line(done, 1)
    assert "no source gave train-images-idx3-ubyte" in line
    assert "By hand: fetch train-images-idx3-ubyte.gz" in line
    assert says in done.stderr
    assert not list(Path("data").glob("mnist/[!.]*")), "nothing under a final name"


@pytest.mark.slow
def test_a_samples_folder_deleted_underway_is_made_again(tmp_path: Path) -> None:
    tiny(tmp_path)
    flags = [*TRAIN, "--epoch=6", "--sample_freq=1"]
    with start(tmp_path, *flags) as process:
        await_line(process, "wrote samples")
        shutil.rmtree(tmp_path / "samples")
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert (tmp_path / "samples/tiny_4_16_16/train_05_0001.png").exists()


Mounted = Callable[[str], Path]


@pytest.mark.slow
def test_a_disk_that_is_really_full_keeps_the_last_checkpoint(
    mounted: Mounted, run: Run, tmp_path: Path
) -> None:
    mounted("size=150m")
    tiny(tmp_path)
    flags = [*TRAIN, "--out_dir=disk"]
    line = one_error_line(run("main.py", *flags, "--ckpt_freq=1"), 1)
    assert "No space left on device. The last checkpoint is" in line
    done = run("main.py", *flags, "--dry_run")
    assert done.returncode == 0
    assert "checkpoint: step 1 in" in done.stdout


def test_a_read_only_folder_is_named(mounted: Mounted, run: Run, tmp_path: Path) -> None:
    mounted("ro")
    tiny(tmp_path)
    done = run("main.py", *TRAIN, "--out_dir=disk")
    assert "Read-only file system" in one_error_line(done, 1)


def has_tensorflow(pid: int) -> bool:
    """Whether a process has begun to load TensorFlow's library; Linux tells."""
    maps = Path(f"/proc/{pid}/maps")
    if not maps.exists():
        pytest.skip("this system has no /proc")
    return "tensorflow" in maps.read_text()


@pytest.mark.parametrize("moment", ["loading", "decoding"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_training_says_so(
    number: signal.Signals, moment: str, tmp_path: Path
) -> None:
    """Also while what libraries write to stderr is held back."""
    write_jpegs(tmp_path / "data/tiny", 6000, 20, 20)
    begun = {"loading": has_tensorflow, "decoding": lambda _: any(tmp_path.rglob(".tiny*.part*"))}
    with start(tmp_path, *TRAIN) as process:
        while process.poll() is None and not begun[moment](process.pid):
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}" in out + err
    assert "Traceback" not in err
    assert not list((tmp_path / "data/.arrays").glob("[!.]*")), "nothing half under a final name"


def test_a_damaged_checkpoint_shows_what_the_one_before_shows(tmp_path: Path) -> None:
    """In every bit."""
    half_written(tmp_path)
    pictures = tmp_path / "samples/tiny_4_16_16/option_0"
    shown = []
    for _ in range(2):
        assert main.main([*TINY, "--seed=1"]) == 0
        (picture,) = pictures.glob("*.png")
        shown.append(picture.read_bytes())
        picture.unlink()
        for path in (tmp_path / RUN).glob("DCGAN.model-2.*"):
            path.unlink()
    assert shown[0] == shown[1]
