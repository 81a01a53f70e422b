"""What a setting's field says of itself, and how a value is read by it, typed or stored."""

import re
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from absl import flags

from support.console import LARGEST
from support.errors import UserError
from support.text import printable

# What a run makes of a setting.
KEPT = "kept"  # decides the run: an earlier start's value stays, unless another is typed
CHANGEABLE = "changeable"  # may differ from start to start; the change is printed
COMMAND = "command"  # decides what this one command does; it is never compared
NEEDED: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number"}
PARSERS = {bool: flags.BooleanParser, int: flags.IntegerParser, float: flags.FloatParser}


@dataclass(frozen=True)
class Flag:
    """What a setting's field says of it, beside its name, its type and its default.

    least, most: bounds, both included. above, below: bounds that are not included. choices: all
    values there are. pattern: of a value that `text` describes. was: its name in tutorials of 2016
    and 2017. by_machine: each machine of a cluster may have its own value. group: the title in the
    help text of this setting and the next.
    """

    text: str
    mark: str = CHANGEABLE
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()
    pattern: str = ""
    was: str = ""
    by_machine: bool = False
    group: str = ""

    def holds(self, value: Any) -> bool:
        """Whether a value of the field's type is within the bounds."""
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (not self.choices or value in self.choices)
            and (not self.pattern or re.fullmatch(self.pattern, value) is not None)
        )

    @property
    def wanted(self) -> str:
        """What `holds`, in words."""
        if self.choices:
            return f"there are {', '.join(map(str, self.choices))}"
        if self.pattern:
            return f"it must be {self.text}"
        bounds = {
            f"{self.least} or more": self.least,
            f"above {self.above}": self.above,
            f"up to {self.most}": self.most,
            f"below {self.below}": self.below,
        }
        there = [words for words, bound in bounds.items() if bound is not None]
        return f"it must be {' and '.join(there)}"


def setting(default: Any, text: str, mark: str = CHANGEABLE, **known: Any) -> Any:
    """A field of Settings; the keywords are Flag's."""
    return field(default=default, metadata={"flag": Flag(text, mark, **known)})


def flags_of(settings: Any) -> dict[str, Field]:
    """The fields of a Settings, or of its class, that are settings: by name, in their order."""
    return {one.name: one for one in fields(settings) if "flag" in one.metadata}


def marked(settings: Any, mark: str) -> list[str]:
    """The names of the settings with a mark: KEPT, CHANGEABLE or COMMAND."""
    return [name for name, one in flags_of(settings).items() if one.metadata["flag"].mark == mark]


def kind_of(one: Field) -> type:
    """The type of a setting: bool, int, float, str or Path, also where it may be None."""
    kind: Any = one.type
    return get_args(kind)[0] if isinstance(kind, UnionType) else kind


class FieldParser(flags.ArgumentParser):
    """absl's parser for a setting's type, with the bounds and the words of its field."""

    def __init__(self, one: Field):
        """For one field of Settings."""
        self._flag: Flag = one.metadata["flag"]
        self._kind = kind_of(one)
        self._parser = PARSERS.get(self._kind, flags.ArgumentParser)()

    def parse(self, argument: Any) -> Any:
        """A typed word, a JSON value or a value of the type itself -> a value of the type.

        Raises:
            ValueError: it is not one, or out of bounds; says what is wanted.
        """
        try:
            if not _may_be(self._kind, argument):
                raise TypeError(argument)
            if self._kind is Path:
                return Path(argument).expanduser()
            value = self._parser.parse(argument)
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            # RuntimeError: ~nobody/data; OverflowError: a whole number beyond all floats.
            raise ValueError(f"{NEEDED.get(self._kind, 'a name')} is needed") from error
        if self._kind is int and value > LARGEST:
            raise ValueError(f"it must be up to {LARGEST}")
        if not self._flag.holds(value):
            raise ValueError(self._flag.wanted)
        return value


def _may_be(kind: type, argument: Any) -> bool:
    """Whether a value may stand for a type: absl would cut 2.5 to 2, and take true for 1."""
    if isinstance(argument, str):
        return "\0" not in argument
    if kind in (int, float):
        return not isinstance(argument, bool) and (kind is float or argument == int(argument))
    return True


def displayed(value: Any) -> Any:
    """A setting's value as it is typed, on one line: a whole number without its .0."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return value if str(value).isprintable() else printable(str(value))


def as_flag(name: str, value: Any) -> str:
    """How one types a setting: --crop, --nocrop, --epoch=25."""
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    return f"--{name}={displayed(value)}"


def typed_value(one: Field, value: Any) -> Any:
    """A value, typed or stored, in the type of its field; None where that is the default.

    Raises:
        ValueError: it makes no sense; says what is wanted.
    """
    return None if value is None and one.default is None else FieldParser(one).parse(value)


def value_of(one: Field, value: Any) -> Any:
    """As typed_value, for what was typed.

    Raises:
        UserError: it makes no sense; names the flag, the value and what it takes.
    """
    try:
        return typed_value(one, value)
    except ValueError as error:
        raise UserError(f"--{one.name}={value}: {error}") from error
