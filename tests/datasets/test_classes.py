"""Your own classes: each image keeps its class; what is left out or unbalanced is reported."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from makers import FEW, Here, one_error_line, write_mnist
from PIL import Image

from datasets.classes import class_lines, number_classes
from datasets.dataset import Dataset, open_dataset
from datasets.tables import read_labels
from main import parse
from model import DCGAN
from support.errors import UserError

GREYS = {"apes": 40, "bees": 120, "cats": 200}


def write_classes(folder: Path, count: int = 4) -> None:
    """A sub-folder for each of GREYS, with images of that grey."""
    for name, grey in GREYS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (8, 8), grey).save(folder / name / f"{number}.jpg")


def opened(tmp_path: Path, *flags: str) -> Dataset:
    given = (f"--data_dir={tmp_path}", "--dataset=animals", "--batch_size=4", "--output_height=8")
    return open_dataset(parse([*given, *flags]), 0, say=print)


def check_greys(data: Dataset) -> None:
    """Assert that each image has the class of its grey, in batches of two epochs."""
    wanted = [GREYS[name] for name in data.classes]
    for step in range(2 * data.batches):
        pixels, y = data.batch(*divmod(step, data.batches))
        assert y is not None
        assert np.abs(pixels.mean((1, 2, 3)) - np.array(wanted)[y.argmax(1)]).max() < 3


def test_each_sub_folder_is_a_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    animals = tmp_path / "animals"
    write_classes(animals)
    (animals / "bees" / "1.jpg").write_text("no image")
    (animals / "cats" / "0.jpg").unlink()
    for name in ("none", ".hidden"):
        (animals / name).mkdir()
    for number in range(5):
        Image.new("L", (8, 8)).save(animals / f"outside{number}.jpg")
    for _ in range(2):  # decoded, and from the array
        data = opened(tmp_path, "--labels")
        assert data.classes == ("apes", "bees", "cats")
        assert (data.y_dim, len(data.images)) == (3, 10)
        check_greys(data)
        said = capsys.readouterr().out
        assert "3 classes: apes 4, bees 3, cats 3\n" in said
        assert "not a class, nothing in it matches *.jpg: none\n" in said
        assert (
            "left out 5 (not in a sub-folder): outside0.jpg, outside1.jpg, outside2.jpg, ..."
            in said
        )
        assert "skipped 1 (not an image): bees/1.jpg" in said
        assert "unbalanced" not in said
        assert "does not" not in said, "those outside are told of once"


def test_deeper_files_are_of_the_sub_folder_they_are_under(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_classes(tmp_path / "animals")
    (tmp_path / "animals/apes/young").mkdir()
    (tmp_path / "animals/apes/0.jpg").rename(tmp_path / "animals/apes/young/0.jpg")
    assert len(opened(tmp_path, "--labels").images) == 11
    assert (
        "left out 1 (in folders that */*.jpg does not search): apes/young/0.jpg; to take them, "
        '--input_fname_pattern "**/*.jpg"\n'
    ) in capsys.readouterr().out
    data = opened(tmp_path, "--labels", "--input_fname_pattern=**/*.jpg")
    assert len(data.images) == 12
    check_greys(data)


@pytest.mark.parametrize("link", ["dogs", "bees/0_again.jpg"])
@pytest.mark.parametrize("by_csv", [False, True])
def test_a_link_puts_no_file_into_two_classes(tmp_path: Path, link: str, by_csv: bool) -> None:
    animals = tmp_path / "animals"
    write_classes(animals)
    target = animals / "apes"
    (animals / link).symlink_to(target if link == "dogs" else target / "0.jpg")
    flags = ["--labels"]
    if by_csv:
        files = [path.relative_to(animals).as_posix() for path in animals.glob("*/*.jpg")]
        lines = "\n".join(["file,label", *(f"{file},{file[:4]}" for file in files)])
        (tmp_path / "l.csv").write_text(lines)
        flags = [f"--labels_file={tmp_path / 'l.csv'}", "--input_fname_pattern=*/*.jpg"]
    second = "dogs/0.jpg" if link == "dogs" else link
    message = rf"apes/0\.jpg and {second} are one file, by a link, in the classes apes and "
    with pytest.raises(UserError, match=message + second[:4]):
        opened(tmp_path, *flags)


def test_a_csv_names_the_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_classes(tmp_path / "animals")
    lines = [f".\\{name}\\{k}.jpg, {name} ,x" for name in GREYS for k in range(3)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["File,label,note", *lines, "gone.jpg,apes,"]), encoding="utf-8-sig")
    flags = (f"--labels_file={table}", "--input_fname_pattern=*/*.jpg")
    data = opened(tmp_path, *flags)
    assert (data.classes, len(data.images)) == (("apes", "bees", "cats"), 9)
    check_greys(data)
    said = capsys.readouterr().out
    assert f"left out 1 of {table} (not there, or not */*.jpg): gone.jpg\n" in said
    assert f"left out 3 (not in {table}): apes/3.jpg, bees/3.jpg, cats/3.jpg\n" in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "its first line is '', but it must name the columns, with a comma between them: file"),
        ("a.jpg;x\n", "its first line is 'a.jpg;x', but it must"),
        ("file,label\na.jpg,x\na.jpg,y\n", "line 3: a.jpg is y here, and x above"),
        ("file,label\na.jpg\n", "line 2: the file or the label is empty"),
        ("file,label\n,x\n", "line 2: the file or the label is empty"),
        ("file,label\nb\xe4.jpg,x\n", "line 2 is not UTF-8: save it as CSV UTF-8"),
        (None, "No such file"),
        ('file,label\na.jpg,"x\nb.jpg,y\nc.jpg,z\n', "line 2: a quote is not closed"),
        ('file,label\n\n"a.jpg,x\n"', "line 3: a quote is not closed"),
        ('file,label\n"a\n.jpg",x\n', "line 2: a quote is not closed"),
        ('file,"label\na.jpg,x\n', "line 1: a quote is not closed"),
        ('file,label\na.jpg,"x"y\n', "line 2: ',' expected after '\"'"),
        ("file,label\na.jpg,x\0\n", "line 2: a.jpg,x\\x00 holds a control character"),
        ("file,label\na.jpg,x\nb\x1b[m,x\n", "line 3: b\\x1b[m,x holds a control character"),
        ("file,label\na.jpg," + "x" * 200_000, "line 2: field larger than field limit"),
        (f"file,label\na.jpg,{'x' * 5000}\na.jpg,{'y' * 5000}\n", "line 3: a.jpg is yyyy"),
        ("file,label,file\na.jpg,x,b.jpg\n", "line 1: there are two columns file: rename one"),
        ("Label,file,label \nx,a.jpg,y\n", "line 1: there are two columns label: rename one"),
        ("file,label\na.jpg,x\n 30.jpg,y\n", "line 3: the file ' 30.jpg' begins or ends with a"),
        ("file,label\n30.jpg ,y\n", "line 2: the file '30.jpg ' begins or ends with a space"),
        ("x" * 5000, "its first line is 'xxx"),
    ],
)
def test_a_wrong_csv_is_refused_in_one_line(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "l.csv").write_text(content, encoding="latin-1")
    with pytest.raises(UserError) as caught:
        read_labels(tmp_path / "l.csv")
    assert message in str(caught.value)
    assert str(tmp_path / "l.csv") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_csv_that_may_never_end_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "l.csv")
    for path in (tmp_path / "l.csv", Path("/dev/zero")):
        with pytest.raises(UserError, match=f"--labels_file={path}: not a regular file; give"):
            read_labels(path)


def test_quotes_and_ends_of_lines_are_those_of_a_csv(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_bytes(b'file,label\r"a,1.jpg","x ""y"""\r\n\nb.jpg, z\tz')
    with pytest.raises(UserError, match=r"line 4: b\.jpg,z\\tz holds a control character"):
        read_labels(tmp_path / "l.csv")
    (tmp_path / "l.csv").write_bytes(b'file,label\r"a,1.jpg","x ""y"""\r\n\nb.jpg,\tz\t')
    assert read_labels(tmp_path / "l.csv") == {"a,1.jpg": 'x "y"', "b.jpg": "z"}


