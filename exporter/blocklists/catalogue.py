"""The catalogue of well-known lists: catalogue.yml, which ships with the program."""

from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from exporter.blocklists.facts import ListFacts, check_zone
from exporter.blocklists.names import SubjectKind
from exporter.config.load import load
from exporter.config.types import Options

_Kinds = Annotated[
    frozenset[SubjectKind], BeforeValidator(lambda names: frozenset(map(SubjectKind, names)))
]


class Entry(ListFacts):
    """A list of the catalogue."""

    zone: Annotated[str, AfterValidator(check_zone)]
    asks: _Kinds = frozenset({SubjectKind.IPV4})
    test_points: _Kinds = frozenset(SubjectKind)
    part_of: str = ""
    """The zone of the list that contains all of it."""


class _Catalogue(Options):
    lists: list[Entry]


@cache
def _entries() -> dict[str, Entry]:
    raw = files("exporter.blocklists").joinpath("catalogue.yml").read_bytes()
    return {
        entry.zone: entry
        for entry in load(_Catalogue, [("catalogue.yml", raw)], lambda data: ()).lists
    }


def entry(zone: str) -> Entry | None:
    """The list with this zone, with `{key}` for its key."""
    return _entries().get(zone)


def zones() -> list[str]:
    """All known zones, in the order of the file."""
    return list(_entries())
