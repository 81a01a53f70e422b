"""What --label means: numbers, ranges, names, and names that are numbers."""

import pytest

from generation.selection import as_typed, labels_named
from support.console import plain_words
from support.errors import UserError

DIGITS = [str(number) for number in range(10)]


@pytest.mark.parametrize(
    ("text", "classes", "labels"),
    [
        ("0-2,7", DIGITS, [0, 1, 2, 7]),
        ("dark,0,1-2", ["bright", "dark", "fair"], [1, 0, 1, 2]),
        ("1,2", ["1", "2", "3"], [0, 1]),
        ("1-2", ["1", "2", "3"], [0, 1]),
        ("1-2,03", ["01", "02", "03"], [0, 1, 2]),
        ("2-3", ["1", "2-3", "cat"], [1]),
        ("1,2", ["1", "cat", "dog"], [0, 2]),
        ("1,2", ["x", "y", "7" * 5000], [1, 2]),
        ("7" * 5000, ["x", "7" * 5000], [1]),
        ("\xe9,e\u0301", ["x", "e\u0301"], [1, 1]),
        ("\xe9,e\u0301", ["\xe9", "e\u0301"], [0, 1]),
        ("y", [" y", "y", "y "], [1]),
    ],
)
def test_labels_by_number_and_by_name(text: str, classes: list[str], labels: list[int]) -> None:
    assert labels_named(text, classes) == labels


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        ("0", ["1", "2", "3"], "the classes are 0 1, 1 2, 2 3"),
        ("2-4", ["1", "2", "3"], "the classes are"),
        ("0-1", ["1", "cat", "dog"], "is also a name, that of number 0; name the classes one"),
        ("9-10", DIGITS, "the classes are 0 to 9"),
        ("9" * 5000, DIGITS, "--label 9999.*: give numbers and ranges from small to large"),
        ("0-" + "9" * 5000, DIGITS, "--label 0-9999.*: give numbers and ranges"),
        ("x" * 5000, ["y" * 5000] * 5000, "the classes are 0 yyyy"),
    ],
)
def test_a_word_that_means_no_class_or_two_is_refused(
    text: str, classes: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        labels_named(text, classes)
    assert len(str(caught.value)) < 3000


def test_a_class_is_printed_as_it_can_be_typed() -> None:
    classes = ["dark hair", "fair, long", "x\x1b", " y", "1", "   ", "z\n"]
    for label in range(len(classes)):
        assert labels_named(as_typed(label, classes), classes) == [label]
    assert as_typed(0, classes) == "dark hair"
    assert as_typed(2, classes) == "2", "a control character is not printed"


@pytest.mark.parametrize(
    "classes",
    [
        ["1", "a,b"],
        ["01", "x\x1b"],
        ["1", "x\n", "x\\n"],
        ["-x", "\u201cy\u201d", "-\xe9"],
        ["   ", "a", " a"],
        ["2", "0-1", "\\"],
    ],
)
def test_what_is_printed_never_selects_another_class(classes: list[str]) -> None:
    for label in range(len(classes)):
        text = as_typed(label, classes)
        assert plain_words([text]) == [text]
        assert not text.startswith("-")
        assert labels_named(text, classes) == [label]
