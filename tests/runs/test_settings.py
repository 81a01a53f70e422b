"""Settings cannot be changed, and can be stored."""

import dataclasses
import json

import pytest

from main import parse


def test_settings_are_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse([]).epoch = 3  # type: ignore[misc]


def test_settings_are_valid_json() -> None:
    stored = json.loads(json.dumps(parse(["--epoch=3"]).as_json(), allow_nan=False))
    assert stored["epoch"] == 3
    assert stored["train_size"] == "inf"
    assert stored["checkpoint_dir"] == "checkpoint"


def test_what_was_typed_is_known() -> None:
    assert parse(["--epoch=25", "--crop"]).given == {"epoch", "crop"}
