"""How old the libraries are: a table, of a lock file on stdin, of what requirements.txt names.

make dates
"""

import re
import sys
from pathlib import Path

PACKAGE = re.compile(r'^name = "(.+)"\nversion = "(.+)"$', re.MULTILINE)
REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"


def main() -> None:
    """Print the table; a package whose index does not tell when it came out has no date in it."""
    _, *parts = sys.stdin.read().split("[[packages]]\n")
    found = {}
    for part in parts:
        name, version = PACKAGE.findall(part)[0]
        found[name] = min(re.findall(r"upload-time = ([\d-]+)", part), default=""), version
    dated = sorted((day, name, version) for name, (day, version) in found.items() if day)
    oldest = ", ".join(f"{name} {version} ({day})" for day, name, version in dated[:3])
    print(f"{len(found)} packages, {len(found) - len(dated)} of them without a date.")
    print(f"The oldest: {oldest}.\n\n| package | version | of |\n|---|---|---|")
    for name in re.findall(r"^[\w-]+", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE):
        day, version = found[name]
        print(f"| {name} | {version} | {day or 'unknown'} |")


if __name__ == "__main__":
    main()
