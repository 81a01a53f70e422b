"""What became of the files of a folder: the lines a user reads, and the list that is kept."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets.image_files import Loaded
from support.errors import UserError
from support.files import written_aside
from support.text import counted, first_names, printable


@dataclass
class Report:
    """Counts every file: it is used, or skipped for a reason.

    skipped: (name, reason), sorted by name. converted: how many of the used files took each kind of
    conversion; a file may count for several.
    """

    used: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    converted: Counter[str] = field(default_factory=Counter)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Report":
        """A report from its JSON, which is vars(report)."""
        skipped = [(name, reason) for name, reason in stored["skipped"]]
        return cls(stored["used"], skipped, Counter(stored["converted"]))

    def add(self, name: str, result: Loaded | str) -> None:
        """Count a file: what came of it, or why nothing did."""
        if isinstance(result, str):
            self.skipped.append((name, result))
        else:
            self.used += 1
            self.converted.update(result.done)

    @property
    def found(self) -> int:
        """Files that were looked at."""
        return self.used + len(self.skipped)

    def lines(self, folders: Sequence[str], skipped_list: Path) -> Iterator[str]:
        """What a user reads before training; `folders` are those that match the pattern."""
        skipped = f", {len(self.skipped):,} skipped" if self.skipped else ""
        yield f"{counted(self.found, 'file')} found, {self.used:,} used{skipped}"
        for reason, names in self._by_reason():
            yield f"skipped {len(names):,} ({reason}): {first_names(names)}"
        if self.skipped:
            yield f"all skipped files: {skipped_list}"
        if folders:
            yield f"passed over {len(folders):,} (folders): {first_names(folders)}"
        for kind, count in self.converted.most_common():
            yield f"converted {count:,} ({kind})"

    def refuse_bad(self, folder: Path, skipped_list: Path, allow_bad: bool) -> None:
        """Refuse a folder of which too little can be used.

        Raises:
            UserError: nothing can be used; or more than half was skipped, unless `allow_bad`.
        """
        if self.used and (allow_bad or 2 * len(self.skipped) <= self.found):
            return
        reason, names = self._by_reason()[0]
        allow = f"; --allow_bad trains on the other {self.used:,}" if self.used else ""
        raise UserError(
            f"{folder}: {len(self.skipped):,} of {self.found:,} files cannot be used, "
            f"{len(names):,} of them ({reason}): {first_names(names)}; "
            f"all are listed in {skipped_list}{allow}"
        )

    def write_skipped(self, path: Path) -> None:
        """List the skipped files, if any, a line for each: the reason, a tab, the name."""
        if not self.skipped:
            path.unlink(missing_ok=True)
            return
        with written_aside(path) as aside:
            lines = (f"{reason}\t{printable(name)}\n" for name, reason in self.skipped)
            aside.write_text("".join(lines), encoding="utf-8")

    def _by_reason(self) -> list[tuple[str, list[str]]]:
        """Reasons and their files, the most frequent first."""
        names: dict[str, list[str]] = {}
        for name, reason in self.skipped:
            names.setdefault(reason, []).append(name)
        return sorted(names.items(), key=lambda item: -len(item[1]))
