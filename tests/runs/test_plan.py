"""A run is resumed as it was; what is not as it was is said."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from makers import small

from main import parse
from runs.plan import Plan, refuse_other_classes, resolve
from runs.presets import flags_in, meant_by
from runs.settings import Settings
from runs.stored import RUN_FILE, read_run, store_run
from support.errors import UserError

SIZES = ("--gf_dim=2", "--df_dim=2")
NETWORKS: dict[str, Any] = {"c_dim": 3, "z_dim": 100, "gfc_dim": 1024, "dfc_dim": 1024}


def settings(out_dir: Path, *flags: str) -> Settings:
    return parse(["--dataset=anime", "--output_height=8", f"--out_dir={out_dir}", *flags])


def make_run(out_dir: Path, *flags: str) -> Path:
    """A run's folder with a checkpoint of tiny networks, and with its settings."""
    run = settings(out_dir, "--seed=5", *SIZES, *flags)
    folder = run.run_folder(run.checkpoint_dir)
    store_run(run, 100, folder)
    small(**NETWORKS).save(folder, 1)
    return folder


def plan(out_dir: Path, *flags: str) -> Plan:
    return resolve(settings(out_dir, "--train", *flags), drawn_seed=77)


def test_what_decides_the_run_stays_as_it_was(tmp_path: Path) -> None:
    typed = ("--crop", "--learning_rate=0.001", "--train_size=640", "--z_dist=normal01")
    make_run(tmp_path, *typed, "--log_freq=7")
    found = plan(tmp_path)
    now = found.settings
    assert (now.seed, now.crop, now.learning_rate, now.train_size) == (5, True, 0.001, 640)
    assert now.z_dist == "normal01"
    assert now.log_freq == 1
    assert found.seed == 5
    assert found.notes == (
        "as the run was: --crop=True --train_size=640 --learning_rate=0.001 --gf_dim=2 --df_dim=2 "
        "--z_dist=normal01",
        "seed: 5",
        "changed: log_freq 7 -> 1 (it was not typed)",
    )


def test_what_is_typed_is_taken_and_the_change_is_said(tmp_path: Path) -> None:
    make_run(tmp_path, "--crop", "--epoch=3")
    found = plan(tmp_path, "--nocrop", "--beta1=0.4", "--epoch=9", "--seed=6", "--sample_num=9")
    now = found.settings
    assert (now.crop, now.beta1, now.epoch, now.seed) == (False, 0.4, 9, 6)
    for change in (
        "crop True -> False",
        "beta1 0.5 -> 0.4",
        "epoch 3 -> 9",
        "seed 5 -> 6",
        "sample_num the default -> 9",
    ):
        assert f"changed: {change}" in found.notes


def test_a_width_follows_the_height_that_is_typed_unless_it_was_another(tmp_path: Path) -> None:
    crop = ("--crop", "--input_height=96")
    make_run(tmp_path, *crop)
    now = plan(tmp_path, "--input_height=48")
    assert (now.settings.input_height, now.settings.input_width) == (48, 48)
    assert not any("width" in note for note in now.notes)
    assert plan(tmp_path).settings.input_width == 96
    assert plan(tmp_path, "--input_width=64").settings.input_width == 64
    make_run(tmp_path, *crop, "--input_width=80")
    assert plan(tmp_path, "--input_height=48").settings.input_width == 80, "typed, and it is said"


def test_a_run_keeps_the_weight_of_its_penalty_but_not_for_another_loss(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "--loss=wgan-gp", "--penalty_weight=5")
    small(**NETWORKS, loss="wgan-gp", penalty_weight=5).save(folder, 2)

    def weight(*flags: str) -> float:
        return plan(tmp_path, *flags).networks(3, None).loss.weight

    assert [weight(), weight("--penalty_weight=7")] == [5, 7]
    assert [weight("--loss=wgan-gp"), weight("--loss=rpgan"), weight("--loss=hinge")] == [5, 1, 1]
    with pytest.raises(UserError, match=r"^--penalty_weight=5 does not go with loss=gan, which ha"):
        plan(tmp_path, "--penalty_weight=5", "--out_name=new")


def test_a_run_file_that_holds_a_space_and_no_eval_freq_is_taken(tmp_path: Path) -> None:
    """An earlier version took the space alone; both are as typed at each start."""
    folder = make_run(tmp_path, "--eval_freq=9", "--eval_space=pixels")
    path = folder / RUN_FILE
    path.write_text(path.read_text().replace('"eval_freq": 9', '"eval_freq": 0'))
    assert plan(tmp_path).settings.eval_space is None
    Settings(**read_run(folder).settings)
    with pytest.raises(UserError, match=r"^--eval_space=pixels says what --eval_freq measures in"):
        plan(tmp_path, "--eval_space=pixels")


