"""Names as people and file systems can bear them."""

from support.text import counted, first_names, in_units, name_in_file, shortened, shown


def test_one_thing_is_not_several() -> None:
    assert counted(1, "step") == "1 step"
    assert counted(2000, "step") == "2,000 steps"
    assert in_units(1) == "1 byte"


def test_class_names_are_safe_in_names_of_files() -> None:
    assert name_in_file("dark hair") == "dark-hair"
    assert name_in_file("../x_\n") == "-x_-"
    assert len(name_in_file("é" * 99)) == 40


def test_long_names_keep_their_beginning_and_their_end() -> None:
    assert shortened("a" * 120) == "a" * 120
    assert shortened("a" * 200 + "b" * 200) == "a" * 58 + "..." + "b" * 58
    assert shown("\n" + "a" * 200).startswith("\\naaa")
    assert len(first_names(["x" * 5000] * 9)) < 400
    assert first_names(list("abcd"), 4) == "a, b, c, d"
