"""YAML with the line and column of every value.

This module builds the tree from libyaml's events. PyYAML's own loaders follow YAML 1.1, where `no`
is false, `1:30` is ninety, 0777 is octal and the last of two equal keys wins; this one follows the
core schema of YAML 1.2.2 (section 10.3.2) and reports the rest as errors. Merge keys (`<<`) are
supported, since they are in use. The size of the file, its depth, and the expansion of aliases are
limited.

Messages never repeat a tag, an anchor or an alias: an unquoted password may look like one.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import yaml

from exporter.config.confusables import mark_in, odd_in, plain_of, quoted_oddly
from exporter.config.mistakes import Mistake, Mistakes, Path, Place, written
from exporter.config.syntax import VARIABLE, oddly_written, unreadable
from exporter.core.one_line import one_line

OF_SEVERAL_LINES = frozenset({"body", "html"})
"""The options whose text may have several lines (checks/options.py)."""
MAX_BYTES = 10 << 20
MAX_DEPTH = 40
MAX_VALUES = 500_000  # aliases expanded; 10,000 probes are 50,000

QUOTE = "quote the value"
TAGS_OF_OTHERS = frozenset(
    {"!vault", "!secret", "!env", "!env_var", "!file", "!include", "!password", "!sops"}
)

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_BASED = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_NOT_ONE_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


class Blank(Enum):
    """Marks a missing value. Neither is None, so that no option uses its default instead."""

    EMPTY = "nothing is written"
    SPOILT = "what is written is a mistake, and told already"


@dataclass(slots=True)
class Node:
    """A value, its position, and for a mapping the positions of its keys."""

    place: Place
    value: "str | int | float | bool | Blank | list[Node] | dict[str, Node]"
    keys: dict[str, Place] = field(default_factory=dict)
    size: int = 1  # values in it, aliases expanded
    height: int = 0  # levels below it
    # `#` if the line goes on with a comment, `##` if that is glued to its sign; never what it says
    comment: str = ""

    def plain(self) -> Any:
        """The value alone."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def entries(self) -> "Iterator[tuple[str, Place, Node]]":
        """The keys of a mapping, their positions and values; empty for any other value."""
        if isinstance(self.value, dict):
            for key, node in self.value.items():
                yield key, self.keys[key], node

    def find(self, path: Path) -> "Node":
        """The value at a path, or the last one on the way to it."""
        node = self
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                node = node.value[str(part)]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
            else:
                break
        return node

    def place_of(self, path: Path, *, key: bool = False) -> Place:
        """The position of the value at a path, or of its key. A missing value has none, so its
        key's is used."""
        node, parent = self.find(path), self.find(path[:-1])
        if path and (key or node.value is Blank.EMPTY):
            return parent.keys.get(str(path[-1]), node.place)
        return node.place


def parse(raw: bytes, file: str) -> tuple[Node, list[Mistake]]:
    """Parses the text: returns the tree and its YAML errors. Raises Mistakes if there is no
    tree."""
    if len(raw) > MAX_BYTES:
        raise Mistakes([Mistake(file, None, "", f"is larger than {MAX_BYTES >> 20} MiB")])
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode().split("\n")
        place = Place(len(before), len(before[-1]) + 1)
        message = f"the byte 0x{raw[error.start]:02X} is not UTF-8: save the file as UTF-8"
        raise Mistakes([Mistake(file, place, "", message)]) from None
    if odd := oddly_written(text):
        raise Mistakes(Mistake(file, where, "", message) for where, message in odd)
    composer = _Composer(text, file)
    try:
        return composer.document(), composer.mistakes
    except yaml.YAMLError as error:
        where, message = unreadable(error, text)
        near = [one for one in composer.odd if where and where.line - 1 <= one.line <= where.line]
        raise Mistakes(
            [*composer.mistakes, *([] if near else [Mistake(file, where, "", message)])]
        ) from None


def dump(data: Any) -> str:
    """Writes plain data as YAML, in its order."""
    text: str = yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    return text


