"""A training is resumed, or begins with the weights of another; only one at a time."""

import re
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import (
    PROJECT,
    TINY,
    TRAIN,
    Here,
    Run,
    await_line,
    files_written,
    ok,
    one_error_line,
    small,
    start,
    tiny,
    write_jpegs,
    write_mnist,
)

from gan.config import NetworkConfig, TrainingConfig
from model import DCGAN
from runs import plan
from support.errors import UserError
from training.distributed import Cluster
from training.run_report import report_of

QUIET = (*TINY, "--log_freq=1000")
OLD = PROJECT / "tests" / "data"


def test_training_resumes_where_it_stopped(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 9, 20, 20)
    ok(run("main.py", *QUIET, "--seed=5", "--train", "--epoch=1"))
    more = ("--sample_freq=1", "--train", "--epoch=2", "--visualize", "--deterministic")
    out = ok(run("main.py", *QUIET, *more))
    assert "seed: 5" in out, "remembered"
    assert "resuming from step 2" in out
    assert "wrote samples/tiny_4_16_16/train_01_0000.png" in out
    assert "wrote samples/tiny_4_16_16/option_0/test_" in out


def test_a_checkpoint_of_the_original_makes_pictures_and_trains_on(
    here: Here, tmp_path: Path
) -> None:
    shutil.copytree(OLD / "tf1_checkpoint_mnist", tmp_path / "old")
    write_mnist(tmp_path / "data/mnist", train=20)
    flags = ("--dataset=mnist", "--batch_size=4", "--checkpoint_dir=old")
    out = ok(here(tmp_path, *flags))
    assert "loaded step 4 of old" in out
    assert "wrote samples/old/option_0/" in out
    out = ok(here(tmp_path, *flags, "--train", "--epoch=1", "--ckpt_minutes=1e-9"))
    assert "resuming from step 4 of old" in out
    saved = [path.name for path in files_written(out, tmp_path)]
    assert [name for name in saved if "DCGAN" in name] == [f"DCGAN.model-{k}" for k in range(5, 10)]
    seed = next(line for line in out.splitlines() if line.startswith("seed: "))
    assert seed in ok(here(tmp_path, *flags, "--train", "--epoch=2")), "the same run is resumed"
    assert (tmp_path / "old/DCGAN.model-4.index").exists()


@pytest.mark.slow
def test_init_from_begins_a_run_with_the_weights_of_another(here: Here, tmp_path: Path) -> None:
    shutil.copytree(OLD / "tf1_checkpoint_color", tmp_path / "old")
    write_jpegs(tmp_path / "data/tiny", 4, 48, 48)
    flags = ("--dataset=tiny", "--batch_size=4", "--init_from=old", "--output_height=48")
    out = ok(here(tmp_path, *flags, "--train", "--epoch=1"))
    assert "weights and averages of step 4 of old" in out
    assert "Epoch: [ 0/ 1] [   0/   1]" in out
    out = ok(here(tmp_path, *flags, "--train", "--epoch=2"))
    assert "resuming from step 1 of checkpoint/tiny_4_48_48" in out
    assert "--init_from is not used" in out
    assert "loaded step 4 of old" in ok(here(tmp_path, *flags))


def test_a_dry_run_loads_what_init_from_names_as_the_start_does(here: Here, tmp_path: Path) -> None:
    prefix = small(16, 16, 3, gf_dim=4, df_dim=4).save(tmp_path / "old", 7)
    write_jpegs(tmp_path / "data/tiny", 4, 20, 20)
    flags = (*TINY, "--train", "--init_from=old", "--dry_run")
    assert "weights and averages of step 7 of old; the optimizers start anew\n" in ok(
        here(tmp_path, *flags)
    )
    assert not (tmp_path / "checkpoint").exists()
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-100])
    failed = one_error_line(here(tmp_path, *flags), 1)
    assert "no checkpoint in old can be read (1 tried)" in failed


def test_fine_tuning_keeps_the_frozen_layers_of_d_also_when_it_is_resumed(
    here: Here, tmp_path: Path
) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 16, 16)
    small(16, 16, 3, gf_dim=4, df_dim=4).save(tmp_path / "start", 0)
    flags = (*QUIET, "--seed=5", "--train")
    out = ok(here(tmp_path, *flags, "--init_from=start", "--freeze_d=2", "--epoch=1"))
    assert "the weights of D's first 2 layers stay as they are" in out
    resumed = ok(here(tmp_path, *flags, "--epoch=2"))
    (kept,) = (line for line in resumed.splitlines() if line.startswith("as the run was: "))
    assert "--freeze_d=2" in kept.split()
    report = report_of(tmp_path / "checkpoint/tiny_4_16_16")
    assert report.command.endswith(" --init_from=start"), "also after it was resumed without it"
    assert "It began with the weights of start." in report.lead
    shape = one_error_line(
        here(tmp_path, *flags, "--init_from=start", "--out_name=b", "--df_dim=9"), 2
    )
    assert shape.endswith("df_dim is 4, not 9. Give the stored values, or another --init_from")
    before, after = (
        DCGAN.from_checkpoint(tmp_path / folder).discriminator.trainable()
        for folder in ("start", "checkpoint/tiny_4_16_16")
    )
    same = {name for name in before if (before[name].numpy() == after[name].numpy()).all()}
    layers = ("d_h0_conv/w", "d_h0_conv/biases", "d_h1_conv/w", "d_h1_conv/biases")
    assert same == {f"discriminator/{n}" for n in (*layers, "d_bn1/beta", "d_bn1/gamma")}


