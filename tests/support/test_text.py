"""Names as people and file systems can bear them."""

from support.text import name_in_file


def test_class_names_are_safe_in_names_of_files() -> None:
    assert name_in_file("dark hair") == "dark-hair"
    assert name_in_file("../x_\n") == "-x_-"
    assert len(name_in_file("é" * 99)) == 40
