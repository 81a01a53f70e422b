"""A run that was killed and started again equals the one that was left alone, in every bit."""

from pathlib import Path

from soak import soak


def test_kills_while_training_and_saving_change_nothing(tmp_path: Path) -> None:
    told = soak(tmp_path, kills=("training", "saving"), steps=60)
    assert told.startswith("2 of 2 kills survived")
    assert told.endswith("pictures, 60 printed losses")
