"""How a setting's value is read and shown."""

import pytest

from runs.flags import displayed


@pytest.mark.parametrize(
    ("value", "shown"), [(640.0, "640"), (0.5, "0.5"), (7, "7"), ("a\nb", "a\\nb"), (None, "None")]
)
def test_a_value_is_shown_on_one_line_as_it_is_typed(value: object, shown: str) -> None:
    assert str(displayed(value)) == shown


def test_a_huge_number_is_shown_in_few_digits() -> None:
    assert displayed(1e300) == 1e300
    assert displayed(3.0) == 3