def test_a_learning_rate_does_nothing_where_the_run_has_one_for_each_network(
    tmp_path: Path,
) -> None:
    make_run(tmp_path, "--d_learning_rate=0.01")
    assert plan(tmp_path, "--learning_rate=0.1").settings.training().rates == (0.01, 0.1)
    make_run(tmp_path, "--d_learning_rate=0.01", "--g_learning_rate=0.02")
    assert plan(tmp_path).settings.training().rates == (0.01, 0.02)
    told = (
        "--learning_rate=0.1 does nothing beside --g_learning_rate=0.02 and --d_learning_rate=0.01 "
        "of the run as it is stored: type --g_learning_rate and --d_learning_rate in its place"
    )
    with pytest.raises(UserError, match=f"^{told}$"):
        plan(tmp_path, "--learning_rate=0.1")
    with pytest.raises(UserError, match=r"does nothing beside .* of --preset=better: type"):
        resolve(parse(["--dataset=mnist", "--train", "--preset=better", "--learning_rate=1"]), 7)


@pytest.mark.parametrize(("begun_as", "others"), [("dcgan", "mnist"), ("dcgan_mnist", "anime")])
def test_a_preset_is_that_of_the_stored_networks_whatever_the_data_suggest(
    begun_as: str, others: str, tmp_path: Path
) -> None:
    words = [f"--dataset={others}", f"--out_dir={tmp_path}", "--train", "--ema=0.3"]
    size = (*SIZES, "--output_height=28", f"--arch={begun_as}", "--labels", "--seed=5")
    run = parse([*words, *size])
    folder = run.run_folder(run.checkpoint_dir)
    store_run(run, 100, folder)
    small(28, 28, **NETWORKS | {"y_dim": 10}, architecture=begun_as).save(folder, 1)
    again = parse([*words, "--output_height=28", "--labels", "--preset=better"])
    found = resolve(again, drawn_seed=77)
    now, wanted = found.settings, {**meant_by("better", begun_as), "ema": 0.3}
    shown = {f"--preset=better stands for {flags_in('better', begun_as)}"}
    assert {note for note in found.notes if "stands for" in note} == shown
    assert now.arch == begun_as
    rates = ("learning_rate", "g_learning_rate", "d_learning_rate", "decay_steps")
    of_lists = (*rates, "g_updates", "ema")
    assert {n: getattr(now, n) for n in of_lists} == {
        n: wanted.get(n, getattr(Settings, n)) for n in of_lists
    }
    assert now.by_preset == wanted.keys() - {"ema"}


def test_a_run_with_labels_is_not_blamed_where_none_are_asked_for(tmp_path: Path) -> None:
    words = ["--dataset=mnist", f"--out_dir={tmp_path}", "--train"]
    run = parse(words)
    small(28, 28, y_dim=10).save(run.run_folder(run.checkpoint_dir), 1)
    store_run(run, 100, run.run_folder(run.checkpoint_dir))
    with pytest.raises(UserError, match="was trained with labels, and this command is without"):
        resolve(parse([*words, "--nolabels"]), drawn_seed=77)


def test_the_same_command_says_nothing_new(tmp_path: Path) -> None:
    flags = (*SIZES, "--crop", "--train_size=inf", "--seed=5")
    make_run(tmp_path, *flags)
    assert plan(tmp_path, *flags).notes == ("seed: 5",)


def test_before_the_first_checkpoint_only_the_seed_stays(tmp_path: Path) -> None:
    for file in make_run(tmp_path, "--crop").glob("DCGAN.model-*"):
        file.unlink()
    found = plan(tmp_path)
    assert (found.settings.seed, found.settings.crop) == (5, False)
    assert found.stored is None


def test_a_run_file_written_before_a_flag_existed_is_taken(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "--crop")
    (folder / RUN_FILE).write_text('{"seed": 5}')
    assert plan(tmp_path).seed == 5


