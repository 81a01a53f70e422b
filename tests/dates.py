"""How old the libraries are: a table, of a lock file on stdin, of what requirements.txt names.

make dates
"""

import re
import sys
from pathlib import Path

PACKAGE = re.compile(r'^name = "(.+)"\nversion = "(.+)"$', re.MULTILINE)
REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"


def main() -> None:
    """Print the table of the lock file on stdin."""
    print(table(sys.stdin.read(), REQUIREMENTS.read_text(encoding="utf-8")))


def table(lock: str, requirements: str) -> str:
    """Counts, the oldest packages, and a line for each that the requirements name.

    A package whose index does not tell when it came out has no date, and one that the lock file
    does not hold (a marker may have left it out) no version either.
    """
    _, *parts = lock.split("[[packages]]\n")
    found = {}
    for part in parts:
        name, version = PACKAGE.findall(part)[0]
        found[name] = min(re.findall(r"upload-time = ([\d-]+)", part), default=""), version
    dated = sorted((day, name, version) for name, (day, version) in found.items() if day)
    oldest = ", ".join(f"{name} {version} ({day})" for day, name, version in dated[:3])
    lines = [f"{len(found)} packages, {len(found) - len(dated)} of them without a date."]
    lines += [f"The oldest: {oldest}.", "", "| package | version | of |", "|---|---|---|"]
    for name in re.findall(r"^[\w.-]+", requirements, re.MULTILINE):
        normal = re.sub(r"[-_.]+", "-", name).lower()  # as lock files spell it
        day, version = found.get(normal, ("", "not installed"))
        lines.append(f"| {name} | {version} | {day or 'unknown'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