def test_names_match_however_their_accents_are_composed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """macOS takes letters apart; a CSV written elsewhere has them in one."""
    (apart, whole), table = ("e\u0301", "\xe9"), tmp_path / "l.csv"
    (tmp_path / "animals").mkdir()
    for name, grey in ((f"{apart}1", 40), (f"{whole}2", 40), (f"{apart}3", 120), ("4", 120)):
        Image.new("L", (8, 8), grey).save(tmp_path / "animals" / f"{name}.jpg")
    rows = (f"{whole}1.jpg,{whole}", f"{whole}2.jpg,{apart}", f"{apart}3.jpg,x", "4.jpg,x")
    table.write_text("\n".join(("file,label", *rows)))
    data = opened(tmp_path, f"--labels_file={table}")
    assert (data.classes, len(data.images)) == (("x", whole), 4)
    assert data.labels is not None
    assert [GREYS["bees"] if k == 0 else GREYS["apes"] for k in data.labels] == [
        round(float(image.mean())) for image in data.images
    ]
    said = capsys.readouterr().out
    assert f"1 of {table} spell their letters in other Unicode: {whole}1.jpg\n" in said
    assert "left out" not in said


def test_folders_of_one_name_in_two_unicode_forms_are_one_class(tmp_path: Path) -> None:
    for name in ("e\u0301", "\xe9", "x"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("L", (8, 8)).save(tmp_path / "animals" / name / f"{number}.jpg")
    data = opened(tmp_path, "--labels")
    assert data.classes == ("x", "\xe9")
    assert sorted(data.labels if data.labels is not None else ()) == [0, 0, 1, 1, 1, 1]


def test_a_csv_of_other_files_is_refused(tmp_path: Path) -> None:
    write_classes(tmp_path / "animals")
    (tmp_path / "l.csv").write_text("file,label\n0.jpg,x\n1.jpg,y\n")
    with pytest.raises(UserError, match=r"none of its 2 files \(0\.jpg, 1\.jpg\) is in .*animals"):
        opened(tmp_path, f"--labels_file={tmp_path}/l.csv", "--input_fname_pattern=*/*.jpg")


def test_no_sub_folders_and_one_class_are_refused(tmp_path: Path) -> None:
    write_classes(tmp_path / "animals")
    for name in ("apes", "bees"):
        (tmp_path / "animals" / name).rename(tmp_path / name)
    with pytest.raises(UserError, match="all 4 images are of one class, cats; train without"):
        opened(tmp_path, "--labels")
    with pytest.raises(UserError, match=r"apes has no sub-folders\. Put .*--labels_file=FILE\.csv"):
        opened(tmp_path, "--labels", "--dataset=apes")


def test_unbalanced_classes_are_warned_of() -> None:
    line, *none = class_lines(*number_classes(["a"] * 4 + ["b"], "here"))
    assert line == "2 classes: a 4, b 1"
    assert not none
    _, warning = class_lines(*number_classes(["a"] * 5 + ["b", "c", "c"], "here"))
    assert warning.startswith(
        "warning: unbalanced classes: a 5, b 1. Small classes are learnt badly"
    )


def test_very_many_classes_are_warned_of() -> None:
    names = tuple(f"{k:04}" for k in range(1001))
    line, warning = class_lines(names, np.arange(1001))
    assert line.startswith("1,001 classes: 0000 1, 0001 1, ")
    assert line.endswith(" and 981 more")
    assert "1,001 classes: each adds weights" in warning


def test_samples_show_classes_in_turns_and_mnist_its_first_digits() -> None:
    images = np.zeros((6, 1, 1, 1), np.uint8)
    labels = np.array([2, 2, 0, 1, 1, 1])
    own = Dataset(images, labels, 3, 4, np.inf, 0, classes=("a", "b", "c"))
    assert own.sample_rows(7).tolist() == [2, 3, 0, 2, 4, 1, 2]
    mnist = Dataset(images, labels, 3, 4, np.inf, 0, fixed_order=True)
    assert mnist.sample_rows(4).tolist() == [0, 1, 2, 3]


ANIMALS = ("--dataset=animals", "--output_height=16", "--batch_size=4", "--seed=3")
ONE_TRACE = ("--sample_freq=1", "--log_freq=99", "--summary_freq=99")  # each takes seconds


def test_a_labelled_run_from_folder_to_pictures(tmp_path: Path, here: Here) -> None:
    """Trained, resumed, shown; refused with other classes and without labels."""
    write_classes(tmp_path / "data/animals")
    train = (*ANIMALS, *ONE_TRACE, *FEW, "--train", "--flip", "--augment")
    done = here(tmp_path, *train, "--labels", "--epoch=2")
    assert done.returncode == 0, done.stderr
    run = tmp_path / "checkpoint/animals_4_16_16"
    assert json.loads((run / "run.json").read_text())["classes"] == ["apes", "bees", "cats"]
    assert Image.open(tmp_path / "samples/animals_4_16_16/train_01_0002.png").size == (48, 44)

    done = here(tmp_path, *ANIMALS, *ONE_TRACE, "--train", "--epoch=3")
    assert (
        "as the run was: --labels=True --flip=True --gf_dim=4 --df_dim=4 --augment=True\n"
        in done.stdout
    )
    assert "resuming from step 6" in done.stdout
    straight = here(tmp_path, *train, "--labels", "--epoch=3", "--out_dir=straight")
    assert straight.returncode == 0
    stopped, whole = (
        DCGAN.from_checkpoint(d / run.relative_to(tmp_path))
        for d in (tmp_path, tmp_path / "straight")
    )
    assert (stopped.y_dim, stopped.value_range) == (3, (-1.0, 1.0))
    for name, variable in whole.named_variables().items():
        np.testing.assert_array_equal(variable, stopped.named_variables()[name], err_msg=name)

    done = here(tmp_path, *ANIMALS, "--generate_test_images=5")
    (sheet,) = (tmp_path / "samples/animals_4_16_16/option_0").iterdir()
    assert Image.open(sheet).size == (48, 44), "3 columns, 2 rows, a line of names"
    refused = one_error_line(here(tmp_path, *ANIMALS, "--nolabels"), 2)
    assert "was trained with labels, and this command is without: give --out_name" in refused
    refused = one_error_line(here(tmp_path, *ANIMALS, "--train", "--nolabels"), 2)
    assert "was trained with labels, and this command is without: give --out_name" in refused
    (tmp_path / "data/animals/cats").rename(tmp_path / "data/animals/dogs")
    refused = one_error_line(here(tmp_path, *ANIMALS, "--train"), 2)
    assert "were others: the data lack cats, and dogs is new. Give back" in refused


def test_mnist_without_labels(tmp_path: Path, here: Here) -> None:
    """The four-layer network in [-1, 1]; test mode and a resumed training know it."""
    write_mnist(tmp_path / "data/mnist", 12, 4)
    flags = ("--dataset=mnist", "--batch_size=8", "--seed=3", *FEW)
    done = here(tmp_path, *flags, *ONE_TRACE, "--nolabels", "--train", "--epoch=1")
    assert done.returncode == 0, done.stderr
    dcgan = DCGAN.from_checkpoint(tmp_path / "checkpoint/mnist_8_28_28")
    assert (dcgan.y_dim, dcgan.value_range, dcgan.image_shape) == (None, (-1.0, 1.0), (28, 28, 1))
    assert "discriminator/d_h4_lin/Matrix" in dcgan.named_variables()
    assert here(tmp_path, *flags).returncode == 0
    again = here(tmp_path, *flags, "--train", "--dry_run")
    assert "as the run was: --labels=False" in again.stdout
    refused = one_error_line(here(tmp_path, *flags, "--train", "--labels"), 2)
    assert "was trained without labels, and this command is with: give --out_name" in refused


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--dataset=mnist --labels_file=a.csv", "mnist holds its own labels"),
        ("--nolabels --labels_file=a.csv", "--nolabels and --labels_file: give one"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(flags: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(flags.split())


def test_which_data_have_labels() -> None:
    words = ("mnist", "mnist --nolabels", "faces", "faces --labels", "faces --labels_file=a.csv")
    found = [parse(f"--dataset={word}".split()) for word in words]
    assert [s.with_labels for s in found] == [True, False, False, True, True]
    architectures = [s.network(3, None).architecture for s in found]
    assert architectures == ["dcgan_mnist", *["dcgan"] * 4]