def test_without_a_run_file_the_checkpoint_tells_learning_rate_and_beta1(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    small(**NETWORKS, learning_rate=0.01, beta1=0.3).save(folder, 2)
    (folder / RUN_FILE).unlink()
    found = plan(tmp_path, "--beta1=0.4")
    assert (found.settings.learning_rate, found.settings.beta1) == (0.01, 0.4)
    assert found.seed == 77
    assert any("holds no run.json" in note for note in found.notes)


def test_the_file_that_makes_no_sense_is_blamed(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    small(**NETWORKS, learning_rate=0.0).save(folder, 2)
    (folder / RUN_FILE).unlink()
    with pytest.raises(UserError, match=r"DCGAN\.model\.json: --learning_rate=0"):
        plan(tmp_path)


def test_what_was_typed_beside_the_stored_is_blamed_where_both_do_not_go_together(
    tmp_path: Path,
) -> None:
    make_run(tmp_path, "--loss=hinge")
    with pytest.raises(UserError, match=r"^--label_smoothing=0\.1 does not go with loss=hinge"):
        plan(tmp_path, "--label_smoothing=0.1")


def test_the_checkpoint_tells_the_sizes_of_the_networks_whatever_run_json_says(
    tmp_path: Path,
) -> None:
    """An earlier version noted z_dim as it was typed, also where --init_from decided it."""
    folder = make_run(tmp_path, "--z_dim=50")
    found = plan(tmp_path)
    assert (found.settings.z_dim, found.settings.gf_dim) == (100, 2)
    assert found.notes == ("as the run was: --gf_dim=2 --df_dim=2", "seed: 5")
    begun = plan(tmp_path, "--out_name=other", f"--init_from={folder}")
    assert (begun.settings.gf_dim, begun.settings.gfc_dim) == (2, 1024)


def test_new_networks_take_what_is_stored_and_what_the_data_decide(tmp_path: Path) -> None:
    make_run(tmp_path)
    dcgan = plan(tmp_path, "--batch_size=64").networks(c_dim=1, y_dim=None)
    assert (dcgan.config.gf_dim, dcgan.config.c_dim) == (2, 1)
    assert plan(tmp_path, "--out_name=new").networks(3, None).config.gf_dim == 64


def test_what_shapes_the_networks_cannot_be_changed(tmp_path: Path) -> None:
    make_run(tmp_path)
    with pytest.raises(UserError, match="another shape: z_dim is 100, not 5"):
        plan(tmp_path, "--z_dim=5")
    with pytest.raises(UserError, match="was trained without labels, and this command is with"):
        plan(tmp_path, "--labels")


def test_what_to_begin_with_must_be_there_until_the_run_has_begun(tmp_path: Path) -> None:
    flag = f"--init_from={tmp_path / 'gone'}"
    with pytest.raises(UserError, match="there is no checkpoint in it"):
        plan(tmp_path, flag)
    make_run(tmp_path)
    assert plan(tmp_path, flag).stored is not None, "the same command resumes"


def test_the_architecture_of_a_run_stays_without_its_file(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    shutil.rmtree(folder)
    small(c_dim=3, z_dim=100, architecture="gan").save(folder, 1)
    assert plan(tmp_path).settings.arch == "gan"
    with pytest.raises(UserError, match=r"^--preset=better does not go with --arch=gan"):
        plan(tmp_path, "--preset=better")
    with pytest.raises(UserError, match="are gan, not dcgan: add --arch=gan"):
        plan(tmp_path, f"--init_from={folder}", "--out_name=new")


@pytest.mark.parametrize("size", [(16, 16), (16, 12)])
def test_weights_of_networks_of_another_size_are_refused_typed_or_not(
    size: tuple[int, int], tmp_path: Path
) -> None:
    height, width = size
    small(height, width).save(tmp_path / "other", 1)
    told = f"make {height}x{width} pictures, not 64x64: add --output_height={height}"
    words = ["--dataset=anime", "--train", f"--out_dir={tmp_path}"]
    with pytest.raises(UserError, match=told):
        resolve(parse([*words, f"--init_from={tmp_path / 'other'}"]), drawn_seed=77)


def test_layers_are_frozen_only_where_they_were_trained(tmp_path: Path) -> None:
    make_run(tmp_path)
    frozen = ("--freeze_d=2", "--out_name=new")
    with pytest.raises(UserError, match="--freeze_d=2 keeps weights that were trained, and these"):
        plan(tmp_path, *frozen)
    assert plan(tmp_path, "--freeze_d=2").settings.freeze_d == 2, "this run's own are trained"
    run = settings(tmp_path).run_folder(settings(tmp_path).checkpoint_dir)
    begun = plan(tmp_path, *frozen, f"--init_from={run}")
    assert begun.networks(1, None).training.freeze_d == 2
    begun.networks(1, None).save(begun.folder, 3)
    again = plan(tmp_path, "--out_name=new")
    assert again.settings.freeze_d == 2, "the run has it"
    plan(tmp_path, *frozen)
    assert plan(tmp_path, "--out_name=new", "--freeze_d=0").networks(1, None).training.freeze_d == 0
    with pytest.raises(UserError, match="freeze_d is 5: D has 5 layers, and the last is to be"):
        plan(tmp_path, "--freeze_d=5", "--out_name=x", f"--init_from={run}").networks(1, None)


def test_other_classes_are_refused_by_name(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    store_run(settings(tmp_path), 100, folder, ["dark", "fair"])
    refuse_other_classes(folder, ["dark", "fair"])
    with pytest.raises(UserError, match="the data lack fair, and red is new"):
        refuse_other_classes(folder, ["dark", "red"])
    store_run(settings(tmp_path), 100, folder, ["blond", "e\u0301"])
    assert (
        refuse_other_classes(folder, ["blond", "\u00e9"]) == []
    )  # names of folders are composed now
    (folder / RUN_FILE).unlink()
    (said,) = refuse_other_classes(folder, ["dark", "red"])
    assert said == f"{folder} does not name the run's classes: see that they are the same as before"
    assert refuse_other_classes(folder, []) == refuse_other_classes(tmp_path, ["dark"]) == []
