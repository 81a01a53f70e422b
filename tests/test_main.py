"""The command line: the original's defaults, pasted dashes, old names, helpful refusals."""

import math
from dataclasses import dataclass
from pathlib import Path

import pytest
from makers import small

from main import help_text, main, parse
from runs.flags import COMMAND, KEPT, setting
from runs.plan import resolve
from runs.settings import Settings
from runs.stored import store_run
from support.errors import UserError

ORIGINAL_DEFAULTS = {
    "epoch": 25,
    "learning_rate": 0.0002,
    "beta1": 0.5,
    "train_size": math.inf,
    "batch_size": 64,
    "input_height": 108,
    "input_width": 108,
    "output_height": 64,
    "output_width": 64,
    "dataset": "celebA",
    "input_fname_pattern": "*.jpg",
    "data_dir": Path("data"),
    "checkpoint_dir": Path("checkpoint"),
    "sample_dir": Path("samples"),
    "train": False,
    "crop": False,
    "visualize": False,
    "generate_test_images": 100,
    "z_dim": 100,
    "z_dist": "uniform_signed",
    "max_to_keep": 5,
    "sample_freq": 100,
    "ckpt_freq": 500,
    "export": False,
    "freeze": False,
    "G_img_sum": False,
}


def test_the_defaults_are_the_originals() -> None:
    settings = parse([])
    assert {name: getattr(settings, name) for name in ORIGINAL_DEFAULTS} == ORIGINAL_DEFAULTS


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_mnist_and_its_like_are_28_by_28_unless_told(name: str) -> None:
    assert parse([f"--dataset={name}"]).run_name == f"{name}_64_28_28"
    assert parse([f"--dataset={name}", "--output_height=32"]).run_name == f"{name}_64_32_32"


def test_widths_follow_heights() -> None:
    settings = parse(["--input_height=96", "--output_height=48", "--output_width=40"])
    assert (settings.input_width, settings.output_width) == (96, 40)


@pytest.mark.parametrize("dash", ["-–", "–", "—", "−", "-", "--", "––"])
def test_dashes_of_web_pages_are_understood(dash: str) -> None:
    settings = parse([f"{dash}train", "--epoch", "3", f"{dash}dataset", "anime"])
    assert settings.train
    assert settings.dataset == "anime"


def test_quotes_of_web_pages_are_understood() -> None:
    settings = parse(["--input_fname_pattern", "“*.png”", "--dataset=‘anime’"])
    assert settings.input_fname_pattern == "*.png"
    assert settings.dataset == "anime"


@pytest.mark.parametrize(
    ("words", "crop"),
    [
        (["--crop"], True),
        (["--crop", "False"], False),
        (["--crop", "True"], True),
        (["--crop=False"], False),
        (["--nocrop"], False),
        (["--crop", "--train"], True),
    ],
)
def test_booleans_take_a_value(words: list[str], crop: bool) -> None:
    assert parse(words).crop is crop


def test_old_names_are_taken_with_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    settings = parse(
        [
            "--is_train",
            "True",
            "--is_crop",
            "--image_size",
            "96",
            "--output_size=48",
            "--c_dim",
            "3",
        ]
    )
    assert settings.train
    assert settings.crop
    assert (settings.input_height, settings.input_width) == (96, 96)
    assert (settings.output_height, settings.c_dim) == (48, 3)
    said = capsys.readouterr().err
    assert "note: --is_train is called --train now" in said
    assert "note: --image_size is called --input_height now" in said