class _Composer:
    """Builds the tree from libyaml's events. Checks depth and size before it descends."""

    def __init__(self, text: str, file: str) -> None:
        self.mistakes: list[Mistake] = []
        # Keys with odd characters: what YAML says of the same lines follows from them.
        self.odd: list[Place] = []
        self._file = file
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._anchors: dict[str, Node | None] = {}
        self._path: list[str | int] = []
        self._values = 0

    def document(self) -> Node:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._end(Place(1, 1), "this file contains no configuration")
        root = self._node(next(self._events))
        next(self._events)  # the end of the document
        if isinstance(event := next(self._events), yaml.DocumentStartEvent):
            raise self._end(
                _place(event),
                "a second document begins here: remove the line ---",
            )
        return root

    def _node(self, event: Any) -> Node:
        place = _place(event)
        self._values += 1
        if len(self._path) > MAX_DEPTH:
            raise self._end(place, f"nested deeper than {MAX_DEPTH} levels")
        if self._values > MAX_VALUES:
            raise self._end(place, f"more than {MAX_VALUES} values")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place)
        if anchor := event.anchor:
            self._anchors[anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(place)
        else:
            node = self._mapping(place)
        if event.tag is not None:
            cure = f"for a secret write {{file: PATH}} or {{env: NAME}}, else {QUOTE}"
            cure = cure if event.tag.lower() in TAGS_OF_OTHERS else QUOTE
            node = self._spoilt(place, f"YAML tags are not supported: {cure}")
        if anchor:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: Any, place: Place) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None and event.anchor in self._anchors:
            return self._spoilt(place, "recursive alias")
        if node is None:
            return self._spoilt(
                place,
                "undefined alias: an unquoted * begins an alias; quote text",
            )
        self._values += node.size
        if len(self._path) + node.height > MAX_DEPTH:
            raise self._end(
                place, f"nested deeper than {MAX_DEPTH} levels, with its aliases expanded"
            )
        if self._values > MAX_VALUES:
            raise self._end(place, f"more than {MAX_VALUES} values, with all aliases expanded")
        return Node(place, node.value, node.keys, node.size, node.height)

    def _scalar(self, event: Any, place: Place) -> Node:
        plain = event.implicit[0] and not event.style
        value = _resolved(event.value) if plain else event.value
        if event.tag is None and isinstance(value, str) and (spoilt := self._lines_of(value)):
            return self._spoilt(place, spoilt)
        if plain and (odd := _odd(event.value)):
            return self._spoilt(place, odd)
        return Node(place, value, comment=self._comment_after(event) if plain else "")

    def _lines_of(self, text: str) -> str:
        """What is wrong with its lines; empty if they are good."""
        if self._path and self._path[-1] in OF_SEVERAL_LINES:
            found = _NOT_ONE_LINE.search(text.replace("\n", " ").replace("\t", " "))
            return "contains a control character" if found else ""
        if _NOT_ONE_LINE.search(text):
            return "contains a line break or another control character: write it in one line"
        return ""

    def _comment_after(self, event: Any) -> str:
        rest = (
            self._text[event.end_mark.index : event.end_mark.index + 200]
            .partition("\n")[0]
            .strip(" \t")
        )
        if not rest.startswith("#"):
            return ""
        return "##" if rest[1:2].strip() else "#"

    def _sequence(self, place: Place) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            self._path.append(len(items))
            items.append(self._node(event))
            self._path.pop()
        return _measured(Node(place, items), items)

    def _mapping(self, place: Place) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, merge = self._key(event)
            self._path.append(key)
            node = self._node(next(self._events))
            if node.value is Blank.EMPTY and _place(event) in self.odd:
                node.value = Blank.SPOILT
            # {password:hunter2} must not show up in a message.
            elif node.value is Blank.EMPTY and ":" in key:
                key = self._path[-1] = key.partition(":")[0]
                node = self._spoilt(_place(event), "a space is missing after the colon")
            if merge:
                merged += self._mergeable(node)
            elif key in entries:
                self._note(
                    _place(event), f"is defined twice, first in line {keys[key].line}: remove one"
                )
            else:
                entries[key], keys[key] = node, _place(event)
            self._path.pop()
        for key, where, node in (entry for source in merged for entry in source.entries()):
            if key not in entries:
                entries[key], keys[key] = node, where
        return _measured(Node(place, entries, keys), entries.values())

    def _key(self, event: Any) -> tuple[str, bool]:
        """A key as text, and whether it is a merge key."""
        if isinstance(event, yaml.MappingStartEvent) and event.flow_style:
            raise self._end(_place(event), VARIABLE)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._end(_place(event), "a key must be text, not a list, a mapping or an alias")
        if event.tag is not None:
            self._note(
                _place(event),
                "YAML tags are not supported: quote the key",
            )
        if _NOT_ONE_LINE.search(event.value):
            self._note(_place(event), "the key contains a line break or another control character")
            return one_line(event.value), False
        if not event.style and (odd := _odd(event.value, key=True)):
            self._note(_place(event), odd)
            self.odd.append(_place(event))
            return plain_of(event.value).partition(":")[0], False
        return event.value, event.value == "<<" and not event.style

    def _mergeable(self, node: Node) -> list[Node]:
        sources = node.value if isinstance(node.value, list) else [node]
        if all(
            isinstance(source.value, dict) or source.value is Blank.SPOILT for source in sources
        ):
            return sources
        self._note(node.place, "<< needs a mapping or a list of mappings, usually an *alias")
        return []

    def _spoilt(self, place: Place, text: str) -> Node:
        self._note(place, text)
        return Node(place, Blank.SPOILT)

    def _note(self, place: Place, text: str) -> None:
        self.mistakes.append(Mistake(self._file, place, written(tuple(self._path)), text))

    def _end(self, place: Place, text: str) -> Mistakes:
        self._note(place, text)
        return Mistakes(self.mistakes)


def _measured(node: Node, children: Iterable[Node]) -> Node:
    for child in children:
        node.size += child.size
        node.height = max(node.height, child.height + 1)
    return node


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _odd(text: str, *, key: bool = False) -> str:
    """Likely mistakes in an unquoted value or key, with the cure."""
    if odd := odd_in(text):
        cure = "type it again" if key else f"type it again, or {QUOTE}"
        return f"contains {odd}, which is invisible or looks like a space: {cure}"
    if quoted_oddly(text):
        return "typographic quotes are not quotes in YAML: write \" or '"
    if key and (mark := mark_in(text)):
        return f"contains {mark}: write the ASCII character, and a space after a colon"
    return ""


def _resolved(text: str) -> str | int | float | bool | Blank:
    """Resolves a plain scalar by the core schema. Numbers of more than 18 digits become floats."""
    if text in _NULL:
        return Blank.EMPTY
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return (
        float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if _FLOAT.fullmatch(text)
        else text
    )
