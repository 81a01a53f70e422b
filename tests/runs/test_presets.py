"""--preset is a name for flags: they can be typed, are printed, and what is typed wins."""

import shlex
from pathlib import Path

import pytest
from makers import TRAIN, Here, ok, tiny

from main import parse
from runs.presets import PRESETS, flags_in
from runs.settings import Settings


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_is_what_its_flags_are(preset: str) -> None:
    named, typed = parse([f"--preset={preset}"]), parse(shlex.split(flags_in(preset)))
    assert named.as_json() | {"preset": "original"} == typed.as_json()
    assert named.given - {"preset"} == typed.given == frozenset(PRESETS[preset])


def test_what_is_typed_beside_a_preset_wins() -> None:
    assert parse(["--preset=better", "--ema=0.3"]).ema == 0.3
    assert parse(["--ema=0.3", "--preset=better"]).ema == 0.3


def test_a_preset_works_without_a_command_line() -> None:
    assert Settings(dataset="mnist", preset="better").ema == PRESETS["better"]["ema"]


def test_a_preset_is_printed_and_kept(here: Here, tmp_path: Path) -> None:
    tiny(tmp_path)
    out = ok(here(tmp_path, *TRAIN, "--preset=better"))
    assert f"--preset=better stands for {flags_in('better')}" in out
    out = ok(here(tmp_path, *TRAIN, "--epoch=2"))
    assert f"as the run was: {flags_in('better')}" in out
