"""--preset is a name for flags: they can be typed, are printed, and what is typed wins."""

import shlex
from pathlib import Path

import pytest
from makers import TRAIN, Here, ok, tiny

from main import parse
from runs.presets import PRESETS, flags_in, meant_by
from runs.settings import Settings

DATA = {"dcgan": [], "dcgan_mnist": ["--dataset=mnist"]}


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("architecture", DATA)
def test_a_preset_is_what_its_flags_are(preset: str, architecture: str) -> None:
    data, flags = DATA[architecture], shlex.split(flags_in(preset, architecture))
    named, typed = parse([*data, f"--preset={preset}"]), parse([*data, *flags])
    assert named.as_json() | {"preset": "original"} == typed.as_json()
    assert named.given - {"preset"} == typed.given
    assert typed.given - {"dataset"} == frozenset(meant_by(preset, architecture))


def test_digits_have_a_preset_of_their_own() -> None:
    assert parse(["--dataset=mnist", "--preset=better"]).g_updates == 1
    for others in (["--nolabels"], ["--arch=dcgan"], ["--dataset=anime"]):
        assert parse(["--dataset=mnist", "--preset=better", *others]).g_updates is None


def test_what_is_typed_beside_a_preset_wins() -> None:
    assert parse(["--preset=better", "--ema=0.3"]).ema == 0.3
    assert parse(["--ema=0.3", "--preset=better"]).ema == 0.3


def test_a_preset_works_without_a_command_line() -> None:
    assert Settings(dataset="mnist", preset="better").d_learning_rate == 0.0006
    assert Settings(dataset="anime", preset="better").d_learning_rate is None


def test_a_preset_is_printed_and_kept(here: Here, tmp_path: Path) -> None:
    tiny(tmp_path)
    out = ok(here(tmp_path, *TRAIN, "--preset=better"))
    assert f"--preset=better stands for {flags_in('better', 'dcgan')}" in out
    out = ok(here(tmp_path, *TRAIN, "--epoch=2"))
    assert f"as the run was: {flags_in('better', 'dcgan')}" in out
