"""A run that was killed and started again equals the one that was left alone, in every bit."""

from pathlib import Path

from soak import soak


def test_kills_in_a_save_change_nothing(tmp_path: Path) -> None:
    """With labels; `make soak` does it 30 times, also while starting and in training."""
    told = soak(tmp_path, "mnist", ["saving"], steps=30)
    assert told.startswith("1 of 1 kills survived")
    assert told.endswith("pictures, 30 printed losses")
