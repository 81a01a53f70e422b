"""Several classes an image: from a table through a training to pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from makers import FEW, Here, one_error_line, small, stretched
from PIL import Image

import evaluate
import generate
from datasets.classes import tag_lines
from datasets.dataset import Dataset, open_dataset
from datasets.tables import read_tags
from generation.latent import z_of_seeds
from generation.sampling import pictures_of_seeds
from main import parse
from metrics.reals import Reals, drawn_labels
from model import DCGAN
from support.errors import UserError
from utils import sample_pixels

CELEBA = "3\nBald Smiling  Male \na.jpg -1  1  1 \nb.jpg  1 -1 -1\nc.jpg -1 -1 -1\n"
CSV = "file,Bald,Smiling,Male\na.jpg,0,1,1\nb.jpg,1,0,0\nc.jpg,0,0,0\n"
KAGGLE = CSV.replace(",0", ",-1").replace("file", "image_id")
QUOTED = CSV.replace("file,Bald,Smiling,Male", '"file","Bald","Smiling","Male"')


@pytest.mark.parametrize(
    "content", [CELEBA, CSV, KAGGLE, QUOTED, CSV.replace("\n", "\r\n"), f"\ufeff{CSV}"]
)
def test_celebas_list_and_a_csv_say_the_same(tmp_path: Path, content: str) -> None:
    table = tmp_path / "tags"
    table.write_text(content, encoding="utf-8", newline="")
    tags = read_tags(table)
    assert tags is not None
    assert tags.names == ("Bald", "Smiling", "Male")
    assert tags.of == {"a.jpg": "011", "b.jpg": "100", "c.jpg": "000"}


@pytest.mark.parametrize("content", ["file,label\na.jpg,x\n", "file\na\n", "", "image,Bald\na,1\n"])
def test_other_tables_are_not_of_tags(tmp_path: Path, content: str) -> None:
    table = tmp_path / "tags"
    table.write_text(content)
    assert read_tags(table) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CELEBA.replace("3", "4"), "its first line says 4 images, it has 3"),
        (CELEBA.replace("a.jpg -1", "a.jpg"), "line 3: a file and 3 values, not 2"),
        (CELEBA.replace("b.jpg  1", "b.jpg  2"), "line 4: Bald is '2', but a tag is 1 or 0"),
        ("1\n", "must name the tags, each once"),
        ("1", "must name the tags, each once"),
        (CSV.replace("Male", "bald"), "must name the tags, each once"),
        (CSV.replace("Male", ""), "a column has no name: give it that of a tag, or take it out"),
        (CSV.replace("0,1,1", "0,yes,1"), "line 2: Smiling is 'yes', but a tag is 1 or 0. (Cla"),
        (CSV.replace("0,1,1", "0,1"), "line 2: Male is '', but a tag is 1 or 0"),
        (CSV.replace("Male", "M\x1b[1m"), "is no name for a tag"),
        (CSV.replace("Male", '"M""n"'), "is no name for a tag"),
        (CSV + "a.jpg,1,1,1\n", "line 5: a.jpg has other tags here than above"),
        (CSV + ",1,1,1\n", "line 5: the file is empty"),
        (CSV + "g.jpg ,1,1,1\n", "line 5: the file 'g.jpg ' begins or ends with a space"),
        (CSV + "g\t.jpg,1,1,1\n", "holds a control character"),
        ("bald,file\n1\n", "line 2: the file is empty"),
    ],
)
def test_a_table_of_tags_that_makes_no_sense_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    table = tmp_path / "tags"
    table.write_text(content)
    with pytest.raises(UserError) as found:
        read_tags(table)
    assert message in str(found.value)


def test_tags_are_counted() -> None:
    has = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0]], np.uint8)
    line, warning = tag_lines(("a", "b", "c"), has)
    assert line == "3 tags: a 3, b 1, c 0; 0 have none"
    assert warning == "warning: all images or none have a, c: such a tag tells nothing"
    (line,) = tag_lines(("b", "c"), np.array([[1, 0], [0, 1], [0, 0]], np.uint8))
    assert line == "2 tags: b 1, c 1; 1 have none"


SHADES = {"a": "000", "b": "100", "c": "010", "d": "110", "e": "011"}


def write_shades(folder: Path, copies: int = 1) -> None:
    """Grey images with tags, each with another grey; f.jpg is no image."""
    (folder / "data/shades").mkdir(parents=True)
    rows = []
    for k, (letter, tags) in enumerate(SHADES.items()):
        for copy in range(copies):
            name = f"{letter}{copy or ''}.jpg"
            Image.new("L", (16, 16), 40 * k).save(folder / "data/shades" / name)
            rows.append(",".join([name, *tags]))
    (folder / "data/shades/bb.jpg").write_text("nothing")
    (folder / "tags.csv").write_text("\n".join(["file,Bald,Smiling,Male", "bb.jpg,1,1,1", *rows]))


def test_each_image_keeps_its_tags_whatever_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_shades(tmp_path)
    words = ["--dataset=shades", "--labels_file=tags.csv", "--output_height=16", "--batch_size=4"]
    data = open_dataset(parse(words), 0, say=print)
    assert data.tags
    assert data.classes == ("Bald", "Smiling", "Male")
    assert data.columns == ()
    assert data.y_dim == 3
    y = data.labels_of(slice(None))
    assert y is not None
    assert y.dtype == np.float32
    shades = np.rint(data.images[:, 0, 0, 0] / 40).astype(int)
    expected = [[int(letter) for letter in list(SHADES.values())[shade]] for shade in shades]
    assert y.tolist() == expected
    assert "3 tags: Bald 2, Smiling 3, Male 1; 1 have none" in capsys.readouterr().out


def test_a_link_gives_no_file_other_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_shades(tmp_path)
    Path("data/shades/z.jpg").symlink_to("a.jpg")
    words = ["--dataset=shades", "--labels_file=tags.csv", "--output_height=16", "--batch_size=4"]
    table = Path("tags.csv").read_text()
    Path("tags.csv").write_text(f"{table}\nz.jpg,1,0,1")
    with pytest.raises(
        UserError, match=r"a\.jpg and z\.jpg are one file, by a link, with other tags"
    ):
        open_dataset(parse(words), 0, say=print)
    Path("tags.csv").write_text(f"{table}\nz.jpg,0,0,0")
    assert len(open_dataset(parse(words), 0, say=print).images) == 6


def test_sample_pictures_of_tags_are_of_the_first_images() -> None:
    has = np.array([[1, 0], [1, 1], [0, 0]], np.uint8)
    data = Dataset(
        np.zeros((3, 1, 1, 1), np.uint8), has, 2, 4, np.inf, 0, classes=("a", "b"), fixed_order=True
    )
    assert data.sample_rows(4).tolist() == [0, 1, 2, 0]
    _, y = data.batch(0, 0)
    assert y is not None
    assert y.tolist() == [[1, 0], [1, 1], [0, 0], [1, 0]]


def test_networks_of_tags_take_several_and_none() -> None:
    dcgan = small(y_dim=3, tags=True)
    z = np.zeros((2, 5), np.float32)
    images = dcgan.sampler(z, np.array([[0, 0, 0], [1, 1, 0]]))
    assert images.shape[0] == 2
    with pytest.raises(ValueError, match=r"y: row 1 has values in 0 \.\.\. 2: give 1 for each tag"):
        dcgan.sampler(z, np.array([[0, 0, 0], [0, 2, 0]]))
    with pytest.raises(ValueError, match="row 0 is not one-hot"):
        small(y_dim=3).sampler(z, np.array([[1, 1, 0], [1, 0, 0]]))


def test_pictures_to_be_measured_have_the_tags_of_real_images() -> None:
    has = np.array([[1, 0], [1, 1], [0, 0]], np.uint8)
    reals = Reals(np.zeros((3, 8, 8, 1), np.uint8), has, ["a", "b"])
    drawn = drawn_labels(reals, 6, seed=1)
    assert sorted(map(tuple, drawn.tolist())) == sorted([(0, 0), (1, 0), (1, 1)] * 2)
    dcgan = stretched(small(y_dim=2, tags=True))
    (block,) = pictures_of_seeds(dcgan, range(6), "normal01", drawn)
    z = z_of_seeds([5], "normal01", 5)
    assert (block[5] == sample_pixels(dcgan, z, drawn[5:].astype(np.float32))[0]).all()


def test_a_run_of_tags_from_table_to_pictures(
    tmp_path: Path, here: Here, capfd: pytest.CaptureFixture[str]
) -> None:
    """Trained, resumed, sampled, evaluated; the commands for classes refuse it."""
    write_shades(tmp_path, copies=4)
    flags = ("--dataset=shades", "--batch_size=20", "--output_height=16", "--seed=3", *FEW)
    quiet = ("--sample_freq=1", "--log_freq=99", "--summary_freq=99", "--train")
    done = here(tmp_path, *flags, *quiet, "--labels_file=tags.csv", "--epoch=1")
    assert done.returncode == 0, done.stderr
    run = Path("checkpoint/shades_20_16_16")
    assert json.loads((run / "run.json").read_text())["classes"] == ["Bald", "Smiling", "Male"]
    assert json.loads((run / "DCGAN.model.json").read_text())["tags"] is True
    measured = ("--eval_freq=1", "--eval_space=pixels")
    done = here(tmp_path, *flags, *quiet, *measured, "--epoch=2")
    assert done.returncode == 0, done.stderr
    assert "resuming from step 1" in done.stdout
    assert "evaluated step 2 in pixels" in done.stdout
    assert here(tmp_path, *flags, "--generate_test_images=3").returncode == 0
    assert DCGAN.from_checkpoint(run).config.tags

    def made(*words: str) -> str:
        capfd.readouterr()
        assert generate.main(words) == 0
        return capfd.readouterr().out

    assert evaluate.main(["--run", str(run), "--space", "pixels"]) == 0
    measured_alone = capfd.readouterr().out
    assert "labels are asked for in the proportions of the data" in measured_alone
    assert "frechet" in measured_alone
    out = made("--run", str(run), "--num", "2", "--label", "Smiling,Male", "--out", "both")
    assert "wrote both/seed00001_tags1-2_Smiling-Male.png" in out
    out = made("--run", str(run), "--num", "2", "--format", "npy", "--out", "none")
    assert "no tags: name some by --label" in out
    assert not np.load("none/labels.npy").any()
    made("--run", str(run), "--num", "2", "--label", "0,2", "--format", "npy", "--out", "npy")
    assert np.load("npy/labels.npy").tolist() == [[1, 0, 1]] * 2
    grid = made("--run", str(run), "--grid", "2x3", "--label", "Male,Bald", "--out", "g")
    assert "wrote g/grid_2x3_seed00000_tags0-2_Bald-Male.png" in grid
    moved = made("directions", "--run", str(run), "--num", "2", "--count", "1", "--label", "Male")
    assert "directions_seed00001_tags2_Male.png" in moved
    assert "nearest_seed00000_tags_2.png" in made("nearest", "--run", str(run), "--num", "2")
    walk = made("interpolate", "--run", str(run), "--seeds=1,2", "--frames=3", "--label=0,2")
    assert "seeds_1-2_lerp_label_0-2_Bald-Male.gif" in walk
    total = made("arithmetic", "--run", str(run), "--seeds=1", "--plus=2", "--label=Male,Bald")
    assert "label: Male, Bald" in total
    for command in ("project", "complete", "score"):
        image = ["data/shades/a.jpg", *(["--mask=left"] if command == "complete" else [])]
        capfd.readouterr()
        assert generate.main([command, "--run", str(run), *image]) == 2
        assert f"{command} is for runs of classes: {run} has tags" in capfd.readouterr().err
    table, text = Path("tags.csv"), Path("tags.csv").read_text()
    table.write_text(text.replace("Bald,Smiling", "Smiling,Bald"))
    refused = one_error_line(here(tmp_path, *flags, *quiet, "--epoch=3"), 2)
    assert f"{run} has its labels in another order, Bald, Smiling, Male: give them" in refused
    begun = ("--labels_file=tags.csv", f"--init_from={run}", "--out_name=new", "--epoch=1")
    done = here(tmp_path, *flags, *quiet, *begun)
    assert "its labels Bald, Smiling, Male are taken for Smiling, Bald, Male" in done.stdout
    table.write_text(text.replace("Male", "Young"))
    refused = one_error_line(here(tmp_path, *flags, *quiet, "--epoch=3"), 2)
    assert "the data lack Male, and Young is new" in refused
    names = sorted(path.name for path in Path("data/shades").glob("*.jpg"))
    lines = [f"{name},{'xyz'[k % 3]}" for k, name in enumerate(names)]
    table.write_text("\n".join(["file,label", *lines]))
    stored = json.loads((run / "run.json").read_text()) | {"classes": ["x", "y", "z"]}
    (run / "run.json").write_text(json.dumps(stored))
    refused = one_error_line(here(tmp_path, *flags, *quiet, "--epoch=3"), 2)
    assert "the stored networks take tags, and the data have classes: give --out_name" in refused
