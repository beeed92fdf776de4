"""Lines of a configuration that may be shown: whatever could be a secret is masked.

Only the names of options, what people have named, and the values of options that no secret belongs
to are shown, as libyaml reads them. Everything else is masked: other values, comments, tags and
anchors, and whatever follows a YAML error.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Self

import yaml

from exporter.config.mistakes import Place

MASK = "*"
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_SIGNS = re.compile(r"[\[\]{},]|(?<![^\s\[\]{},])[-?:](?![^\s\[\]{},])")
_END = (1 << 62, 0)
_OF_A_SECRET = frozenset(("file", "env"))  # what follows may be the secret itself


@dataclass(frozen=True, slots=True)
class OptionNames:
    """The names of options."""

    known: frozenset[str]
    public: frozenset[str]  # of those that are nowhere secrets
    holders: frozenset[str]  # of mappings from any name to a secret

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Self:
        parts = (schema, *schema.get("$defs", {}).values())
        options = [*chain.from_iterable(part.get("properties", {}).items() for part in parts)]
        known = frozenset(name for name, _ in options)
        public = known.difference(name for name, one in options if _is_secret(one))
        holders = frozenset(name for name, one in options if _holds_secrets(one))
        return cls(known | _OF_A_SECRET, public - _OF_A_SECRET - holders, holders)


def _is_secret(option: Mapping[str, Any]) -> bool:
    """Whether it may be `{file: PATH}`: then its text is a secret."""
    return any("file" in one.get("properties", {}) for one in option.get("anyOf", ()))


def _holds_secrets(option: Mapping[str, Any]) -> bool:
    return any(map(_is_secret, option.get("patternProperties", {}).values()))


def excerpts(text: str, places: Collection[Place], names: OptionNames) -> dict[int, str]:
    """The lines of these places, by their numbers. What a place points at is shown if it is a key:
    mistakes name it anyway."""
    lines = _BREAK.split(text)
    wanted = {place.line for place in places if place.line <= len(lines)}
    at_fault = {(place.line - 1, place.column - 1) for place in places}
    found = _Reader(names, at_fault, max(wanted, default=0)).read(text)
    return {number: _masked(lines[number - 1], number - 1, found) for number in wanted}


_Spot = tuple[int, int]
"""A line and a column, counted from 0."""


@dataclass(slots=True)
class _Found:
    """The keys and values of a text, by line: from one column to another, and whether they may be
    shown."""

    spans: dict[int, list[tuple[int, int, bool]]] = field(
        default_factory=lambda: defaultdict(list[tuple[int, int, bool]])
    )
    until: _Spot = (0, 0)  # what follows could not be read

    def add(self, start: _Spot, end: _Spot, *, shown: bool) -> None:
        for line in range(start[0], end[0] + 1):
            first = start[1] if line == start[0] else 0
            last = end[1] if line == end[0] else _END[0]
            self.spans[line].append((first, last, shown))


@dataclass(slots=True)
class _Level:
    """A mapping or a list. The name is that of the option that it is the value of."""

    is_mapping: bool
    name: str
    key: str | None = None  # whose value comes next


class _Reader:
    """Finds what may be shown until the last line that is wanted."""

    def __init__(self, names: OptionNames, at_fault: Collection[_Spot], last: int) -> None:
        self._names = names
        self._at_fault = at_fault
        self._last = last
        self._levels: list[_Level] = []

    def read(self, text: str) -> _Found:
        found = _Found()
        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                start, end = _spot(event.start_mark), _spot(event.end_mark)
                if start[0] >= self._last:
                    break
                self._take(event, start, end, found)
                found.until = end
        except yaml.YAMLError:
            return found
        found.until = _END
        return found

    def _take(self, event: object, start: _Spot, end: _Spot, found: _Found) -> None:
        match event:
            case yaml.ScalarEvent() | yaml.AliasEvent():
                bare = event.anchor is None and getattr(event, "tag", None) is None
                # Behind the sign of a block, a comment may follow, which libyaml counts to it.
                bare = bare and getattr(event, "style", None) not in ("|", ">")
                text = getattr(event, "value", "")
                found.add(start, end, shown=bare and self._may_show(text, start))
                self._value_is_read(text)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                self._levels.append(_Level(is_mapping, self._name))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._levels.pop()
                self._value_is_read("")

    @property
    def _name(self) -> str:
        """The option whose value, or part of it, comes next."""
        above = self._levels[-1] if self._levels else _Level(False, "")
        return above.name if above.key is None else above.key

    @property
    def _is_in_a_matrix(self) -> bool:
        """Whether it is a sender or a recipient of a matrix, by name: they become labels."""
        if len(self._levels) < 2:
            return False
        around, level = self._levels[-2:]
        return around.name == "matrix" and level.is_mapping and level.name in ("from", "to")

    def _may_show(self, text: str, start: _Spot) -> bool:
        level = self._levels[-1] if self._levels else None
        if self._is_in_a_matrix:
            return True
        if (
            level
            and level.is_mapping
            and level.key is not None
            and level.name in self._names.holders
        ):
            return False
        if level is None or not level.is_mapping or level.key is not None:
            return self._name in self._names.public
        named_by_people = len(self._levels) == 2 and level.name in self._names.public
        return named_by_people or start in self._at_fault or text in self._names.known

    def _value_is_read(self, text: str) -> None:
        """A key, or the value that follows one."""
        if self._levels and self._levels[-1].is_mapping:
            level = self._levels[-1]
            level.key = text if level.key is None else None


def _spot(mark: Any) -> _Spot:
    return mark.line, mark.column


def _masked(line: str, number: int, found: _Found) -> str:
    """The line, as long as before without its comment."""
    end = len(line) if number < found.until[0] else found.until[1] * (number == found.until[0])
    shown, place = [_mask(character) for character in line], 0
    for first, last, may_be_shown in sorted(found.spans[number]):
        shown[place:first] = _between(line[place:first])
        if may_be_shown:
            shown[first:last] = [_drawn(character) for character in line[first:last]]
        place = last
    rest = [*_between(line[place:end]), *shown[max(place, end) :]]
    return "".join([*shown[:place], *rest]).rstrip()


def _between(text: str) -> Iterator[str]:
    """What is neither a key nor a value: signs of YAML, and comments, which are left out."""
    signs = {match.start() for match in _SIGNS.finditer(text)}
    comment = _COMMENT.search(text)
    until = comment.start() if comment else len(text)
    for place, character in enumerate(text[:until]):
        yield character if place in signs else _mask(character)


def _mask(character: str) -> str:
    return " " if character.isspace() else MASK


def _drawn(character: str) -> str:
    return character if character.isprintable() else " "
