"""The table of `make dates` names every package of the requirements."""

from dates import table

LOCK = """lock-version = "1.0"

[[packages]]
name = "pillow"
version = "13.0.0"
sdist = { upload-time = 2026-10-17T01:00:00Z }
wheels = [{ upload-time = 2026-10-16T01:00:00Z }]

[[packages]]
name = "no-date"
version = "2.1"
"""


def test_each_requirement_has_a_line_whatever_the_lock_holds() -> None:
    requirements = "# comment\nPillow>=10\nno_date\nscipy==1; python_version > '4'\n"
    assert table(LOCK, requirements).splitlines() == [
        "2 packages, 1 of them without a date.",
        "The oldest: pillow 13.0.0 (2026-10-16).",
        "",
        "| package | version | of |",
        "|---|---|---|",
        "| Pillow | 13.0.0 | 2026-10-16 |",
        "| no_date | 2.1 | unknown |",
        "| scipy | not installed | unknown |",
    ]