@pytest.mark.slow
def test_two_trainings_of_one_run_do_not_mix(run: Run, tmp_path: Path) -> None:
    write_jpegs(tmp_path / "data/tiny", 8, 20, 20)
    flags = [*QUIET, "--train", "--epoch=100000"]
    with start(tmp_path, *flags, "--sample_freq=1") as first:
        await_line(first, "wrote")
        second = run("main.py", *flags)
        assert "another training is at work in checkpoint/tiny_4_16_16" in one_error_line(second, 1)
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)


@pytest.mark.slow
def test_a_bfloat16_run_stays_so_and_ends_as_one_that_was_not_stopped(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit; the flag is typed once. Whether XLA compiles is each command's own."""
    write_jpegs(tmp_path / "data/tiny", 4, 16, 16)
    small(16, 16, 3, gf_dim=4, df_dim=4).save(tmp_path / "start", 0)
    built = []

    class Built(DCGAN):
        def __init__(self, config: NetworkConfig, training: TrainingConfig, **flags: Any):
            super().__init__(config, training, **flags)
            built.append((config.precision, flags.get("xla", False)))

    monkeypatch.setattr(plan, "DCGAN", Built)
    flags = (*QUIET, "--seed=5", "--train", "--init_from=start")
    whole, halves = ("--out_name=whole", "--epoch=2"), "--out_name=halves"
    ok(here(tmp_path, *flags, *whole, "--precision=bfloat16"))
    ok(here(tmp_path, *flags, halves, "--epoch=1", "--precision=bfloat16"))
    built.clear()
    out = ok(here(tmp_path, *flags, halves, "--epoch=2"))
    assert re.search("as the run was: .*--precision=bfloat16", out)
    assert set(built) == {("bfloat16", False)}
    runs = [tmp_path / name / "checkpoint/tiny_4_16_16" for name in ("whole", "halves")]
    wanted, found = (DCGAN.from_checkpoint(run) for run in runs)
    assert int(found.step) == 2
    for one, other in zip(wanted.variables, found.variables, strict=True):
        np.testing.assert_array_equal(one, other, one.name)
    out = ok(here(tmp_path, *flags, halves, "--epoch=2", "--xla"))
    assert "changed: xla" not in out
    assert ("bfloat16", True) in built


@pytest.mark.slow
def test_an_averaged_run_keeps_its_average_and_ends_as_one_that_was_not_stopped(
    here: Here, tmp_path: Path
) -> None:
    """Bit for bit; --ema is typed once, also where it is typed after the run has begun."""
    write_jpegs(tmp_path / "data/tiny", 4, 16, 16)
    small(16, 16, 3, gf_dim=4, df_dim=4).save(tmp_path / "start", 0)
    flags = (*TINY, "--seed=5", "--train", "--init_from=start")
    whole, halves = ("--out_name=whole", "--epoch=3"), "--out_name=halves"
    out = ok(here(tmp_path, *flags, *whole, "--ema=0.1", "--sample_freq=1"))
    assert "wrote whole/samples/tiny_4_16_16/ema_02_0000.png" in out
    ok(here(tmp_path, *flags, halves, "--epoch=1", "--ema=0.1"))
    out = ok(here(tmp_path, *flags, halves, "--epoch=3"))
    assert re.search("as the run was: .*--ema=0.1", out)
    runs = [tmp_path / name / "checkpoint/tiny_4_16_16" for name in ("whole", "halves")]
    wanted, found = (DCGAN.from_checkpoint(run) for run in runs)
    for one, other in zip(wanted.variables, found.variables, strict=True):
        np.testing.assert_array_equal(one, other, one.name)
    test = (*TINY, "--out_name=whole", "--dry_run")
    loaded = "step 3 of whole/checkpoint/tiny_4_16_16, {} weights"
    assert loaded.format("averaged") in ok(here(tmp_path, *test))
    assert loaded.format("raw") in ok(here(tmp_path, *test, "--weights=raw"))
    later = (*flags, "--out_name=later")
    ok(here(tmp_path, *later, "--epoch=1"))
    error = one_error_line(here(tmp_path, *later, "--epoch=2", "--weights=ema"), 2)
    assert error.startswith("error: --weights=ema: nothing is averaged without --ema")
    done = here(tmp_path, *later, "--epoch=2", "--ema=0.1")
    assert "has no averaged weights: the average begins with the raw ones" in done.stderr
    assert "changed: ema 0 -> 0.1" in ok(done)


@pytest.mark.slow
def test_the_workers_of_a_cluster_compare_each_flag_and_the_classes(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name; where the images and their labels are read from is each machine's own."""
    compared: list[dict[str, int]] = []

    def compare(_: Cluster, values: dict[str, int]) -> None:
        compared.append(values)
        raise UserError("compared, which is enough here")

    monkeypatch.setattr(Cluster, "refuse_differences", compare)
    names = [path.name for path in tiny(tmp_path, 4)]
    shutil.copytree(tmp_path / "data", tmp_path / "data_of_another")

    def differing(classes: str, *flags: str) -> list[str]:
        rows = [f"{name},{label}\n" for name, label in zip(names, classes, strict=True)]
        table = tmp_path / f"{classes}.csv"
        table.write_text("".join(["file,label\n", *rows]))
        one_error_line(here(tmp_path, *TRAIN, f"--labels_file={table}", *flags), 2)
        return [name for name, value in compared[-1].items() if value != compared[0][name]]

    assert not differing("abcd")
    assert not differing("abcd", "--data_dir=data_of_another", "--device=cpu")
    assert differing("abcd", "--epoch=9") == ["the checksum of --epoch"]
    assert differing("bacd") == ["the checksum of the labels"]
    assert differing("abce") == ["the checksum of the classes' names"]
    assert differing("abcd", "--seed=4") == ["the seed"]
