"""A matrix: an entry of `probes` that stands for one probe for each sender and recipient.

It is written out before the configuration is read, so that everything else sees only modules and
probes.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from exporter.checks.options import MAILBOX_OPTIONS
from exporter.config.confusables import ends_oddly
from exporter.config.expansion import Expansion
from exporter.config.mistakes import Path
from exporter.config.types import NAME_PATTERN, Name, Options, check_name
from exporter.core.matrix import Cell

FROM, TO = "{from}", "{to}"
MOST_CELLS = 1000
"""Of all matrices together: each is a probe, with its trips and series."""

_OTHERS = re.compile(r"[^A-Za-z0-9_.-]+")


def _named(value: Any) -> Any:
    """The items by name. A text that has no name is named after itself."""
    if isinstance(value, list):
        items = [(_name_of(text), text) for text in map(_checked, value)]
    elif isinstance(value, dict):
        items = [(check_name(name), _checked(text)) for name, text in value.items()]
    else:
        raise ValueError("must be a list of texts, or a mapping of names to texts")
    if not 0 < len(items) <= MOST_CELLS:
        raise ValueError(f"must have one to {MOST_CELLS} entries")
    found: dict[str, str] = {}
    for name, text in items:
        if name in found:
            raise ValueError(
                f"two entries have the name {name}: remove one, or write names, such as"
                f" {{first: {text}}}"
            )
        found[name] = text
    return found


def _checked(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise ValueError("every entry must be text: put it in quotes")
    if odd := ends_oddly(text):
        raise ValueError(f"{odd}, which is part of it: remove it")
    if set(text) & set("{}"):
        raise ValueError("no placeholder is supported here")
    return text


def _name_of(text: str) -> str:
    """The text with - for what names do not allow: x-example.org of x@example.org."""
    name = _OTHERS.sub("-", text).lstrip("-_.")[:100].rstrip("-")
    if not name:
        raise ValueError(f"no name can be made of it: write one, such as {{first: {text}}}")
    return name


_TEXT = {"type": "string", "minLength": 1}
Items = Annotated[
    dict[str, str],
    BeforeValidator(_named),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MOST_CELLS},
                {
                    "type": "object",
                    "patternProperties": {f"^{NAME_PATTERN}$": _TEXT},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ],
            "title": "list, or texts by name",
        }
    ),
]
"""Texts by name. In a list each has its name from its text."""


class MatrixOptions(Options):
    """Each sender with each recipient: one probe for each pair, a cell. All matrices together have
    at most 1,000 cells. See [matrix.md](matrix.md)."""

    senders: Items = Field(alias="from")
    """The senders: a list of texts, or a mapping of names to texts. `{from}` stands for the name in
    `name`, `module` and for a mailbox, and for the text in all other options of the module. At
    least one of `module` and the module's options must contain it, if there are several senders. In
    a list the name is the text, with `-` for what a name does not allow."""

    recipients: Items = Field(alias="to")
    """The targets of the probes, usually recipients: a list, or a mapping, as in `from`. `{to}`
    stands for the name in `name`, `module` and for a mailbox, so that each recipient can have its
    own one (`mailbox: "{to}"`)."""

    name: Name | None = None
    """The name of the matrix in the label `matrix` and on the page of matrices. Default: `module`,
    or `matrix` if that contains a placeholder."""

    @property
    def cells(self) -> int:
        return len(self.senders) * len(self.recipients)

    @property
    def cell(self) -> Cell:
        """The only cell, after the matrix was written out."""
        return Cell(self.name or "", next(iter(self.senders)), next(iter(self.recipients)))


def expand(data: Any) -> Expansion:
    """Writes the matrices in plain data out: a probe for each cell, and a module for each filling
    of the placeholders in its options. What cannot be written out stays, for its errors."""
    probes = data.get("probes") if isinstance(data, dict) else None
    if not isinstance(probes, list) or not any(map(_has_matrix, probes)):
        return Expansion(data)
    return _Writer(data).expansion()


def _has_matrix(entry: object) -> bool:
    return isinstance(entry, dict) and "matrix" in entry


class _Writer:
    """Writes out the matrices of one configuration."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        modules = data.get("modules")
        self._modules: dict[str, Any] = modules if isinstance(modules, dict) else {}
        self._made: dict[str, dict[str, Any]] = {}  # modules, by the template and their own name
        self._mistakes: list[tuple[Path, str]] = []
        self._origins: dict[Path, Path] = {}
        self._fillings: dict[Path, dict[str, str]] = {}
        self._unfilled: dict[Path, frozenset[str]] = {}
        self._used: dict[str, set[str]] = {}  # placeholders of modules
        self._left = MOST_CELLS

    def expansion(self) -> Expansion:
        probes: list[Any] = []
        for number, entry in enumerate(self._data["probes"]):
            for one, target in self._cells(number, entry):
                at = ("probes", len(probes))
                self._origins[at] = ("probes", number)
                if _has_matrix(entry) and self._placeholders(one.get("module")):
                    self._unfilled[*at, "module"] = frozenset({""})
                if target:
                    self._origins[*at, "target"] = ("probes", number, "matrix", "to", target)
                probes.append(one)
        data = {**self._data, "probes": probes}
        if self._made:
            data["modules"] = dict(self._written_modules())
        for name in self._modules.keys() - self._made.keys():
            self._unfilled["modules", name] = frozenset(self._placeholders(name))
        mistakes = tuple(self._mistakes)
        return Expansion(data, mistakes, self._origins, self._fillings, self._unfilled)

    def _cells(self, number: int, entry: Any) -> Iterator[tuple[Any, str | int]]:
        """The probes that an entry stands for, each with the place of its target in the matrix."""
        matrix = self._readable(number, entry)
        if not matrix:
            yield _without_placeholders(entry) if _has_matrix(entry) else entry, ""
            return
        title = matrix.name or _title(entry["module"])
        places = entry["matrix"]["to"]
        pairs = product(matrix.senders.items(), enumerate(matrix.recipients.items()))
        for (sender, origin), (place, (recipient, target)) in pairs:
            names = {FROM: sender, TO: recipient}
            module = _filled(entry["module"], names)
            cell = {"from": {sender: origin}, "to": {recipient: target}, "name": title}
            yield (
                {
                    **entry,
                    "name": _filled(entry["name"], names),
                    "module": self._module(number, module, names, {FROM: origin, TO: target}),
                    "target": target,
                    "matrix": cell,
                },
                place if isinstance(places, list) else recipient,
            )

    def _readable(self, number: int, entry: Any) -> MatrixOptions | None:
        """The matrix of an entry, if it can be written out."""
        if not _has_matrix(entry):
            return None
        name, module = entry.get("name"), entry.get("module")
        try:
            matrix = MatrixOptions.model_validate(entry["matrix"])
        except ValidationError:
            return None
        if not isinstance(name, str) or not isinstance(module, str):
            return None
        problems = [*self._problems(entry, matrix, name, module)]
        self._mistakes += ((("probes", number, *path), text) for path, text in problems)
        return None if problems else matrix

    def _problems(
        self, entry: Mapping[str, Any], matrix: MatrixOptions, name: str, module: str
    ) -> Iterator[tuple[Path, str]]:
        if "target" in entry and [entry["target"]] != [*matrix.recipients.values()]:
            yield ("target",), "use target or matrix, not both: the targets of a matrix are in `to`"
        if matrix.cells > self._left:
            yield (
                ("matrix",),
                f"makes {matrix.cells:,} probes, and all matrices together may make {MOST_CELLS:,}",
            )
        else:
            self._left -= matrix.cells
        for placeholder, items in ((FROM, matrix.senders), (TO, matrix.recipients)):
            if len(items) > 1 and placeholder not in name:
                yield (
                    ("name",),
                    f"must contain {placeholder}, so that every probe has its own name",
                )
        if len(matrix.senders) > 1 and FROM not in module:
            named = {_filled(module, {TO: one}) for one in matrix.recipients}
            same = (one for one in named if one in self._modules)
            same = (one for one in same if FROM not in self._placeholders(one))
            if one := next(same, None):
                yield (
                    ("matrix", "from"),
                    f"the senders do not differ: write {FROM} in `module`, or in the options of the"
                    f' module {one}, such as host: "{FROM}"',
                )

    def _placeholders(self, module: Any) -> set[str]:
        """Those in the options of a module; none if there is none of this name."""
        if not isinstance(module, str):
            return set()
        if module not in self._used:
            self._used[module] = _placeholders(self._modules.get(module))
        return self._used[module]

    def _module(
        self, number: int, template: str, names: dict[str, str], texts: dict[str, str]
    ) -> str:
        """The name of the module for a cell: the template itself, or a copy that is filled in."""
        used = self._placeholders(template)
        if not used:
            return template
        name = "-".join((template, *(names[one] for one in (FROM, TO) if one in used)))
        filling = {one: text for one, text in texts.items() if one in used}
        made = self._made.setdefault(template, {})
        if name not in made:
            made[name] = _written(self._modules[template], names, texts)
            self._fillings["modules", name] = filling
        elif self._fillings["modules", name] != filling:
            text = f"two copies of {template} would have the name {name}: rename an entry"
            self._mistakes.append((("probes", number, "matrix"), text))
        return name

    def _written_modules(self) -> Iterator[tuple[str, Any]]:
        """All modules, those with placeholders filled in."""
        taken = self._modules.keys() - self._made.keys()
        for name, module in self._modules.items():
            if name not in self._made:
                yield name, module
            for one, written in self._made.get(name, {}).items():
                if one in taken:
                    text = f"its copy would have the name of the module {one}: rename one of them"
                    self._mistakes.append((("modules", name), text))
                    continue
                taken = {*taken, one}
                self._origins["modules", one] = ("modules", name)
                yield one, written


def _title(module: str) -> str:
    return "matrix" if _placeholders(module) else module


def _without_placeholders(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry, so that it has only the errors that were written."""
    return {
        key: _filled(value, {FROM: "from", TO: "to"})
        if key in ("name", "module") and isinstance(value, str)
        else value
        for key, value in entry.items()
    }


def _placeholders(value: Any) -> set[str]:
    """The placeholders in the texts of plain data."""
    if isinstance(value, str):
        return {one for one in (FROM, TO) if one in value}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {one for part in parts for one in _placeholders(part)}


def _written(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> Any:
    """Plain data with the placeholders filled in: with names for mailboxes, else with texts."""
    if isinstance(value, str):
        return _filled(value, texts)
    if isinstance(value, list):
        return [_written(one, names, texts) for one in value]
    if isinstance(value, dict):
        return {
            key: _written(one, names, names if key in MAILBOX_OPTIONS else texts)
            for key, one in value.items()
        }
    return value


def _filled(text: str, fillings: Mapping[str, str]) -> str:
    """All at once: what is filled in contains no placeholder of its own."""
    for placeholder, filling in fillings.items():
        text = text.replace(placeholder, filling)
    return text
