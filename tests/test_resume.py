"""A run that was killed and started again equals the one that was left alone, in every bit."""

from pathlib import Path

import pytest
from soak import soak


@pytest.mark.parametrize(("dataset", "kills"), [("tiny", ["saving"]), ("mnist", ["training"])])
def test_kills_while_training_and_saving_change_nothing(
    dataset: str, kills: list[str], tmp_path: Path
) -> None:
    told = soak(tmp_path, dataset, kills, steps=30)
    assert told.startswith(f"{len(kills)} of {len(kills)} kills survived")
    assert told.endswith("pictures, 30 printed losses")