def test_a_value_may_be_the_old_name_of_a_flag() -> None:
    assert parse(["--out_name", "image_size", "--dataset", "is_crop"]).out_name == "image_size"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--optoin=1", "there is no flag --optoin. Did you mean --option?"),
        ("--input_hight 96", "Did you mean --input_height?"),
        ("--epochs 5", "Did you mean --epoch?"),
        ("--gpu=1", "there is no flag --gpu. Did you mean --device gpu?"),
        ("--xyzzy", "there is no flag --xyzzy. All flags"),
        ("--epoch five", "--epoch=five"),
        ("--epoch 0", "--epoch=0: it must be 1 or more"),
        ("--output_height 0", "--output_height=0: it must be 1 or more"),
        ("--input_width 0", "--input_width=0: it must be 1 or more"),
        ("--precision float16", "--precision=float16: there are float32, bfloat16"),
        ("--device tpu", "--device=tpu: it must be auto, cpu, gpu"),
        ("--device cpu:1", "--device=cpu:1: it must be auto, cpu, gpu"),
        ("--device gpu:99999", "--device=gpu:99999: it must be auto, cpu, gpu"),
        ("--train_size 0", "--train_size=0"),
        ("--train_size 1.5", "--train_size=1.5"),
        ("--option 5", "--option=5: it must be 0 or more and up to 4"),
        ("--z_dist gauss", "uniform_signed, normal01, uniform_unsigned"),
        ("--learning_rate 0", "--learning_rate=0"),
        ("--learning_rate nan", "--learning_rate=nan"),
        ("--learning_rate inf", "--learning_rate=inf"),
        ("--g_learning_rate 0", "--g_learning_rate=0: it must be above 0 and below 1e+38"),
        ("--d_learning_rate 1e39", "--d_learning_rate=1e39: it must be above 0 and below 1e+38"),
        ("--loss=rpgan --penalty_weight 0", "--penalty_weight=0: it must be above 0"),
        ("--d_learning_rate fast", "--d_learning_rate=fast: a number is needed"),
        ("--ema 1", "--ema=1: it must be 0 or more and below 1"),
        ("--ema -0.1", "--ema=-0.1: it must be 0 or more and below 1"),
        ("--ema yes", "--ema=yes: a number is needed"),
        ("--weights mean", "--weights=mean: there are raw, ema"),
        ("--beta1 1", "--beta1=1"),
        ("--c_dim 4", "--c_dim=4"),
        ("--dataset mnist --c_dim 3", "mnist is grey"),
        ("--seed -1", "--seed=-1"),
        ("--background whiet", "--background=whiet: give a colour's name or #rrggbb"),
        ("--background=", "--background="),
        ("--dataset=", "--dataset='.'"),
        ("--dataset faces[1]", "names have * ? [ ] or"),
        ("--dataset back\\slash", "names have * ? [ ] or"),
        ("--epoch 5.5", "--epoch=5.5: a whole number is needed"),
        ("--nolabels=3", "--nolabels"),
        ("--data_dir ~no-such-user/x", "--data_dir=~no-such-user/x: a name is needed"),
        ("--crop maybe", "not understood: maybe"),
        ("--input_fname_pattern a.jpg b.jpg", "patterns with * need quotes"),
    ],
)
def test_what_makes_no_sense_is_refused(words: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(words.split())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("colour", ["white", "#fff", "#102030", "hsl(120,100%,50%)"])
def test_backgrounds_are_what_pillow_takes(colour: str) -> None:
    assert parse(["--background", colour]).background == colour


def test_help_lists_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.strip() == help_text()
    assert "\n  python download.py mnist\n  python main.py --dataset mnist" in shown, "one a line"
    for name in ORIGINAL_DEFAULTS:
        assert f"--{name}" in shown


def test_everything_can_be_written_elsewhere(tmp_path: Path) -> None:
    settings = parse([f"--out_dir={tmp_path}", "--out_name=try 1", "--dataset=mnist"])
    assert settings.run_folder("logs") == tmp_path / "try 1" / "logs" / "mnist_64_28_28"


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("anime", "anime"), ("anime/", "anime"), ("./anime", "anime"), ("my set", "my set")],
)
def test_runs_are_named_after_the_data_set(dataset: str, name: str) -> None:
    assert parse([f"--dataset={dataset}"]).run_name == f"{name}_64_64_64"


def test_data_sets_with_the_same_last_part_do_not_mix() -> None:
    paths = ["x", "../x", "a/x", "/a/x", "b/x"]
    names = [parse([f"--dataset={path}"]).run_name for path in paths]
    assert len(set(names)) == len(paths)
    assert all(name.startswith("x") for name in names)


def test_mnist_may_end_in_a_slash() -> None:
    assert parse(["--dataset=mnist/"]).is_idx_set


@dataclass(frozen=True)
class Sparkling(Settings):
    """Settings with one more field: all that it takes to add a flag."""

    sparkle: int | None = setting(None, "how much", KEPT, least=2, most=9, was="is_sparkle")
    glitter: bool = setting(False, "or not", COMMAND)


def test_a_new_flag_is_one_edit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A field is a flag, in the help, within its bounds, stored, kept, and its change is said."""
    assert "--sparkle               how much\n" in help_text(Sparkling)
    assert parse([], Sparkling).as_json()["sparkle"] is None
    assert parse(["--is_sparkle", "3", "--noglitter"], Sparkling).as_json()["sparkle"] == 3
    assert "--is_sparkle is called --sparkle now" in capsys.readouterr().err
    for words, told in (
        ("--sparkle=1", "--sparkle=1: it must be 2 or more and up to 9"),
        ("--sparkle=red", "--sparkle=red: a whole number is needed"),
        ("--sparkel=3", "Did you mean --sparkle?"),
    ):
        with pytest.raises(UserError, match=told):
            parse([words], Sparkling)

    flags = [f"--out_dir={tmp_path}", "--output_height=8"]
    started = parse([*flags, "--sparkle=3", "--glitter"], Sparkling)
    folder = started.run_folder(started.checkpoint_dir)
    store_run(started, 100, folder)
    small(c_dim=3, z_dim=100).save(folder, 1)
    again = resolve(parse([*flags, "--train"], Sparkling), drawn_seed=1)
    assert again.settings.as_json() == again.settings.as_json() | {"sparkle": 3, "glitter": False}
    (kept,) = (note for note in again.notes if note.startswith("as the run was: "))
    assert "--sparkle=3" in kept.split()
    changed = resolve(parse([*flags, "--train", "--sparkle=4"], Sparkling), drawn_seed=1)
    assert "changed: sparkle 3 -> 4" in changed.notes
    assert not any("glitter" in note for note in changed.notes)


def test_help_whose_reader_has_left_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(text: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("main.say", gone)
    assert main(["--help"]) == 0
    assert capsys.readouterr().err == ""
